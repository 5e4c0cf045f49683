using Bal.Domain.Simulation;
using LanguageExt;

namespace Bal.Simulation;

/// <summary>How a scenario is read, and what is said of one that cannot be.</summary>
public sealed class ScenarioSpecs
{
    [Fact]
    public void A_duration_is_all_that_a_scenario_needs()
    {
        var outcome = Scenarios.Read("duration: 10m");
        Assert.True(outcome.Findings.IsEmpty);
        var scenario = outcome.Scenario.IfNone(() => throw new InvalidOperationException());
        Assert.Equal(600_000, scenario.Length.Milliseconds);
        Assert.Equal(6_000, scenario.ExpectedClients(0));
    }

    [Fact]
    public void Streams_of_clients_take_over_what_the_top_level_says_and_they_do_not()
    {
        const string two = "services: {orders: {port: 1, backends: [a:1]}, cache: {port: 2, backends: [b:1, b:2]}}";
        var scenario = Scenarios.Read("""
            duration: 10s
            retries: 2
            client_rate: 7
            clients: [{service: cache}, {client_rate: 1, retries: 0}]
            """, two).Scenario.IfNone(() => throw new InvalidOperationException());
        Assert.Equal(
            new[] { (Option<string>.Some("cache"), 70L, 2), (Option<string>.None, 10L, 0) },
            scenario.Clients.Map((i, c) => (c.Service, scenario.ExpectedClients(i), c.Retries)));

        var findings = Scenarios.Read("""
            duration: 10s
            clients: [{service: cahce}, 5]
            events: [{at: 1s, service: orders, backend: 2, do: refuse}, {at: 1s, service: cache, do: stop}]
            expect: [{service: cache, at: 1s, state: up, backend: 2}, {service: cache, failed: 0}]
            """, two).Findings.Map(f => $"{f.Code} {f.Path}: {f.Hint}");
        Assert.Contains("unknown_service scenario.clients[0].service: did you mean 'cache'?", findings);
        Assert.Contains(findings, f => f.StartsWith("wrong_type scenario.clients[1]", StringComparison.Ordinal));
        Assert.Contains(findings, f => f.StartsWith("out_of_range events[0].backend", StringComparison.Ordinal));
        Assert.Contains(findings, f => f.StartsWith("misplaced_key events[1].service", StringComparison.Ordinal));
        Assert.Contains(findings, f => f.StartsWith("misplaced_key expect[1].service", StringComparison.Ordinal));
        Assert.Equal(5, findings.Count);
    }

    [Fact]
    public void Every_mistake_is_reported_at_once_with_its_place_the_value_seen_and_what_is_allowed()
    {
        var outcome = Scenarios.Read("""
            sed: 7
            duration: 10
            client_rate: many
            connect_latency: 5ms..1ms
            events:
              - at: 10s
                backend: 3
                do: refuze
              - at: 1h
                do: reload
              - backend: 127.0.0.1:9003
                do: slow
                latency: 5ms
              - at: 1s
                backend: 1
                do: recover
                latency: 5ms
              - at: 1s
                do: reload
                config:
                  backends:
                    - host: "127.0.0.1"
                      port: 90000
            expect:
              - failled: 0
              - protection: "on"
              - state: gone
                backend: 1
                at: 1s
              - failed: 0
                at: 1s
            """);
        Assert.True(outcome.Scenario.IsNone);
        var lines = outcome.Findings.Map(f => $"{f.At.Line}:{f.At.Column} {f.Code} {f.Message} -> {f.Hint}");
        Says("1:1 unknown_key", "did you mean 'seed'?");
        Says("2:11 invalid_span scenario.duration: expected", "write the unit: 10s, or 10ms");
        Says("3:14 invalid_rate scenario.client_rate: expected", "clients per second");
        Says("4:18 invalid_span scenario.connect_latency: expected", "the shorter time first");
        Says("7:14 out_of_range events[0].backend: expected", "from 1 to 2");
        Says("8:9 invalid_value events[0].do: expected", "did you mean 'refuse'?");
        Says("9:5 missing_key events[1].config is missing: expected", "add 'config:'");
        Says("11:5 missing_key events[2].at is missing: expected", "add 'at:'");
        Says("11:14 unknown_backend events[2].backend: expected", "did you mean '127.0.0.1:9000'?");
        Says("17:5 misplaced_key events[3].latency does not apply to 'do: recover';", "remove 'latency:'");
        Says("23:17 out_of_range backends[0].port: expected", "65535");
        Says("25:5 unknown_key", "did you mean 'failed'?");
        Says("26:5 missing_key expect[1].at is missing;", "add 'at: 10s'");
        Says("27:12 invalid_value expect[2].state: expected", "up, cooling, down, draining or absent");
        Says("31:5 misplaced_key expect[3].at is on its own;", "same mapping");
        Assert.Equal(15, lines.Count);

        void Says(string start, string part) => Assert.True(
            lines.Exists(line =>
                line.StartsWith(start, StringComparison.Ordinal) && line.Contains(part, StringComparison.Ordinal)),
            $"nothing says '{start} ... {part}':\n{string.Join('\n', lines)}");
    }

    [Theory]
    [InlineData("[]", "an empty list")]
    [InlineData("just text", "just text")]
    [InlineData("duration: 1m\nevents: 5", "a list of events")]
    [InlineData("duration: 1m\nevents: [refuse]", "a mapping with at and do")]
    [InlineData("duration: 1m\nexpect: 5", "a list of expectations")]
    [InlineData("duration: 1m\nevents: [{at: 2m, do: stop}]", "from 0 ms to 1 min 0 s")]
    [InlineData("duration: 1000h", "from 1 ms to 168 h 0 min")]
    [InlineData("duration: 1m5", "a time such as")]
    [InlineData("duration: 5m1h", "a time such as")]
    [InlineData("duration: 1m\nclient_rate: -1", "clients per second")]
    [InlineData("duration: 1m\nclient_rate: 0.0001", "at most three after the point")]
    [InlineData("duration: 1m\nevents: [{at: 1s, do: resolve, name: db, addresses: [300.1.1.1]}]",
        "an IPv4 or IPv6 address")]
    [InlineData("duration: 1m\nevents: [{at: 1s, do: reload, config: nowhere.yaml}]", "nowhere.yaml")]
    public void What_cannot_be_meant_is_an_error(string yaml, string part)
    {
        var finding = Assert.Single(Scenarios.Read(yaml).Findings);
        Assert.Contains(part, finding.Message + finding.Hint, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("duration: 24h\nclient_rate: 1000", "86400000 connections could be made")]
    [InlineData("duration: 1h\nclient_rate: 100\nretries: 100", "36360000 connections could be made")]
    [InlineData("duration: 1m\nclient_rate: 1000\nconnection_length: 1h", "3600000 connections could be open at once")]
    public void A_run_that_would_take_too_long_or_too_much_is_refused_before_it_begins(string yaml, string part) =>
        Assert.Contains(part, Assert.Single(Scenarios.Read(yaml).Findings).Message, StringComparison.Ordinal);

    [Fact]
    public void Probes_of_a_run_are_bounded_too() => Assert.Contains(
        "1209600000 probes would be made",
        Assert.Single(Scenarios.Read(
            "duration: 168h\nclient_rate: 0",
                $"{Scenarios.TwoBackends}\nruntime:\n  health_check_interval_ms: 1").Findings).Message,
        StringComparison.Ordinal);

    [Fact]
    public void A_position_must_exist_in_every_configuration_that_is_compared() => Assert.Contains(
        "there is 1",
        Assert.Single(Scenarios.Read(
            "duration: 1m\nevents: [{at: 1s, backend: 2, do: refuse}]",
            Scenarios.TwoBackends, "backends: [{host: 10.0.0.1, port: 1}]").Findings).Message,
                StringComparison.Ordinal);

    [Theory]
    [InlineData("90s", 90_000)]
    [InlineData("1m30s", 90_000)]
    [InlineData("1.5m", 90_000)]
    [InlineData("1h1m1s1ms", 3_661_001)]
    [InlineData("250 ms", 250)]
    public void Times_are_numbers_with_units(string text, long milliseconds) => Assert.Equal(
        milliseconds,
        Scenarios.Read($"duration: {text}").Scenario.Match(s => s.Length.Milliseconds, () => -1));

    [Fact]
    public void Events_happen_in_order_of_time_however_they_are_written()
    {
        var scenario = Scenarios.Read("duration: 1m\nevents: [{at: 9s, do: stop}, {at: 5s, do: crash}]").Scenario;
        Assert.Equal("5000, 9000", scenario.Match(
            s => string.Join(", ", s.Events.Map(e => e.At.Milliseconds)), () => "none"));
    }

    [Fact]
    public void Files_that_a_scenario_names_are_known_before_it_is_validated()
    {
        var document = Bal.Infrastructure.Config.YamlReader.Read("""
            duration: 1m
            events:
              - {at: 1s, do: reload, config: one.yaml}
              - {at: 2s, do: reload, config: {backends: []}}
              - {at: 3s, do: reload, config: two.yaml}
            """u8.ToArray());
        Assert.Equal("one.yaml, two.yaml", document.Match(
            Right: d => string.Join(", ", ScenarioValidation.FilesOf(d)), Left: f => f.Message));
    }
}
