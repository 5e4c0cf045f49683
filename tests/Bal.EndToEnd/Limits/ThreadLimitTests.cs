namespace Bal.EndToEnd.Limits;

/// <summary>
/// Where the system gives no thread more, bal serves on and does what it is told: nothing that happens while it serves
/// needs one. The limit is that on the processes and threads of a user (RLIMIT_NPROC), which root is exempt from: these
/// tests need root to become somebody else, and fail without.
/// </summary>
public sealed class ThreadLimitTests(ITestOutputHelper output)
{
    private const int Most = 10;

    [Fact]
    public async Task Signals_commands_and_lookups_work_where_no_thread_can_be_started()
    {
        await using var backend = Serving.Echo();
        await using var bal = new BalInstance(output, new BalFile(Ports.Free(), $"localhost:{backend.Port}"));
        var (process, user) = await StartLimited(bal, 60_000);
        await using var others = await Fill(user);

        Posix.Signal(process.Pid, Posix.HangUp);
        await bal.SeeStatus("it has reloaded", s => s.ConfigVersion == 2);
        Posix.Signal(process.Pid, Posix.Usr1);
        // Their writers would like a thread; the name is looked up again, as for every reload.
        bal.Write(bal.File with { DecisionLog = Path.Combine(bal.Home, "decisions"), More = "access_log: access" });
        (await bal.Run("graceful")).Succeeds();
        var status = await bal.SeeStatus("the name is reachable", s => s.Reachable == 1 && s.ConfigVersion == 3);
        Assert.Contains(
            "no thread could be started", status.Root.GetProperty("access_log").GetProperty("problem")
                .GetProperty("what_happened").GetString(), StringComparison.Ordinal);
        var upgrade = (await bal.Run("upgrade")).FailsWith(1);
        Assert.Contains("Resource temporarily unavailable", upgrade.Out + upgrade.Error, StringComparison.Ordinal);
        await bal.Exchange();
        Assert.True(ProcFs.ThreadsOf(user) > Most, "the limit was reached all the time");

        (await bal.Run("stop")).Succeeds();
        Assert.Contains("\"event\":\"stopped\"", (await process.End()).Succeeds().Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TERM_ends_it_in_order_where_no_thread_can_be_started()
    {
        await using var backend = Serving.Echo();
        await using var bal = new BalInstance(output, BalFile.For(backend));
        var (process, user) = await StartLimited(bal, 62_000);
        await using var others = await Fill(user);
        using var open = await bal.Connect();
        await open.Write(new byte[1]);
        await open.Read(1);

        Posix.Signal(process.Pid, Posix.Terminate);
        await bal.SeeStatus("it drains", s => s.Root.GetProperty("stopping").GetBoolean());
        await open.Write(Wire.Random(10_000, 1));
        Assert.Equal(Wire.Random(10_000, 1), await open.Read(10_000));
        open.Dispose();
        Assert.Contains("\"event\":\"stopped\"", (await process.End()).Succeeds().Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_thread_leaves_signals_to_the_supervisor()
    {
        await using var backend = Serving.Echo();
        var file = new BalFile(Ports.Free(), $"localhost:{backend.Port}");
        await using var bal = await BalInstance.Healthy(output, file);
        bal.Write(file with { DecisionLog = Path.Combine(bal.Home, "decisions"), More = "access_log: access" });
        (await bal.Run("graceful")).Succeeds();
        await bal.Exchange();

        var wanted = new[] { Posix.HangUp, Posix.Interrupt, Posix.Usr1, Posix.Usr2, Posix.Terminate }
            .Aggregate(0UL, (set, signal) => set | (1UL << (signal - 1)));
        Assert.All(ProcFs.BlockedSignals(bal.Pid), blocked => Assert.Equal(wanted, blocked & wanted));
    }

    private static async Task<(Command Process, int User)> StartLimited(BalInstance bal, int firstUser)
    {
        Assert.True(Posix.IsRoot, "this test needs root, to become a user whose threads are limited");
        // Nobody else's: whatever runs as the same user counts.
        var user = firstUser + Environment.ProcessId % 2_000;
        (await bal.Shell("install -m 0755 \"$BAL\" \"$BAL_HOME/bal\"")).Succeeds();
        (await bal.Shell($"chown -R {user}:{user} \"$BAL_HOME\"")).Succeeds();
        var process = bal.ShellInBackground(
            $"exec {Becoming(user)} prlimit --nproc={Most}:{Most} \"$BAL_HOME/bal\" start");
        await Eventually.Holds("it serves", () =>
            File.Exists(bal.PidPath) && File.ReadAllText(bal.PidPath) == $"{process.Pid}\n");
        await bal.SeeStatus("the backend is reachable", s => s.Reachable == 1);
        return (process, user);
    }

    /// <summary>Processes that are not limited themselves, and leave no room to the one that is.</summary>
    private static async Task<Command> Fill(int user)
    {
        var others = Command.Start(
            "bash", ["-c", $"for i in $(seq {Most}); do {Becoming(user)} --pdeathsig KILL sleep 600 & done; wait"]);
        await Eventually.Holds("the limit is reached", () => ProcFs.ThreadsOf(user) > Most);
        return others;
    }

    private static string Becoming(int user) => $"setpriv --reuid={user} --regid={user} --clear-groups";
}
