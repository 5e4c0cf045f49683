using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Counting;
using Bal.Domain.Explain;
using Bal.Domain.Primitives;
using Bal.Domain.Protection;
using Bal.Domain.Reports;
using Bal.Domain.Specs.Control;
using Bal.Domain.Specs.Generators;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Explain;

/// <summary>What <c>bal explain protection</c> says agrees with what the machine does next.</summary>
[Properties(Arbitrary = [typeof(Values), typeof(Configs), typeof(Scenarios)])]
public class ExplainProtectionSpecs
{
    [Property]
    public void So_many_more_failed_connects_as_it_says_turn_it_on_and_one_less_does_not(Scenario scenario) =>
        Explained(scenario, (o, service, said) =>
        {
            if (said.Standing is not ProtectionStanding.Off off || service.Backends[0].Draining)
                return;
            Assert.False(IsOnAfter(o, service, Failed(service, off.FailuresToOn - 1)));
            Assert.True(IsOnAfter(o, service, Failed(service, off.FailuresToOn)));
        });

    [Property]
    public void So_many_more_successes_as_it_says_turn_it_off_and_one_less_does_not(Scenario scenario) =>
        Explained(scenario, (o, service, said) =>
        {
            if (said.Standing is not ProtectionStanding.On on || service.Backends[0].Draining)
                return;
            var success = Life.ConnectsSucceeded(service.Backends[0].Id.Value);
            Assert.True(IsOnAfter(o, service, [.. Enumerable.Repeat(success, on.SuccessesToOff - 1)]));
            Assert.False(IsOnAfter(o, service, [.. Enumerable.Repeat(success, on.SuccessesToOff)]));
        });

    [Property]
    public void The_oldest_failure_leaves_the_window_when_it_says_and_not_earlier(Scenario scenario) =>
        Explained(scenario, (o, service, said) =>
        {
            if (said.Standing is not ProtectionStanding.Off off)
                return;
            Assert.Equal(off.Failures == 0, off.OldestLeavesAt.IsNone);
            off.OldestLeavesAt.IfSome(at =>
            {
                Assert.True(at.Milliseconds > o.Now.Milliseconds);
                Assert.Equal(off.Failures, FailuresAt(new Instant(at.Milliseconds - 1), service));
                Assert.True(FailuresAt(at, service) < off.Failures);
            });
        });

    [Property]
    public void It_is_on_or_off_as_the_machine_is_with_its_reason_and_since(Scenario scenario) =>
        Explained(scenario, (_, service, said) => service.Protection.Match(
            off => Same(said.Standing is ProtectionStanding.Off, true),
            on => Same(
                said.Standing is ProtectionStanding.On told ? (told.Reason, told.Since, told.Successes) : default,
                (on.Reason, on.Since, on.Successes))));

    [Property]
    public void What_tripped_it_is_said_with_its_counts_however_long_it_has_been_on(Tuning tuning, Count after)
    {
        var trigger = tuning.Protection.TriggerThreshold;
        var now = Life.Birth;
        var tripped =
            Life.At(now, Configs.Of(Configs.Service(tuning, Configs.Pool[0])), Life.ConnectsFailed(1, trigger));

        var later = tripped.Then(now.Plus(new Duration(1)), Life.ConnectsFailed(1, after.Value));

        var on = Assert.IsType<ProtectionStanding.On>(ExplainProtection.Of(now, later.InOrder[0]).Standing);
        Assert.Equal(
            (ProtectionReason.TimeoutOrRefusedStorm, now, (long)after.Value), (on.Reason, on.Since, on.FailedSince));
        var by = on.TrippedBy.Match(t => t, () => throw new InvalidOperationException());
        Assert.Equal((trigger, tuning.Protection), (by.Failures, by.Policy));
    }

    [Property]
    public void It_is_said_in_lines_that_can_be_read(Scenario scenario) => Life.Of(scenario, o =>
    {
        var clock = new ClockReading(o.Now, DateTimeOffset.UnixEpoch.AddDays(20_000));
        var said = ExplainService.Of(Traffic.None, o.Now, o.After.State);
        var overview = ServiceText.Lines(clock, said);
        var services = said.Services.Bind(service => ServiceText.Lines(clock, service));
        var protection = ServiceText.Lines(clock, ExplainProtection.Of(o.Now, o.After.State.InOrder[0]));

        Assert.All(overview.Concat(services).Concat(protection), line => Assert.DoesNotContain('\n', line));
        Assert.Equal(
            o.After.State.Backends()
                .Count(), services.Count(line => line.StartsWith("backend ", StringComparison.Ordinal)));
        // A single service is said in full at once.
        var (word, count) = said.Services.Count == 1
            ? ("backend ", o.After.State.Backends().Count())
            : ("service ", o.After.State.Services.Count);
        Assert.Equal(count, overview.Count(line => line.StartsWith(word, StringComparison.Ordinal)));
        Assert.StartsWith("protection_mode: ", protection[0], StringComparison.Ordinal);
    });

    [Property]
    public void The_overview_says_how_many_more_connections_are_admitted(Tuning tuning, Count count, bool nearly)
    {
        // Just below the limit one more or less is seen.
        var open = nearly ? Math.Max(0, tuning.MaxConcurrentConnections - count.Value) : count.Value;
        var state = ControlMachine.Start(Configs.Of(Configs.Service(tuning, Configs.Pool[0])), Life.Birth).State;

        var said = ExplainService.Of(Shorthand.Open(open), Life.Birth, state).Services[0].Connections;

        Assert.Equal(said.Left > 0, Domain.Admission.AdmissionRule.Admits(open, tuning.MaxConcurrentConnections));
        Assert.Equal(Math.Max(0, tuning.MaxConcurrentConnections - open), said.Left);
    }

    private static void Explained(Scenario scenario, Action<Observation, ServiceState, ProtectionExplanation> agree) =>
        Life.Of(scenario, o =>
        {
            if (o.After.State.Phase is Phase.Ended)
                return;
            // The protection mode of one that is going does not change any more.
            foreach (var service in o.After.State.InOrder.Filter(s => !s.Removed))
                agree(o, service, ExplainProtection.Of(o.Now, service));
        });

    private static ControlEvent[] Failed(ServiceState service, long count) => count == 0
        ? []
        : [Life.ConnectsFailed(service.Backends[0].Id.Value, (int)count)];

    private static bool IsOnAfter(Observation o, ServiceState service, ControlEvent[] events) =>
        o.After.State.Then(o.Now, events).Services[service.Id.Value].Protection.IsOn;

    private static long FailuresAt(Instant at, ServiceState service) =>
        ExplainProtection.Of(at, service).Standing is ProtectionStanding.Off off ? off.Failures : -1;

    private static bool Same<T>(T said, T machine)
    {
        Assert.Equal(machine, said);
        return true;
    }
}
