namespace Bal.EndToEnd.Lifecycle;

/// <summary>The terminal of a bal in the foreground goes away.</summary>
public sealed class TerminalTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_bal_in_the_foreground_serves_on_when_its_terminal_is_closed_and_does_not_spin()
    {
        await using var backend = Serving.Echo();
        await using var bal = new BalInstance(output, BalFile.For(backend));
        // script(1) gives it a terminal of its own; with script the terminal goes, and the kernel hangs up who is on it.
        var terminal = bal.ShellInBackground("exec script -qec \"$BAL start\" /dev/null");
        await Eventually.Holds("it serves", () => File.Exists(bal.PidPath) && new FileInfo(bal.PidPath).Length > 1);
        var pid = bal.Pid;
        using var open = await bal.Connect();
        await open.Write(new byte[1]);
        await open.Read(1);

        Posix.Signal(terminal.Pid, Posix.Kill);

        // The hang-up is a reload, as it is for every daemon; the log has nowhere to go, which stalls nobody.
        await bal.SeeStatus("the hang-up has reloaded", s => s.ConfigVersion == 2);
        var before = ProcFs.RunTime(pid);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        for (var i = 0; i < 50; i++)
            await bal.Exchange();
        (await bal.Run("graceful")).Succeeds();
        await open.Write(new byte[1]);
        await open.Read(1);
        // A window to observe, in which nothing is expected to happen.
        await Task.Delay(500);
        var share = (ProcFs.RunTime(pid) - before) / clock.Elapsed;
        output.WriteLine($"without its terminal bal used {share:P1} of a core");
        Assert.InRange(share, 0, 0.5);
        open.Dispose();
        (await bal.Run("stop")).Succeeds();
        Assert.False(ProcFs.IsAlive(pid));
    }
}
