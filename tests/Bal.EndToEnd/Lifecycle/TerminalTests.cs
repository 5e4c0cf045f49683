namespace Bal.EndToEnd.Lifecycle;

/// <summary>The terminal of a bal in the foreground goes away.</summary>
public sealed class TerminalTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_bal_in_the_foreground_serves_on_when_its_terminal_is_closed_and_does_not_spin()
    {
        await using var backend = Serving.Echo();
        await using var bal = new BalInstance(output, BalFile.For(backend));
        // script(1) gives it a terminal of its own; with script the terminal goes, and the kernel hangs up who is on
        // it.
        var terminal = bal.ShellInBackground("exec script -qec \"$BAL start\" /dev/null");
        await Eventually.Holds("it serves", () => File.Exists(bal.PidPath) && new FileInfo(bal.PidPath).Length > 1);
        var pid = bal.Pid;
        using var open = await bal.Connect();
        await open.Write(new byte[1]);
        await open.Read(1);

        var with = await Cost(bal, pid, open);

        Posix.Signal(terminal.Pid, Posix.Kill);

        // The hang-up is a reload, as it is for every daemon; the log has nowhere to go, which stalls nobody.
        await bal.SeeStatus("the hang-up has reloaded", s => s.ConfigVersion == 7);
        var without = await Cost(bal, pid, open);

        output.WriteLine($"the same work took {with.TotalMilliseconds:0.0} ms of a core with its terminal, " +
            $"{without.TotalMilliseconds:0.0} ms without it");
        // One that spins takes all the time that the clients and the commands take, which is many times the work
        // itself.
        Assert.InRange(without / with, 0, 3);
        open.Dispose();
        (await bal.Run("stop")).Succeeds();
        Assert.False(ProcFs.IsAlive(pid));
    }

    /// <summary>
    /// What the same work costs bal: clients, reloads that make lines of the log, and an open session.
    /// </summary>
    private static async Task<TimeSpan> Cost(BalInstance bal, int pid, Socket open)
    {
        var before = ProcFs.RunTime(pid);
        for (var i = 0; i < 5; i++)
        {
            for (var n = 0; n < 20; n++)
                await bal.Exchange();
            (await bal.Run("graceful")).Succeeds();
            await open.Write(new byte[1]);
            await open.Read(1);
        }

        return ProcFs.RunTime(pid) - before;
    }
}
