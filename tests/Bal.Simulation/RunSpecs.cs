using Bal.Domain.Primitives;
using Bal.Domain.Simulation;

namespace Bal.Simulation;

/// <summary>What a run shows: the timeline, the totals, the expectations, and where two configurations part.</summary>
public sealed class RunSpecs
{
    private const string Outage = """
        duration: 2m
        client_rate: 10
        connection_length: 100ms
        events:
          - {at: 30s, backend: 1, do: refuse}
          - {at: 60s, backend: 1, do: recover}
        """;

    [Fact]
    public void A_healthy_hour_serves_everybody_and_says_nothing()
    {
        var report = Scenarios.Run("duration: 1h\nclient_rate: 5\nconnection_length: 100ms");
        Assert.Equal((18_000, 18_000, 0), (report.Totals.Clients, report.Totals.Served, report.Totals.Failed));
        Assert.True(report.Timeline.IsEmpty);
        Assert.All(report.Backends, b => Assert.Equal(9_000, b.Served));
    }

    [Fact]
    public void Who_comes_to_a_dead_backend_goes_on_to_the_next_one()
    {
        var report = Scenarios.Run(Outage);
        Assert.Equal(0, report.Totals.Failed);
        Assert.True(report.Totals.FailedOver >= 1);
        Assert.Equal(LaneState.Up, report.Backends[0].StateAt(new Instant(30_000)));
        Assert.Equal(LaneState.Down, report.Backends[0].StateAt(new Instant(45_000)));
        Assert.Equal(LaneState.Up, report.Backends[0].StateAt(new Instant(61_000)));
        Assert.InRange(report.Backends[0].LongestOut.Milliseconds, 25_000, 31_000);
    }

    [Fact]
    public void A_drained_backend_gets_nobody_until_it_is_enabled_though_bal_is_killed_meanwhile()
    {
        var report = Scenarios.Run("""
            duration: 3m
            client_rate: 10
            connection_length: 100ms
            retries: 5
            events:
              - {at: 30s, backend: 1, do: drain}
              - {at: 60s, do: crash}
              - {at: 90s, backend: 1, do: enable}
              - {at: 120s, backend: 2, do: weight, weight: 3}
            """);
        Assert.Equal(LaneState.Draining, report.Backends[0].StateAt(new Instant(45_000)));
        Assert.Equal(LaneState.Draining, report.Backends[0].StateAt(new Instant(75_000)));
        Assert.Equal(LaneState.Up, report.Backends[0].StateAt(new Instant(100_000)));
        // Half of 30 s, none of 60 s, half of 30 s, a quarter of 60 s: 450 of 1,800.
        Assert.InRange(report.Backends[0].Served, 440, 460);
        Assert.Contains(report.Timeline, entry => entry.Event == "drain");
    }

    [Fact]
    public void Clients_of_one_address_have_one_backend_until_it_is_drained()
    {
        const string Config = $"method: source_hash\n{Scenarios.TwoBackends}";
        const string Clients = "duration: 1m\nclient_rate: 10\nclient_addresses: 192.0.2.7/32\n";
        var all = Scenarios.Run(Clients, Config).Backends.Map(b => b.Served);
        Assert.Equal([0L, 600L], all.Order());
        var its = all[0] > 0 ? 1 : 2;

        var drained = Scenarios.Run(
            $"{Clients}events: [{{at: 20s, backend: {its}, do: drain}}, {{at: 40s, backend: {its}, do: enable}}]",
            Config);

        Assert.InRange(drained.Backends[its - 1].Served, 390, 410);
        Assert.InRange(drained.Backends[2 - its].Served, 190, 210);
        Assert.Equal(0, drained.Totals.Failed);
    }

    [Theory]
    [InlineData("192.0.2.7/24")]
    [InlineData("192.0.2.0/33")]
    [InlineData("nonsense")]
    public void A_network_that_is_none_is_an_error(string network) => Assert.Equal(
        "invalid_network",
        Assert.Single(Scenarios.Read($"duration: 1m\nclient_addresses: {network}").Findings).Code);

    [Theory]
    [InlineData("{at: 1s, do: drain}", "backend")]
    [InlineData("{at: 1s, do: weight, backend: 1}", "weight")]
    [InlineData("{at: 1s, do: weight, backend: 1, weight: 257}", "256")]
    [InlineData("{at: 1s, do: enable, backend: 1, weight: 2}", "does not apply to")]
    public void An_order_that_cannot_be_carried_out_is_an_error(string what, string says) => Assert.Contains(
        Scenarios.Read($"events: [{what}]").Findings, f => f.Message.Contains(says, StringComparison.Ordinal));

    [Fact]
    public void The_timeline_says_which_counts_turned_protection_mode_on_and_off()
    {
        var report = Scenarios.Run("""
            seed: 4
            duration: 2m
            client_rate: 20
            events:
              - {at: 30s, backend: 1, do: flap, down: 3s, up: 5s, as: blackhole}
              - {at: 60s, backend: 1, do: recover}
            """);
        var on = report.Timeline.First(e => e.Event == "protection_on");
        Assert.Contains(
            "10 of 10 failed client connects within 30 s (127.0.0.1:9000 timed out 10)", on.Text,
                StringComparison.Ordinal);
        var off = report.Timeline.First(e => e.Event == "protection_off");
        Assert.Matches(@"12 of 12 successes in a row \(\d+ of probes, \d+ of clients\)", off.Text);
        Assert.Equal(on.At, report.Protection[0].From);
        Assert.Equal(off.At, report.Protection[0].To);
    }

    [Theory]
    [InlineData("failed: 0", "failed: 1")]
    [InlineData("served_at_least: 1200", "served_at_least: 1201")]
    [InlineData("served_at_most: 1200", "served_at_most: 1199")]
    [InlineData("failover_p99_at_most: 1s", "failover_p99_at_most: 0s")]
    [InlineData("{protection: off, at: 40s}", "{protection: on, at: 40s}")]
    [InlineData("protections: 0", "protections_at_least: 1")]
    [InlineData("{backend: 1, state: down, at: 45s}", "{backend: 1, state: up, at: 45s}")]
    [InlineData("{backend: 127.0.0.1:9001, state: up, at: 2m}", "{backend: 127.0.0.1:9001, state: absent, at: 2m}")]
    [InlineData("{backend: 1, out_of_rotation_at_most: 31s}", "{backend: 1, out_of_rotation_at_most: 25s}")]
    public void An_expectation_holds_or_says_what_was_seen_instead(string holds, string fails)
    {
        Assert.True(Scenarios.Run($"{Outage}\nexpect: [{holds}]").Passed);
        var report = Scenarios.Run($"{Outage}\nexpect: [{fails}]");
        Assert.False(report.Passed);
        Assert.Contains($"FAILED  {report.Verdicts[0].Expected} (seen: {report.Verdicts[0].Seen})",
            SimulationText.Of(report), StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_survives_a_crash_of_bal_and_nobody_is_served_meanwhile()
    {
        var report = Scenarios.Run("""
            duration: 1m
            client_rate: 10
            events:
              - {at: 10s, backend: all, do: blackhole}
              - {at: 20s, do: crash, for: 5s}
            expect:
              - {protection: on, at: 19s}
              - {protection: off, at: 25010ms}
              - {backend: 1, state: absent, at: 22s}
              - {backend: 1, state: up, at: 25010ms}
            """);
        Assert.True(report.Passed, SimulationText.Of(report));
        Assert.Equal(new Period(new(20_000), new(25_000)), Assert.Single(report.Absences));
    }

    [Fact]
    public void Connections_of_a_backend_that_a_reload_removes_drain()
    {
        var report = Scenarios.Run("""
            duration: 1m
            client_rate: 10
            connection_length: 5s
            events:
              - at: 20s
                do: reload
                config: {backends: [{host: "127.0.0.1", port: 9001}, {host: "127.0.0.1", port: 9002}]}
            expect:
              - failed: 0
              - {backend: 1, state: draining, at: 22s}
              - {backend: 1, state: absent, at: 26s}
              - {backend: 127.0.0.1:9002, state: up, at: 22s}
            """);
        Assert.True(report.Passed, SimulationText.Of(report));
        Assert.Equal(3, report.Backends.Count);
    }

    private const string TwoServices = """
        services:
          orders: {port: 9295, backends: ["127.0.0.1:9000", "127.0.0.1:9001"]}
          cache: {port: 9296, backends: ["127.0.0.1:9001", "127.0.0.1:9002"]}
        """;

    [Fact]
    public void Each_service_has_clients_backends_and_a_protection_mode_of_its_own()
    {
        var report = Scenarios.Run("""
            duration: 1m
            connection_length: 100ms
            clients:
              - client_rate: 10
              - {service: cache, client_rate: 5}
            events:
              - {at: 20s, service: cache, backend: 2, do: refuse}
              - {at: 30s, backend: 127.0.0.1:9001, do: refuse}
              - {at: 40s, service: cache, do: rate, rate: 0}
            expect:
              - {protection: "on", at: 35s, service: cache}
              - {protection: "off", at: 35s, service: orders}
              - {service: orders, backend: 2, state: down, at: 50s}
              - {service: orders, backend: 1, state: up, at: 50s}
              - {service: cache, backend: 127.0.0.1:9001, state: down, at: 50s}
            """, TwoServices);

        Assert.True(report.Passed, SimulationText.Of(report));
        Assert.Equal("orders, cache", string.Join(", ", report.Services.Map(s => s.Name)));
        Assert.Equal((600L, 0L), (report.Services[0].Served, report.Services[0].Failed));
        Assert.Equal(200, report.Services[1].Served + report.Services[1].Failed);
        Assert.InRange(report.Services[1].Failed, 40, 60);
        Assert.Contains(report.Timeline, e =>
            e.Text.StartsWith("service cache: protection mode is on", StringComparison.Ordinal));
        var text = SimulationText.Of(report);
        Assert.Contains(
            "\n  orders: served 600, failed 0, rejected 0; protection mode never on\n", text, StringComparison.Ordinal);
        Assert.Contains("\n  cache/127.0.0.1:9001: served ", text, StringComparison.Ordinal);
        Assert.Contains("  ok      backend orders/127.0.0.1:9001 down at ", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Clients_of_a_service_that_a_reload_removes_find_nobody_and_its_connections_drain()
    {
        var report = Scenarios.Run("""
            duration: 1m
            client_rate: 10
            connection_length: 5s
            service: cache
            events:
              - at: 20s
                do: reload
                config: {services: {orders: {port: 9295, backends: ["127.0.0.1:9000", "127.0.0.1:9001"]}}}
            expect:
              - failed: 400
              - {service: cache, backend: 1, state: draining, at: 22s}
              - {service: cache, backend: 1, state: absent, at: 26s}
              - {service: orders, backend: 2, state: up, at: 26s}
            """, TwoServices);

        Assert.True(report.Passed, SimulationText.Of(report));
        Assert.Contains(report.Timeline, e => e.Event == "service_drained");
        Assert.Contains(report.Timeline, e => e.Text.Contains(
            "clients of cache got no backend: there is no such service", StringComparison.Ordinal));
    }

    [Fact]
    public void A_stop_drains_and_whoever_comes_later_finds_a_closed_door()
    {
        var report = Scenarios.Run(
            "duration: 2m\nclient_rate: 10\nconnection_length: 1h\nevents: [{at: 30s, do: stop}]");
        Assert.Contains(report.Timeline, e => e.Event == "stopped" && e.At.Milliseconds <= 60_000);
        Assert.Equal(900, report.Totals.Failed);
        Assert.Equal(300, report.Totals.Cut);
    }

    [Fact]
    public void The_limit_turns_away_what_is_over_it_and_clients_come_again()
    {
        var report = Scenarios.Run(
            "duration: 1m\nclient_rate: 10\nconnection_length: 1s\nretries: 2\nretry_after: 100ms",
            $"{Scenarios.TwoBackends}\nruntime:\n  max_concurrent_connections: 3");
        Assert.Equal(3, report.Totals.MaxOpen);
        Assert.True(report.Totals.Rejected > 0);
        Assert.Equal(report.Totals.Rejected - report.Totals.Failed, report.Totals.Retried);
        Assert.Equal(report.Totals.Clients, report.Totals.Served + report.Totals.Failed);
    }

    [Fact]
    public void A_name_that_stops_to_resolve_keeps_its_last_address()
    {
        var report = Scenarios.Run("""
            duration: 3m
            events:
              - {at: 0s, do: resolve, name: db.internal, addresses: [10.0.0.7]}
              - {at: 1m, do: resolve, name: db.internal, addresses: []}
            expect: {failed: 0}
            """, "backends: [{host: db.internal, port: 5432}]");
        Assert.True(report.Passed);
        Assert.Contains(report.Timeline, e => e.Event == "name_unresolved");
    }

    [Fact]
    public void A_long_outage_fills_no_memory_with_lines()
    {
        var report = Scenarios.Run("""
            duration: 24h
            client_rate: 1
            events: [{at: 0s, backend: 1, do: flap, down: 1s, up: 2s}]
            """);
        Assert.Equal(SimulationReport.MaxEntries, report.Timeline.Count);
        Assert.True(report.LeftOut > 0);
        Assert.True(report.Backends[0].Failures.Count <= SimulationReport.Parts);
        Assert.Contains("more (see --json and --html)", SimulationText.Of(report), StringComparison.Ordinal);
    }

    [Fact]
    public void Two_configurations_part_where_they_decide_differently()
    {
        var left = Scenarios.Run(Outage);
        var right = Scenarios.Run(Outage, $"{Scenarios.TwoBackends}\nruntime:\n  health_check_success_threshold: 20");
        var comparison = SimulationComparison.Of(left, right);
        Assert.Contains(comparison.Partings, p =>
            p.Subject == "backend 127.0.0.1:9000" && p.Left == "up" && p.Right == "down"
            && p.During.From.Milliseconds is >= 60_000 and < 61_000);
        Assert.Equal(left.Totals.Clients, right.Totals.Clients);

        var same = SimulationComparison.Of(left, Scenarios.Run(Outage));
        Assert.True(same.Partings.IsEmpty && same.Differences.IsEmpty);
        Assert.Contains("partings: none", same.ToText(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(250)]
    public void A_comparison_says_how_many_partings_it_leaves_out_and_never_that_it_leaves_out_none(long leftOut)
    {
        var report = Scenarios.Run(Outage);
        var text = (SimulationComparison.Of(report, report) with { LeftOut = leftOut }).ToText();

        Assert.Equal(leftOut > 0, text.Contains($" {leftOut} more", StringComparison.Ordinal));
        Assert.Equal(leftOut > 0, text.Contains(" more ", StringComparison.Ordinal));
    }
}
