using System.Globalization;

namespace Bal.EndToEnd.Harness;

/// <summary>A terminal of tmux(1) with a server of its own, in which one shell command runs.</summary>
internal sealed class Tmux : IAsyncDisposable
{
    private readonly string _socket;

    private Tmux(string socket) => _socket = socket;

    /// <summary>Opens it, 100 columns wide; <c>$BAL</c> is the program.</summary>
    public static async Task<Tmux> Open(BalInstance bal, string commandLine)
    {
        var tmux = new Tmux(Path.Combine(bal.Home, "tmux"));
        (await tmux.Run(
            "-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "24",
            "env", $"BAL={bal.Program}", $"BAL_HOME={bal.Home}", "sh", "-c",
            // The pane stays, so that what is left can be read.
            $"{commandLine}; exec sleep 600")).Succeeds();
        return tmux;
    }

    /// <summary>Keys by their names in tmux, or text.</summary>
    public async Task Press(string keys) => (await Run("send-keys", keys)).Succeeds();

    public async Task Resize(int columns, int rows) => (await Run(
        "resize-window", "-x", columns.ToString(CultureInfo.InvariantCulture),
        "-y", rows.ToString(CultureInfo.InvariantCulture))).Succeeds();

    /// <summary>Waits for a screen.</summary>
    public Task<string> Sees(string what, Func<string, bool> condition) => Eventually.See(
        what, async () => (await Run("capture-pane", "-p")).Succeeds().Out, condition);

    public async ValueTask DisposeAsync() => _ = await Run("kill-server");

    private Task<Finished> Run(params string[] arguments) => Command.Run("tmux", ["-S", _socket, .. arguments]);
}
