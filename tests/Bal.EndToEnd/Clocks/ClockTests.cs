using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Bal.EndToEnd.Clocks;

/// <summary>
/// The wall clock is set back and forth (libfaketime between bal and the C library): time stamps follow it, decisions
/// do not.
/// </summary>
public sealed class ClockTests(ITestOutputHelper output)
{
    private const int IdleMs = 7_000;

    private static readonly string[] Jumps = ["+400d", "-400d", "+0", "-20000d", "+9000d", "+0"];

    [Fact]
    public async Task Whatever_the_wall_clock_does_the_same_things_are_decided_in_the_same_order()
    {
        var undisturbed = await Life(jumps: false);
        var jumping = await Life(jumps: true);

        Assert.Equal(undisturbed.Decisions, jumping.Decisions);
        Assert.Contains("backend_down", jumping.Decisions);
        Assert.Contains("backend_up", jumping.Decisions);
        Assert.Contains("protection_on", jumping.Decisions);
        Assert.Contains("protection_off", jumping.Decisions);
    }

    [Fact]
    public async Task Time_stamps_follow_the_wall_clock_and_idle_connections_and_probes_do_not()
    {
        await using var backend = Serving.Echo();
        // The backend sees these probes.
        var file = (BalFile.For(backend) with { HealthCheck = "tcp_full" })
            .With("connection_idle_timeout_ms", IdleMs).With("health_check_interval_ms", 50);
        await using var scene = await Scene.Of(output, file);
        var bal = scene.Bal;
        using var client = await bal.Connect();
        await client.Write(new byte[1]);
        await client.Read(1);
        foreach (var jump in Jumps)
        {
            scene.Set(jump);
            var probes = backend.Accepted;
            await Eventually.Holds("probes go on", () => backend.Accepted >= probes + 2);
            (await bal.Run("graceful")).Succeeds();
            // Years have passed on the wall, and it is still there.
            await client.Write(new byte[1]);
            await client.Read(1);
        }

        var clock = Stopwatch.StartNew();
        scene.Set("+400d");
        Assert.Equal(Ending.Fin, (await client.ReadToEnd()).Ending);
        Assert.InRange(clock.ElapsedMilliseconds, IdleMs - 100, long.MaxValue);
        (await bal.Run("stop")).Succeeds();
        var years = bal.LogLines().Where(l => Event(l) == "reload_applied").Select(Year).Distinct().Count();
        Assert.Equal(5, years);
    }

    private async Task<Observed> Life(bool jumps)
    {
        await using var backend = Serving.Echo();
        // Two failures and it is down, three successes and protection is over; client connects cool down for 50 ms.
        var file = BalFile.For(backend)
            .With("health_check_interval_ms", 50).With("health_check_fail_threshold", 2)
            .With("failover_backoff_initial_ms", 50).With("failover_backoff_max_ms", 50).With("backend_cooldown_ms", 50)
            .With("protection_stable_success_threshold", 3);
        await using var scene = await Scene.Of(output, file);
        var bal = scene.Bal;
        for (var round = 0; round < 3; round++)
        {
            if (jumps)
                scene.Set(Jumps[2 * round]);
            backend.Refuse();
            await bal.SeeStatus("it is down", s => s.Reachable == 0);
            if (jumps)
                scene.Set(Jumps[(2 * round) + 1]);
            Assert.Null(await bal.ConnectUnlessReset());
            await bal.SeeStatus("protection is on", s => s.Protected);
            backend.Revive();
            await bal.SeeStatus("it is back, and protection is over", s => s is { Reachable: 1, Protected: false });
        }

        (await bal.Run("stop")).Succeeds();
        // How long something cools down is told by debug lines and depends on who comes first, probe or client. Who was
        // not served is told at most once a second, so that it depends on how long a round takes.
        return new Observed(
            [.. bal.LogLines().Select(Event).Where(e => e is not "backend_cooling" and not "clients_not_served")]);
    }

    private static string Event(string line) => JsonDocument.Parse(line).RootElement.GetProperty("event").GetString()!;

    private static int Year(string line) => DateTimeOffset.Parse(
        JsonDocument.Parse(line).RootElement.GetProperty("timestamp").GetString()!, CultureInfo.InvariantCulture).Year;

    private sealed record Observed(string[] Decisions);

    /// <summary>A bal whose wall clock the test sets.</summary>
    private sealed class Scene(BalInstance bal, string clock) : IAsyncDisposable
    {
        public BalInstance Bal { get; } = bal;

        public static async Task<Scene> Of(ITestOutputHelper output, BalFile file)
        {
            var bal = new BalInstance(output, file);
            var scene = new Scene(bal, Path.Combine(bal.Home, "clock"));
            scene.Set("+0");
            (await bal.RunWith(
                [
                    ("LD_PRELOAD", Library()),
                    ("FAKETIME_TIMESTAMP_FILE", Path.Combine(bal.Home, "clock")),
                    ("FAKETIME_NO_CACHE", "1"),
                    ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
                    ("DONT_FAKE_MONOTONIC", "1"),
                ],
                "start", "-d")).Succeeds();
            await bal.SeeStatus(
                "its backend is up", s => s.Root.GetProperty("last_check_time").GetString() is not null);
            return scene;
        }

        /// <summary>By how much bal's wall clock differs from that of the machine, from now on.</summary>
        public void Set(string difference)
        {
            File.WriteAllText(clock + ".new", difference);
            File.Move(clock + ".new", clock, overwrite: true);
        }

        public ValueTask DisposeAsync() => Bal.DisposeAsync();

        private static string Library() => Directory.GetDirectories("/usr/lib", "*-linux-gnu")
            .Select(directory => Path.Combine(directory, "faketime", "libfaketimeMT.so.1"))
            .FirstOrDefault(File.Exists) ?? throw new InvalidOperationException(
                "libfaketime is missing: apt-get install faketime");
    }
}
