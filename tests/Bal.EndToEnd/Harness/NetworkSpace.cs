using System.Runtime.InteropServices;

namespace Bal.EndToEnd.Harness;

/// <summary>
/// A network of its own with an own /etc/hosts: as root by unshare(1) alone, else with a user namespace.
/// </summary>
internal sealed partial class NetworkSpace : IAsyncDisposable
{
    private const int CLONE_NEWNET = 0x40000000;

    private readonly string _hosts = Path.GetTempFileName();
    private Command? _holder;

    /// <summary>Whether this user may work in one himself: a process with several threads needs root for it.</summary>
    public static bool CanEnter => Posix.IsRoot;

    /// <summary>The same as this machine's, with nothing but loopback.</summary>
    public static async Task<NetworkSpace> Open() => await Open(await File.ReadAllTextAsync("/etc/hosts"), "true");

    /// <summary>Opens one in which the loopback interface is up.</summary>
    /// <param name="hosts">The text of /etc/hosts.</param>
    /// <param name="setup">More commands of a shell, such as <c>ip route add ...</c>.</param>
    public static async Task<NetworkSpace> Open(string hosts, string setup)
    {
        var space = new NetworkSpace();
        await File.WriteAllTextAsync(space._hosts, hosts);
        var own = Posix.IsRoot ? Array.Empty<string>() : ["--user", "--map-root-user"];
        var ready = $"{space._hosts}.ready";
        space._holder = Command.Start("unshare",
        [
            .. own, "--net", "--mount", "bash", "-ec",
            $"ip link set lo up; mount --bind {space._hosts} /etc/hosts; {setup}; touch {ready}; exec cat",
        ]);
        await Eventually.Holds("the network is there", () => File.Exists(ready) || space._holder.HasExited);
        if (!File.Exists(ready))
            Assert.Fail($"the network could not be made:\n{await space._holder.End()}");
        File.Delete(ready);
        return space;
    }

    /// <summary>The words that, before a command, run it there.</summary>
    public string[] Enter => ["nsenter", "--target", $"{_holder!.Pid}", "--net", "--mount",
        .. Posix.IsRoot ? Array.Empty<string>() : ["--user", "--preserve-credentials"]];

    public Task<Finished> Run(params string[] command) => Command.Run(Enter[0], [.. Enter[1..], .. command]);

    public Command Start(params string[] command) => Command.Start(Enter[0], [.. Enter[1..], .. command]);

    /// <summary>Starts a daemon there.</summary>
    public async Task StartBal(BalInstance bal) =>
        (await bal.Shell($"exec {string.Join(' ', Enter)} \"$BAL\" start -d")).Succeeds();

    /// <summary>
    /// Runs something on a thread that has entered it: sockets that are made there belong to it
    /// (network_namespaces(7)). What it awaits goes on elsewhere.
    /// </summary>
    public T Inside<T>(Func<T> what)
    {
        var done = new TaskCompletionSource<T>();
        var thread = new Thread(() =>
        {
            try
            {
                using var space = File.OpenHandle($"/proc/{_holder!.Pid}/ns/net");
                Assert.Equal(0, setns((int)space.DangerousGetHandle(), CLONE_NEWNET));
                done.SetResult(what());
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        });
        thread.Start();
        return done.Task.GetAwaiter().GetResult();
    }

    /// <summary>Switches loopback "up" or "down": then nothing arrives any more, and nobody is told.</summary>
    public async Task Link(string state) => (await Run("ip", "link", "set", "lo", state)).Succeeds();

    /// <summary>Sets a number of /proc/sys/net, of which this network has its own.</summary>
    public void Set(string name, string value) => Inside(() =>
    {
        File.WriteAllText($"/proc/sys/net/{name}", value);
        return 0;
    });

    /// <summary>Writes /etc/hosts anew, in place: a bind mount shows the file that it was made of.</summary>
    public Task Hosts(string text) => File.WriteAllTextAsync(_hosts, text);

    public async ValueTask DisposeAsync()
    {
        if (_holder is not null)
            await _holder.DisposeAsync();
        File.Delete(_hosts);
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setns(int fd, int kind);
}
