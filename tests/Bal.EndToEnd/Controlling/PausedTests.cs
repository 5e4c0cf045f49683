using System.Diagnostics;
using System.Text.Json;

namespace Bal.EndToEnd.Controlling;

/// <summary>
/// A daemon that does not answer costs its operator two seconds, and the advice works: for one that is paused
/// (SIGSTOP) and for one that hangs.
/// </summary>
[Collection(Sequential.Name)]
public sealed class PausedTests(ITestOutputHelper output)
{
    // Two seconds, and what it takes to start a process on a machine that is busy with other tests.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(4);

    [Theory]
    [InlineData("status")]
    [InlineData("status --json")]
    [InlineData("explain --json")]
    [InlineData("graceful --json")]
    [InlineData("graceful --timeout 30")]
    [InlineData("upgrade")]
    [InlineData("doctor --json")]
    [InlineData("stop -c config.yaml")]
    public async Task Every_command_gives_a_paused_daemon_up_and_says_how_to_let_it_go_on(string words)
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));
        var pid = bal.Pid;
        Posix.Signal(pid, Posix.Stop);
        var clock = Stopwatch.StartNew();

        var run = (await bal.Run(words.Replace("config.yaml", bal.ConfigPath, StringComparison.Ordinal).Split(' ')))
            .FailsWith(1);

        Assert.True(clock.Elapsed < Limit, $"{words} took {clock.Elapsed}");
        Assert.Contains("paused (SIGSTOP)", run.Out + run.Error, StringComparison.Ordinal);
        Assert.Contains($"kill -CONT {pid}", run.Out + run.Error, StringComparison.Ordinal);
        if (words.EndsWith("--json", StringComparison.Ordinal))
            _ = JsonDocument.Parse(run.Out);
        if (words == "status --json")
        {
            var report = JsonDocument.Parse(run.Out).RootElement;
            Assert.Equal(pid, report.GetProperty("pid").GetInt32());
            Assert.Equal(1, report.GetProperty("backend_total").GetInt32());
            Assert.Equal("control_silent",
                report.GetProperty("unobserved").GetProperty("problem").GetProperty("code").GetString());
        }

        // The advice.
        Posix.Signal(pid, Posix.Continue);
        (await bal.Run("status")).Succeeds();
        await bal.Exchange();
    }

    [Fact]
    public async Task A_stop_of_a_paused_daemon_waits_in_it_until_it_goes_on()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));
        var pid = bal.Pid;
        Posix.Signal(pid, Posix.Stop);

        var stop = (await bal.Run("stop")).FailsWith(1);
        Assert.Contains($"kill -CONT {pid}", stop.Error, StringComparison.Ordinal);
        Assert.Contains($"kill -KILL {pid}", stop.Error, StringComparison.Ordinal);

        Posix.Signal(pid, Posix.Continue);
        await Eventually.Holds("it has stopped", () => !ProcFs.IsAlive(pid));
        Assert.Contains("not running", (await bal.Run("status")).Succeeds().Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_daemon_whose_supervisor_hangs_is_given_up_and_can_be_ended_as_it_says()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));
        var pid = bal.Pid;
        // The first thread is the supervisor; the process as a whole is not stopped.
        using var frozen = FrozenThread.Of(pid, Path.GetFileName(BalBinary.Path));

        var status = (await bal.Run("status")).FailsWith(1);
        Assert.DoesNotContain("SIGSTOP", status.Out, StringComparison.Ordinal);
        Assert.Contains($"kill -KILL {pid}", status.Out, StringComparison.Ordinal);
        var clock = Stopwatch.StartNew();
        Assert.Contains($"kill -KILL {pid}", (await bal.Run("stop")).FailsWith(1).Error, StringComparison.Ordinal);
        Assert.True(clock.Elapsed < Limit, $"stop took {clock.Elapsed}");

        Posix.Signal(pid, Posix.Kill);
        await Eventually.Holds("it is gone", () => !ProcFs.IsAlive(pid));
        (await bal.Run("start", "-d")).Succeeds();
    }

    [Fact]
    public async Task Ready_answers_within_a_second_whatever_the_daemon_does()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));
        (await bal.Run("ready")).Succeeds();
        Posix.Signal(bal.Pid, Posix.Stop);
        var clock = Stopwatch.StartNew();

        var paused = (await bal.Run("ready", "--backends")).FailsWith(1);

        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(2), $"ready took {clock.Elapsed}");
        Assert.StartsWith("ready: no: ", paused.Out, StringComparison.Ordinal);
        Assert.Equal(1, paused.Out.Count(c => c == '\n'));
        Posix.Signal(bal.Pid, Posix.Continue);
        (await bal.Run("ready", "--backends")).Succeeds();
    }
}
