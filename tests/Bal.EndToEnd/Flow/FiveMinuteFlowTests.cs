namespace Bal.EndToEnd.Flow;

/// <summary>What the README promises to a new user, in its order.</summary>
public sealed class FiveMinuteFlowTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Check_doctor_status_start_status_graceful_stop_work_one_after_the_other()
    {
        await using var one = Serving.Echo();
        await using var two = Serving.Echo();
        await using var bal = new BalInstance(output, BalFile.For(one, two));

        var check = (await bal.Run("check")).Succeeds();
        Assert.Equal("result: OK\nbackends: 2\nwarnings: 0\nnext: run 'bal doctor'\n", Unindented(check.Out));

        var doctor = (await bal.Run("doctor")).Succeeds();
        Assert.StartsWith("overall: OK\ncritical: 0\nwarnings: 0\n", Unindented(doctor.Out), StringComparison.Ordinal);

        var stopped = (await bal.Run("status")).Succeeds();
        Assert.Contains("not running", stopped.Out, StringComparison.Ordinal);
        (await bal.Run("status", "--exit-code")).FailsWith(2);

        var start = (await bal.Run("start", "-d")).Succeeds();
        Assert.Equal("", start.Out);
        // It returned: so connections are accepted, at the first attempt.
        using (var client = await bal.Connect())
        {
            await client.Write("hello"u8.ToArray());
            Assert.Equal("hello"u8.ToArray(), await client.Read(5));
        }

        await bal.SeeStatus("both backends probed", s => s.Reachable == 2);
        var status = (await bal.Run("status", "--exit-code")).Succeeds();
        Assert.Equal(
            $"overall: OK\ndaemon: running (pid={bal.Pid})\nbackends: 2/2 reachable\nprotection_mode: off\n" +
            "next: continue monitoring with 'bal status'\n",
            Unindented(status.Out));
        // A healthy daemon, its own listener included, is no reason for a warning.
        var again = (await bal.Run("doctor")).Succeeds();
        Assert.StartsWith("overall: OK\ncritical: 0\nwarnings: 0\n", Unindented(again.Out), StringComparison.Ordinal);

        (await bal.Run("graceful")).Succeeds();
        Assert.Equal(2, (await bal.Status()).ConfigVersion);

        var pid = bal.Pid;
        var stop = (await bal.Run("stop")).Succeeds();
        Assert.False(ProcFs.IsAlive(pid), stop.ToString());
        await Assert.ThrowsAsync<SocketException>(bal.Connect);
        Assert.Contains("not running", (await bal.Run("stop")).FailsWith(1).Error, StringComparison.Ordinal);
        Assert.Contains("not running", (await bal.Run("graceful")).FailsWith(1).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_sample_of_the_repository_passes_check_unchanged()
    {
        await using var bal = new BalInstance(output);
        foreach (var sample in new[] { "config.yaml", "config.advanced.yaml" })
        {
            var path = Path.Combine(Repository(), "sample", sample);
            (await bal.Run("check", "--config", path)).Succeeds();
        }
    }

    [Fact]
    public async Task A_foreground_bal_is_found_by_status_graceful_and_stop()
    {
        await using var backend = Serving.Echo();
        await using var bal = new BalInstance(output, BalFile.For(backend));
        var foreground = await bal.Foreground();

        Assert.Equal(foreground.Pid, (await bal.Status()).Pid);
        (await bal.Run("graceful")).Succeeds();
        (await bal.Run("stop")).Succeeds();

        var end = (await foreground.End()).Succeeds();
        Assert.Contains("\"event\":\"started\"", end.Error.Replace("\": \"", "\":\"", StringComparison.Ordinal),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Posix.Interrupt)]
    [InlineData(Posix.Terminate)]
    public async Task A_foreground_bal_stops_cleanly_on(int signal)
    {
        await using var backend = Serving.Echo();
        await using var bal = new BalInstance(output, BalFile.For(backend));
        var foreground = await bal.Foreground();

        Posix.Signal(foreground.Pid, signal);

        (await foreground.End(TimeSpan.FromSeconds(10))).Succeeds();
        Assert.False(File.Exists(bal.SocketPath));
        (await bal.Run("stop")).FailsWith(1);
    }

    private static string Unindented(string text) =>
        string.Concat(text.TrimEnd('\n').Split('\n').Select(line => line.TrimStart() + "\n"));

    private static string Repository()
    {
        var at = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(at!.FullName, "Bal.sln")))
            at = at.Parent;
        return at.FullName;
    }
}
