using System.Net;
using Bal.Domain.Backend;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Counting;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Reports;
using Bal.Domain.Specs.Control;
using FsCheck;
using FsCheck.Xunit;
using LanguageExt;

namespace Bal.Domain.Specs.Diagnostics;

/// <summary>
/// What <c>status</c> says of a state: its one word, its counts and its three lines agree with each other.
/// </summary>
public sealed class StatusSpecs
{
    private static readonly ProcessIdentity Process = new(4711, "/etc/bal/config.yaml", "0.1.0", Instant.Zero);
    private static readonly ClockReading Clock = new(new Instant(1_000), DateTimeOffset.UnixEpoch.AddHours(1));
    private static readonly Problem Broken = new("config_invalid", "line 3 is wrong", "a typing mistake", "correct it");

    [Property]
    public void Overall_is_ok_exactly_when_every_backend_is_up_and_nothing_else_is_wrong(
        bool down, bool refused, bool stopping, bool protects, bool nearly, NonNegativeInt count)
    {
        var state = Started();
        // Just below the limit one more or less is seen.
        var open = nearly ? state.Config.Services[0].Tuning.MaxConcurrentConnections - (count.Get % 3) : count.Get;
        if (protects)
            state = After(state, new ControlEvent.ClientExhausted(new ServiceId(1)));
        if (down)
            state = After(state, new ControlEvent.ProbeEnded(
                new BackendId(1), Bal.Domain.Backend.Outcome.Failure(FailureKind.Refused), Option<IPAddress>.None));
        if (refused)
            state = After(state, new ControlEvent.ReloadRefused(Broken));
        if (stopping)
            state = After(state, new ControlEvent.StopRequested());
        var report = StatusReports.Of(Process, Shorthand.Open(open), Clock, state);

        var atLimit = open >= state.Config.Services[0].Tuning.MaxConcurrentConnections;
        Assert.Equal(!down && !refused && !stopping && !protects && !atLimit, report.Overall == OverallStatus.Ok);
        Assert.NotEqual(OverallStatus.Critical, report.Overall);
    }

    [Property]
    public void What_to_do_about_backends_out_of_reach_names_what_each_of_them_has(FailureKind kind, bool unix, bool ip)
    {
        var socket = Endpoint.Unix("/run/db.sock");
        var state = Started();
        var places = (unix ? new[] { socket } : []).Concat(ip ? [new(new Host.Address(IPAddress.Loopback), 9000)] : []);
        var config = state.Config with
        {
            Services = state.Config.Services.Map(s => s with
            {
                Backends = new(places.Select(place => new BackendConfig(place))),
            }),
        };
        state = After(ControlMachine.Start(config, Instant.Zero).State, new ControlEvent.Tick());
        foreach (var backend in state.InOrder[0].InOrder)
            state = After(state, new ControlEvent.ProbeEnded(
                backend.Id, Bal.Domain.Backend.Outcome.Failure(kind), Option<IPAddress>.None));

        var told = StatusProblems.Of(StatusReports.Of(Process, Traffic.None, Clock, state))
            .Filter(problem => problem.Code == "backends_unreachable");

        Assert.All(told, problem => Assert.Equal(
            ip, problem.DoThisNow.Contains("host and port", StringComparison.Ordinal)));
        if ((unix || ip) && kind == FailureKind.Refused)
            Assert.Equal(unix, Assert.Single(told).DoThisNow.Contains("correct the path", StringComparison.Ordinal));
    }

    [Fact]
    public void No_reachable_backend_is_critical_and_so_is_a_bal_that_does_not_run()
    {
        var state = Started();
        foreach (var id in new[] { 1, 2 })
            state = After(state, new ControlEvent.ProbeEnded(
                new BackendId(id), Bal.Domain.Backend.Outcome.Failure(FailureKind.Timeout), Option<IPAddress>.None));

        Assert.Equal(OverallStatus.Critical, StatusReports.Of(Process, Traffic.None, Clock, state).Overall);
        var stopped = StatusReports.Stopped("0.1.0", "config.yaml", state.Config);
        Assert.Equal(OverallStatus.Critical, stopped.Overall);
        Assert.Contains("not running", StatusText.Concise(stopped), StringComparison.Ordinal);
    }

    [Fact]
    public void A_stopped_bal_was_killed_if_it_left_its_PID_file_and_has_no_backends_without_a_valid_file()
    {
        var nothing = StatusReports.Stopped("0.1.0", "config.yaml", Option<BalConfig>.None);
        Assert.Contains("backends: unknown (no valid configuration)\n", StatusText.Concise(nothing),
            StringComparison.Ordinal);

        foreach (var killed in new[] { false, true })
        {
            var report = nothing with
            {
                Unobserved = new Unobserved("/h", Arr<string>.Empty, Option<Problem>.None) { WasKilled = killed },
            };
            Assert.Equal(killed, StatusText.Concise(report).Contains("it was killed", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void A_refused_reload_is_shown_until_a_reload_is_applied()
    {
        var refused = After(Started(), new ControlEvent.ReloadRefused(Broken));
        var report = StatusReports.Of(Process, Traffic.None, Clock, refused);
        Assert.Contains("line 3 is wrong", StatusText.Concise(report), StringComparison.Ordinal);
        Assert.Equal(1, refused.ConfigVersion);

        var applied = After(refused, new ControlEvent.Reloaded(refused.Config));
        Assert.True(StatusReports.Of(Process, Traffic.None, Clock, applied).RefusedReload.IsNone);
    }

    [Property]
    public void Everything_that_is_not_ok_is_said_in_three_lines(bool refused, NonNegativeInt open)
    {
        var state = refused ? After(Started(), new ControlEvent.ReloadRefused(Broken)) : Started();
        var report = StatusReports.Of(Process, Shorthand.Open(open.Get), Clock, state);
        var text = StatusText.Concise(report);

        Assert.Equal(report.Overall != OverallStatus.Ok, text.Contains("what_happened: ", StringComparison.Ordinal));
        Assert.Equal(
            StatusProblems.Of(report).Count,
            text.Split('\n').Count(line => line.StartsWith("do_this_now: ", StringComparison.Ordinal)));
        Assert.StartsWith("overall: ", text, StringComparison.Ordinal);
        Assert.Contains("\nnext: ", text, StringComparison.Ordinal);
    }

    [Property]
    public void What_only_a_running_bal_has_is_told_in_detail_exactly_while_it_runs(bool running, NonNegativeInt open)
    {
        var state = Started();
        var report = running
            ? StatusReports.Of(Process, Shorthand.Open(open.Get), Clock, state)
            : StatusReports.Stopped("0.1.0", "config.yaml", state.Config);
        var lines = StatusText.Verbose(report).Split('\n');

        foreach (var detail in new[] { "version: ", "uptime: ", "config: ", "connections: ", "ended: ", "relay: " })
            Assert.Equal(running ? 1 : 0, lines.Count(l => l.StartsWith(detail, StringComparison.Ordinal)));
        foreach (var always in new[] { "method: ", "listen: " })
            Assert.Single(lines, l => l.StartsWith(always, StringComparison.Ordinal));
    }

    /// <summary>However often something else has failed before.</summary>
    [Theory]
    [InlineData(FailureKind.Timeout, "connections time out")]
    [InlineData(FailureKind.Refused, "connections are refused")]
    [InlineData(FailureKind.NoRoute, "no route")]
    [InlineData(FailureKind.NotPermitted, "does not permit")]
    [InlineData(FailureKind.OwnListener, "has bal's own port")]
    public void The_cause_that_is_named_is_that_of_the_last_failures(FailureKind last, string expected)
    {
        foreach (var earlier in Enum.GetValues<FailureKind>())
        {
            var state = After(Started(), new ControlEvent.ConnectsFailed(new BackendId(1), earlier, 1_000));
            state = ControlMachine.Step(new ControlEvent.ProbeEnded(
                new BackendId(1), Bal.Domain.Backend.Outcome.Failure(last), Option<IPAddress>.None),
                new Instant(500), state).State;

            var text = StatusText.Concise(StatusReports.Of(Process, Traffic.None, Clock, state));

            Assert.Contains($"\nwhy_likely: ", text, StringComparison.Ordinal);
            Assert.Contains(expected, text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_name_that_stops_resolving_makes_it_a_warning_although_its_last_addresses_serve()
    {
        var named = Started().Config is var config ? config with
        {
            Services = config.Services.Map(s => s with
            {
                Backends = Prelude.Array(new BackendConfig(new Endpoint(new Host.Name("db.internal"), 1))),
            }),
        } : config;
        var state = After(ControlMachine.Start(named, Instant.Zero).State, new ControlEvent.Tick());
        state = After(state, new ControlEvent.Resolved("db.internal", Prelude.Array(IPAddress.Loopback)));
        Assert.Equal(OverallStatus.Ok, StatusReports.Of(Process, Traffic.None, Clock, state).Overall);

        state = After(state, new ControlEvent.Resolved("db.internal", Arr<IPAddress>.Empty));
        var report = StatusReports.Of(Process, Traffic.None, Clock, state);

        Assert.Equal((OverallStatus.Warn, 1), (report.Overall, report.BackendReachable));
        Assert.Contains(
            "what_happened: 1 backend name does not resolve: db.internal:1", StatusText.Concise(report),
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_that_has_never_resolved_is_down()
    {
        var backend = ControlMachine.Start(Started().Config with
        {
            Services = Started().Config.Services.Map(s => s with
            {
                Backends = Prelude.Array(new BackendConfig(new Endpoint(new Host.Name("db.internal"), 1))),
            }),
        }, Instant.Zero).State.InOrder[0].InOrder[0];

        Assert.Equal(BackendReport.Down, StatusReports.StateOf(backend));
    }

    // Two backends that have answered their first probe.
    private static ControlState Started()
    {
        var config = new BalConfig(Mode.Simple, LogLevel.Info, Option<int>.None, Prelude.Array(new Service(
            Service.DefaultName,
            new Listener(new Host.Address(IPAddress.Loopback), 9295),
            Method.RoundRobin,
            new Arr<BackendConfig>(new[] { 9000, 9001 }.Select(
                p => new BackendConfig(new Endpoint(new Host.Address(IPAddress.Loopback), p)))),
            Tuning.For(2))));
        return After(ControlMachine.Start(config, Instant.Zero).State, new ControlEvent.Tick());
    }

    private static ControlState After(ControlState state, ControlEvent happened) =>
        ControlMachine.Step(happened, Instant.Zero, state).State;
}
