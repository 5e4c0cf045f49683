namespace Bal.EndToEnd.Servers;

/// <summary>redis-server on a port of its own, with nothing on disk.</summary>
internal sealed class RedisServer : IAsyncDisposable
{
    private Command? _process;

    public int Port { get; } = Ports.Free();

    public int Pid => _process!.Pid;

    /// <param name="options">Further ones.</param>
    public static async Task<RedisServer> Start(params string[] options)
    {
        var server = new RedisServer();
        await server.Revive(options);
        return server;
    }

    /// <summary>Starts the process, without waiting for anything.</summary>
    public void Begin(params string[] options) => _process = Command.Start("redis-server",
    [
        "--port", $"{Port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no",
        "--enable-debug-command", "yes", "--repl-diskless-sync-delay", "0", .. options,
    ]);

    public async Task Revive(params string[] options)
    {
        Begin(options);
        await Eventually.See("redis answers", () => Cli(Port, "PING"), answer => answer.Out == "PONG\n");
    }

    public async Task Kill()
    {
        if (_process is not null)
            await _process.DisposeAsync();
        _process = null;
    }

    public static Task<Finished> Cli(int port, params string[] arguments) =>
        Command.Run("redis-cli", ["-h", "127.0.0.1", "-p", $"{port}", .. arguments]);

    public async ValueTask DisposeAsync() => await Kill();
}
