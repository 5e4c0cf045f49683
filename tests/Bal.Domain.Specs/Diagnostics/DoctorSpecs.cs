using System.Net;
using Bal.Domain.Config;
using Bal.Domain.Doctor;
using Bal.Domain.Messages;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LanguageExt;
using static Bal.Domain.Specs.Diagnostics.DoctorScenes;

namespace Bal.Domain.Specs.Diagnostics;

public class DoctorSpecs
{
    private const string Healthy =
        "overall: OK\ncritical: 0\nwarnings: 0\nprotection_mode: off\nnext: run 'bal status'\n";

    [Property]
    public Property A_decision_log_is_judged_where_there_is_one_and_never_critical(DecisionLogState state) =>
        Prop.ForAll(AnyFacts(), facts =>
        {
            var without = DoctorReport.From(facts);
            var with = DoctorReport.From(facts with { DecisionLog = new DecisionLogFact("/d", state) });
            var check = Assert.Single(with.Checks, c => c.Name == CheckName.DecisionLog);
            return without.Checks.ForAll(c => c.Name != CheckName.DecisionLog)
                && check.Level == (state == DecisionLogState.Usable ? CheckLevel.Ok : CheckLevel.Warn)
                && without.CriticalCount == with.CriticalCount;
        });

    [Property]
    public Property An_access_log_is_judged_where_there_is_one_and_never_critical(AccessLogState state) =>
        Prop.ForAll(AnyFacts(), facts =>
        {
            var without = DoctorReport.From(facts);
            var with = DoctorReport.From(facts with { AccessLog = new AccessLogFact("/d", state) });
            var check = Assert.Single(with.Checks, c => c.Name == CheckName.AccessLog);
            return without.Checks.ForAll(c => c.Name != CheckName.AccessLog)
                && check.Level == (state == AccessLogState.Usable ? CheckLevel.Ok : CheckLevel.Warn)
                && without.CriticalCount == with.CriticalCount;
        });

    [Property]
    public Property The_overall_level_is_that_of_the_worst_check() => Prop.ForAll(AnyFacts(), facts =>
    {
        var report = DoctorReport.From(facts);
        return report.Overall == report.Checks.Max(c => c.Level);
    });

    [Property]
    public Property The_counts_in_the_text_are_the_counts_of_the_checks() => Prop.ForAll(AnyFacts(), facts =>
    {
        var report = DoctorReport.From(facts);
        var lines = report.ToText().Split('\n');
        return lines[1] == $"critical: {report.Checks.Count(c => c.Level == CheckLevel.Critical)}"
            && lines[2] == $"warnings: {report.Checks.Count(c => c.Level == CheckLevel.Warn)}";
    });

    [Property]
    public Property A_check_has_the_three_lines_exactly_when_it_is_not_ok() => Prop.ForAll(AnyFacts(), facts =>
    {
        var report = DoctorReport.From(facts);
        // Of many backends with the same problem, one speaks for all.
        var alike = report.Checks.Filter(c => c.Name == CheckName.Backend).Choose(c => c.Problem)
            .GroupBy(p => p.Code).Sum(group => group.Count() > DoctorReport.MostAlike ? group.Count() - 1 : 0);
        var faults = report.Checks.Count(c => c.Level != CheckLevel.Ok) - alike;
        return report.Checks.ForAll(c => c.Problem.IsSome == (c.Level != CheckLevel.Ok))
            && Lines(report.ToText(), "what_happened: ") == faults
            && Lines(report.ToText(), "why_likely: ") == faults
            && Lines(report.ToText(), "do_this_now: ") == faults;
    });

    [Fact]
    public void Twenty_dead_backends_are_told_in_three_lines_and_listed_when_asked_for()
    {
        var report = DoctorReport.From(Stopped with
        {
            Backends = Backends([.. Enumerable.Repeat(Refused, 20)]),
        });

        Assert.Equal(1, Lines(report.ToText(), "what_happened: "));
        Assert.Contains("19 more backends have the same problem", report.ToText(), StringComparison.Ordinal);
        Assert.Equal(20, Lines(report.ToVerboseText(), "check: backend: "));
    }

    [Property]
    public Property Every_fault_says_what_to_do_in_its_hint() => Prop.ForAll(AnyFacts(), facts =>
        DoctorReport.From(facts).Checks
            .Filter(c => c.Level != CheckLevel.Ok)
            .ForAll(c => c.Hint.Exists(hint => hint.Length > 0) && c.Summary.Length > 0));

    [Property]
    public Property Every_line_has_a_label_and_no_indentation() => Prop.ForAll(AnyFacts(), facts =>
        DoctorReport.From(facts).ToVerboseText().TrimEnd('\n').Split('\n')
            .All(line => char.IsAsciiLetterLower(line[0]) && line.Contains(": ", StringComparison.Ordinal)));

    [Property]
    public Property The_labels_keep_their_order_whatever_is_wrong() => Prop.ForAll(AnyFacts(), facts =>
    {
        string[] stable = ["overall", "critical", "warnings", "protection_mode", "next"];
        string[] Labels(string text) => [.. text.Split('\n').Select(l => l.Split(':')[0]).Where(stable.Contains)];
        var report = DoctorReport.From(facts);
        return Labels(report.ToText()).SequenceEqual(stable) && Labels(report.ToVerboseText()).SequenceEqual(stable);
    });

    [Property]
    public Property The_verbose_form_lists_every_check() => Prop.ForAll(AnyFacts(), facts =>
    {
        var report = DoctorReport.From(facts);
        return Lines(report.ToVerboseText(), "check: ") == report.Checks.Count;
    });

    [Fact]
    public void A_stopped_daemon_is_no_fault() => Assert.Equal(Healthy, DoctorReport.From(Stopped).ToText());

    [Fact]
    public void A_healthy_running_daemon_is_ok_and_its_own_listener_no_warning() =>
        Assert.Equal(Healthy, DoctorReport.From(Running).ToText());

    [Fact]
    public void A_configuration_warning_is_said_and_leaves_the_level_at_ok()
    {
        var outcome = new ConfigOutcome(Prelude.Some(Balancer(2)), Prelude.Array(Finding(Severity.Warning)));
        var report = DoctorReport.From(Stopped with { Config = new ConfigFact.Read("/c.yaml", outcome) });
        Assert.Equal(Healthy, report.ToText());
        Assert.Contains("note: line 3, column 5: bind_address: 0.0.0.0 is every interface\n", report.ToVerboseText());
    }

    [Fact]
    public void Running_as_root_is_said_and_leaves_the_level_at_ok()
    {
        var report = DoctorReport.From(Running with { EffectiveUserId = 0 });
        Assert.Equal(Healthy, report.ToText());
        Assert.Contains("check: user: OK: running as root\n", report.ToVerboseText());
    }

    [Fact]
    public void An_invalid_configuration_is_critical_and_points_to_check()
    {
        var outcome = new ConfigOutcome(Option<BalConfig>.None, Prelude.Array(Finding(Severity.Error)));
        var report = DoctorReport.From(Stopped with { Config = new ConfigFact.Read("/c.yaml", outcome) });
        Assert.Equal(CheckLevel.Critical, report.Overall);
        Assert.EndsWith("next: run 'bal check'\n", report.ToText());
        Assert.Contains("line 3, column 5: bind_address", report.ToText());
    }

    [Fact]
    public void A_file_that_is_missing_has_no_line_to_point_at()
    {
        var missing = new Finding(
            Severity.Error, "file_missing", "", new SourcePosition(0, 0), "/c.yaml does not exist", "copy the sample");
        var outcome = new ConfigOutcome(Option<BalConfig>.None, Prelude.Array(missing));
        var report = DoctorReport.From(Stopped with { Config = new ConfigFact.Read("/c.yaml", outcome) });
        Assert.Contains("what_happened: /c.yaml does not exist\n", report.ToText());
        Assert.Contains("do_this_now: copy the sample\n", report.ToText());
    }

    [Fact]
    public void A_stale_pid_file_is_ok_because_the_next_start_replaces_it() =>
        Assert.Equal(Healthy, DoctorReport.From(Stopped with { Pid = new PidFact.Stale("-1") }).ToText());

    [Fact]
    public void A_daemon_that_holds_its_lock_but_does_not_answer_is_critical() =>
        Assert.Equal(CheckLevel.Critical, Level(
            Running with { Control = new ControlFact.Silent(DoctorScenes.NoAnswer) }, CheckName.Control));

    [Fact]
    public void Protection_mode_warns_and_is_said_with_its_reason()
    {
        var report = DoctorReport.From(Running with
        {
            Control = new ControlFact.Answered("/c", "0.0.0.0:9295", Prelude.Some("timeout_or_refused_storm")),
        });
        Assert.Equal(CheckLevel.Warn, report.Overall);
        Assert.Contains("protection_mode: on (timeout_or_refused_storm)\n", report.ToText());
    }

    [Property]
    public Property An_unreachable_backend_warns_while_another_one_answers() =>
        Prop.ForAll(AnyProbe.ToArbitrary(), outcome =>
            Levels([outcome, Up]).All(level => level != CheckLevel.Critical)
            && (outcome is ProbeOutcome.Connected || Levels([outcome, Up]).Contains(CheckLevel.Warn)));

    [Property]
    public Property Backends_are_critical_exactly_when_each_was_tried_and_none_answers() =>
        Prop.ForAll(AnyProbe.NonEmptyListOf().ToArbitrary(), outcomes =>
            Levels([.. outcomes]).Contains(CheckLevel.Critical)
            == outcomes.All(o => o is not (ProbeOutcome.Connected or ProbeOutcome.LocalFailure)));

    [Fact]
    public void A_foreign_holder_of_the_port_is_named()
    {
        var holder = new BindOutcome.HeldByOther(Prelude.Some(new PortHolder(7, "nginx")));
        var report = DoctorReport.From(Stopped with { Binds = Prelude.Array(Bind(holder)) });
        Assert.Equal(1, report.CriticalCount);
        Assert.Contains("0.0.0.0:9295 is held by another process: nginx (pid=7)", report.ToText());
    }

    [Fact]
    public void A_privileged_port_without_permission_names_both_ways_to_get_it()
    {
        var report = DoctorReport.From(Stopped with
        {
            Binds = Prelude.Array(Bind(new BindOutcome.NotPermitted(1024), port: 80)),
        });
        Assert.Equal(CheckLevel.Critical, report.Overall);
        Assert.Contains("setcap cap_net_bind_service=+ep", report.ToText());
        Assert.Contains("AmbientCapabilities=CAP_NET_BIND_SERVICE", report.ToText());
    }

    [Theory]
    [InlineData(8053, CheckLevel.Warn)]
    [InlineData(8054, CheckLevel.Ok)]
    public void The_hard_limit_must_hold_two_descriptors_a_connection_and_what_bal_needs_itself(
        long hard, CheckLevel expected) =>
        Assert.Equal(expected, Level(
            Stopped with { Limits = RoomyLimits with { HardDescriptors = Prelude.Some(hard) } }, CheckName.Limits));

    [Theory]
    [InlineData(1023, CheckLevel.Warn)]
    [InlineData(1024, CheckLevel.Ok)]
    public void The_kernel_must_allow_the_backlog_that_is_configured(long somaxconn, CheckLevel expected) =>
        Assert.Equal(expected, Level(
            Stopped with { Limits = RoomyLimits with { ListenBacklog = Prelude.Some(somaxconn) } }, CheckName.Backlog));

    [Theory]
    [InlineData(1999, CheckLevel.Warn)]
    [InlineData(2000, CheckLevel.Ok)]
    public void Local_ports_times_backends_must_hold_every_connection(int ports, CheckLevel expected) =>
        Assert.Equal(expected, Level(
            Stopped with
            {
                Limits = RoomyLimits with { EphemeralPorts = Prelude.Some(new PortRange(10_000, 9_999 + ports)) },
            },
            CheckName.Ports));

    [Theory]
    [InlineData(999, CheckLevel.Warn)]
    [InlineData(1000, CheckLevel.Ok)]
    public void Each_source_address_has_local_ports_of_its_own(int ports, CheckLevel expected) =>
        Assert.Equal(expected, Level(
            Stopped with
            {
                Config = Valid(Balancer(2) is var two ? two with
                {
                    Services = two.Services.Map(s => s with
                    {
                        SourceAddresses = Prelude.Array(IPAddress.Parse("127.0.0.2"), IPAddress.Parse("127.0.0.3")),
                    }),
                } : two),
                Limits = RoomyLimits with { EphemeralPorts = Prelude.Some(new PortRange(10_000, 9_999 + ports)) },
            },
            CheckName.Ports));

    [Property]
    public Property Pipe_pages_warn_exactly_where_the_file_asks_for_more_splicing_than_the_user_may_have() =>
        Prop.ForAll(
            Gen.Elements(Enum.GetValues<RelayMode>()).ToArbitrary(),
            Gen.Choose(1, 5_000).ToArbitrary(),
            Gen.OneOf(Gen.Constant(0), Gen.Choose(1, 200_000)).ToArbitrary(),
            (relay, connections, pages) => new[] { true, false }.All(unlimited =>
            {
                // Two directions a connection, a pipe of 16 pages for each.
                var tooFew = relay == RelayMode.Splice && !unlimited && pages > 0 && connections * 32L > pages;
                var config = Balancer(1) is var one
                    ? one with
                    {
                        Services = one.Services.Map(s => s with
                        {
                            Tuning = s.Tuning with { Relay = relay, MaxConcurrentConnections = connections },
                        }),
                    }
                    : one;
                var limits = RoomyLimits with { PipePages = Prelude.Some((long)pages), PipesUnlimited = unlimited };
                return LimitChecks.Of(config, limits).Single(c => c.Name == CheckName.Pipes).Level
                    == (tooFew ? CheckLevel.Warn : CheckLevel.Ok);
            }));

    [Theory]
    [InlineData(0b111_101_101, CheckLevel.Ok)]
    [InlineData(0b111_000_000, CheckLevel.Ok)]
    [InlineData(0b111_111_101, CheckLevel.Warn)]
    [InlineData(0b111_101_111, CheckLevel.Critical)]
    public void A_home_that_a_start_would_refuse_is_critical_and_0755_is_accepted(int mode, CheckLevel expected) =>
        Assert.Equal(expected, Level(
            Stopped with { Home = new HomeFact.Present("/h", 1000, mode, true) }, CheckName.Home));

    [Fact]
    public void Root_or_a_monitor_may_look_at_the_home_of_a_running_daemon_that_is_not_its_own()
    {
        var foreign = new HomeFact.Present("/h", 1000, 0b111_000_000, false);
        Assert.Equal(CheckLevel.Ok, Level(Running with { Home = foreign, EffectiveUserId = 0 }, CheckName.Home));
        Assert.Equal(CheckLevel.Critical, Level(Stopped with { Home = foreign, EffectiveUserId = 0 }, CheckName.Home));
    }

    private static CheckLevel Level(DoctorFacts facts, string name) =>
        DoctorReport.From(facts).Checks.Single(c => c.Name == name).Level;

    private static Arr<CheckLevel> Levels(ProbeOutcome[] outcomes) =>
        BackendChecks.Of(Backends(outcomes)).Map(c => c.Level);

    private static int Lines(string text, string label) =>
        text.Split('\n').Count(line => line.StartsWith(label, StringComparison.Ordinal));
}
