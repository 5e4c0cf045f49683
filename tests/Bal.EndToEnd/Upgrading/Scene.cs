namespace Bal.EndToEnd.Upgrading;

/// <summary>An upgraded bal with one connection left in the old process.</summary>
internal sealed record Scene(BalInstance Bal, int Old, Socket Open, TestBackend Backend, InstalledBal Installed)
    : IAsyncDisposable
{
    public static async Task<Scene> Upgraded(ITestOutputHelper output)
    {
        var backend = Serving.Echo();
        var installed = new InstalledBal();
        var bal = await BalInstance.Healthy(output, BalFile.For(backend), installed.Path);
        var open = await bal.Connect();
        await open.Write(new byte[1]);
        await open.Read(1);
        var scene = new Scene(bal, bal.Pid, open, backend, installed);
        (await bal.Run("upgrade")).Succeeds();
        return scene;
    }

    /// <summary>The same with the new process killed.</summary>
    public static async Task<Scene> Killed(ITestOutputHelper output)
    {
        var scene = await Upgraded(output);
        await scene.Kill();
        await scene.Talk();
        return scene;
    }

    public async Task Kill()
    {
        var pid = Bal.Pid;
        Posix.Signal(pid, Posix.Kill);
        await Eventually.Holds("it is gone", () => !ProcFs.IsAlive(pid));
    }

    /// <summary>The old connection still works.</summary>
    public async Task Talk()
    {
        await Open.Write(new byte[1]);
        await Open.Read(1);
    }

    public async ValueTask DisposeAsync()
    {
        Open.Dispose();
        await Bal.DisposeAsync();
        await Backend.DisposeAsync();
        Installed.Dispose();
    }
}
