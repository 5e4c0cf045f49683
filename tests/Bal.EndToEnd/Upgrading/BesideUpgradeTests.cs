using System.Diagnostics;

namespace Bal.EndToEnd.Upgrading;

/// <summary>
/// Other commands and signals at any moment of an upgrade. The moments are spread over the time that an upgrade took
/// just before, so that every step of it is met, whatever the speed of the machine.
/// </summary>
public sealed class BesideUpgradeTests(ITestOutputHelper output)
{
    private const int Moments = 100;

    [Theory]
    [InlineData("stop")]
    [InlineData("INT to every process, as a terminal sends it")]
    public async Task After_a_stop_nobody_serves_whenever_it_comes(string how)
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Started(output, BalFile.For(backend));
        var whole = await Upgraded(bal);
        for (var i = 0; i < Moments; i++)
        {
            var upgrade = bal.Run("upgrade");
            await Task.Delay(Moment(whole, i));
            if (how == "stop")
                (await bal.Run("stop")).Succeeds();
            else
                await Interrupt(bal);
            // What it leaves is looked at now, and not after a while.
            await Assert.ThrowsAsync<SocketException>(bal.Connect);
            Assert.False(File.Exists(bal.PidPath), $"moment {i}: the PID file is left");
            _ = await upgrade;
            await Eventually.Holds($"moment {i}: nobody is left", () => ProcFs.Serving(bal.Home).Count == 0);
            (await bal.Run("start", "-d")).Succeeds();
        }
    }

    [Theory]
    [InlineData("graceful")]
    [InlineData("HUP")]
    public async Task A_reload_is_applied_whenever_it_comes(string how)
    {
        await using var backend = Serving.Echo();
        await using var other = Serving.Echo();
        var files = new[] { BalFile.For(backend), BalFile.For(backend, other) };
        files[1] = files[1] with { Port = files[0].Port };
        await using var bal = await BalInstance.Started(output, files[0]);
        var whole = await Upgraded(bal);
        for (var i = 0; i < Moments; i++)
        {
            var upgrade = bal.Run("upgrade");
            await Task.Delay(Moment(whole, i));
            bal.Write(files[(i + 1) % 2]);
            if (how == "graceful")
                (await bal.Run("graceful")).Succeeds();
            else
                await Eventually.Holds("somebody is there", () => Posix.SignalIfThere(bal.Pid, Posix.HangUp));
            var backends = 1 + ((i + 1) % 2);
            await bal.SeeStatus($"moment {i}: {backends} backends", s =>
                s.Backends.Count(b => b.State != "draining") == backends);
            (await upgrade).Succeeds();
        }

        Assert.DoesNotContain(bal.LogLines(), l => l.Contains("is stopping", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("bal.pid")]
    [InlineData("bal.sock")]
    [InlineData("bal.pid bal.sock")]
    public async Task Files_that_are_removed_come_back_whenever_they_go(string files)
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Started(output, BalFile.For(backend));
        var whole = await Upgraded(bal);
        for (var i = 0; i < Moments / 4; i++)
        {
            var upgrade = bal.Run("upgrade");
            await Task.Delay(Moment(whole, 4 * i));
            foreach (var file in files.Split(' '))
                File.Delete(Path.Combine(bal.Home, file));
            _ = await upgrade;
            await Eventually.See($"moment {i}: it is found", () => bal.Run("status", "--json"), s =>
                s.ExitCode == 0 && new Status(s.Out).Running);
            await Eventually.See($"moment {i}: it reloads", () => bal.Run("graceful"), r => r.ExitCode == 0);
            await bal.Exchange();
        }

        (await bal.Run("stop")).Succeeds();
        Assert.Empty(ProcFs.Serving(bal.Home));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Whoever_is_killed_and_whenever_one_bal_serves_after_a_start_and_can_be_reached(bool theNew)
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Started(output, BalFile.For(backend));
        var whole = await Upgraded(bal);
        for (var i = 0; i < Moments / 4; i++)
        {
            var old = bal.Pid;
            var upgrade = bal.Run("upgrade");
            await Task.Delay(Moment(whole, 4 * i));
            foreach (var pid in ProcFs.Serving(bal.Home).Where(pid => pid == old != theNew))
                Posix.KillIfThere(pid);
            var start = await bal.Run("start", "-d");
            _ = await upgrade;

            Assert.True(
                start.ExitCode == 0 || start.Error.Contains("already running", StringComparison.Ordinal)
                    || start.Error.Contains("held by", StringComparison.Ordinal),
                $"moment {i}: {start}");
            await Eventually.See($"moment {i}: somebody serves", () => bal.Run("start", "-d"), again =>
                again.ExitCode == 0 || again.Error.Contains("already running", StringComparison.Ordinal));
            await bal.Exchange();
            Assert.Equal(bal.Pid, (await bal.Status()).Pid);
        }
    }

    private static async Task<TimeSpan> Upgraded(BalInstance bal)
    {
        var clock = Stopwatch.StartNew();
        (await bal.Run("upgrade")).Succeeds();
        return clock.Elapsed;
    }

    private static TimeSpan Moment(TimeSpan whole, int i) => 1.1 * whole * i / Moments;

    private static Task Interrupt(BalInstance bal)
    {
        foreach (var pid in ProcFs.Serving(bal.Home))
            Posix.SignalIfThere(pid, Posix.Interrupt);
        return Eventually.Holds("everybody has ended", () => ProcFs.Serving(bal.Home).Count == 0);
    }
}
