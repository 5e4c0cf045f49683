using System.Net;
using Bal.Domain.Backend;
using Bal.Domain.Backoff;
using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Primitives;
using Bal.Domain.Specs.Generators;
using FsCheck.Xunit;
using LanguageExt;

namespace Bal.Domain.Specs.Control;

/// <summary>
/// Active checks (docs/behaviour.md, Health): one TCP probe per backend per interval, and what its result does.
/// </summary>
[Properties(Arbitrary = [typeof(Values), typeof(Configs), typeof(Scenarios)])]
public class ProbeSpecs
{
    [Property]
    public void At_most_one_probe_per_backend_is_in_flight(Scenario scenario)
    {
        var inFlight = new System.Collections.Generic.HashSet<BackendId>();
        Life.Of(scenario, o =>
        {
            if (o.Happened is ControlEvent.ProbeEnded ended)
                inFlight.Remove(ended.Backend);
            foreach (var probe in o.Effects<ControlEffect.StartProbe>())
                Assert.True(inFlight.Add(probe.Backend));
        });
    }

    [Property]
    public void A_probe_tries_every_address_of_its_backend_within_the_configured_time(Scenario scenario) =>
        Life.Of(scenario, o => Assert.All(o.Effects<ControlEffect.StartProbe>(), probe =>
        {
            var service = o.After.State.InOrder.Single(s => s.Backends.Exists(b => b.Id == probe.Backend));
            var backend = service.InOrder.Single(b => b.Id == probe.Backend);
            Assert.False(backend.Draining);
            Assert.True(backend.Endpoint.IsUnix ? probe.Unix.IsSome : !probe.Addresses.IsEmpty);
            Assert.Equal((backend.Addresses, backend.Endpoint.Port, service.Config.Tuning.Health.Timeout),
                (probe.Addresses, probe.Port, probe.Timeout));
        }));

    [Property]
    public void Every_backend_is_probed_at_once_and_then_once_per_interval(Tuning tuning, Gap[] latencies)
    {
        var state = ControlMachine.Start(Configs.Of(Configs.Service(tuning, Configs.Pool[0])), Life.Birth).State;
        var interval = tuning.Health.Interval.Milliseconds;
        var (now, expected) = (Life.Birth, Life.Birth.Milliseconds);
        foreach (var latency in latencies)
        {
            now = Instant.Max(now, ControlMachine.NextDue(state));
            var step = ControlMachine.Step(Life.Tick, now, state);
            Assert.Single(step.Effects.OfType<ControlEffect.StartProbe>());
            Assert.Equal(expected, now.Milliseconds);

            // The next one starts an interval later, or when this one has ended if that takes longer.
            now = now.Plus(new(latency.Milliseconds));
            expected = Math.Max(expected + interval, now.Milliseconds);
            state = step.State.Then(now, Life.ProbePassed(1));
        }
    }

    [Property]
    public void While_a_probe_is_in_flight_no_other_is_started_however_long_it_takes(Tuning tuning, Gap gap)
    {
        var state = Life.At(Life.Birth, Configs.Of(Configs.Service(tuning, Configs.Pool[0])), Life.Tick);

        var later = ControlMachine.Step(Life.Tick, Life.Birth.Plus(new(gap.Milliseconds)), state);

        Assert.Empty(later.Effects.OfType<ControlEffect.StartProbe>());
        Assert.Equal(Instant.Never, ControlMachine.NextDue(state));
    }

    [Property]
    public void A_result_that_nobody_waits_for_changes_nothing(Scenario scenario, Outcome outcome)
    {
        var now = new Instant(10_000_000);
        var settled = Life.Of(scenario, _ => { })
            .Then(now, new ControlEvent.ProbeEnded(new BackendId(1), outcome, None));

        var second = ControlMachine.Step(new ControlEvent.ProbeEnded(new BackendId(1), outcome, None), now, settled);

        Assert.Equal(settled, second.State);
        Assert.Empty(second.Effects);
    }

    [Property]
    public void Failed_probes_take_a_backend_out_but_never_cool_it_down_nor_turn_protection_on(Tuning tuning)
    {
        var config = Configs.Of(Configs.Service(tuning, Configs.Pool[0]));
        var state = ControlMachine.Start(config, Life.Birth).State;
        var now = Life.Birth;
        for (var i = 0; i < 30; i++)
        {
            state = state.Then(now, Life.Tick, Life.ProbeFailed(1));
            now = now.Plus(tuning.Health.Interval);
        }

        Assert.Equal(Tier.Down, state.Backend(1).Tier);
        Assert.Equal(new FailureCounters(0, 30, 0), state.Backend(1).Failures);
        Assert.Equal(Cooldown.None, state.Backend(1).Cooldown);
        Assert.False(state.Protected());
    }

    [Property]
    public void A_successful_probe_ends_the_cooldown(Tuning tuning)
    {
        var state = Life.At(Life.Birth, Configs.Of(Configs.Service(tuning, Configs.Pool[0])),
            Life.Tick, Life.ConnectsSucceeded(1), Life.ConnectsFailed(1), Life.ProbePassed(1));

        Assert.False(state.Backend(1).Cooldown.IsCooling(Life.Birth));
        Assert.Equal(0, state.Backend(1).Cooldown.Streak);
    }

    [Property]
    public void The_address_that_answered_is_tried_first_from_then_on(Scenario scenario) => Life.Of(scenario, o =>
    {
        if (o.Happened is not ControlEvent.ProbeEnded ended || o.Before.Phase is Phase.Ended)
            return;
        foreach (var before in o.Before.Backends().Where(b => b.Id == ended.Backend && b.Probe.InFlight))
        {
            var after = o.After.State.Backend(ended.Backend.Value).Addresses;
            var via = ended.Via.Filter(address => before.Addresses.Exists(a => a.Equals(address)));
            Assert.Equal(
                via.Match(v => Prelude.Array(v) + before.Addresses.Filter(a => !a.Equals(v)), () => before.Addresses),
                after);
        }
    });

    [Property]
    public void Every_result_is_remembered_with_its_time(Tuning tuning, Outcome outcome, Gap latency)
    {
        var now = Life.Birth.Plus(new(latency.Milliseconds));
        var state = Life.At(Life.Birth, Configs.Of(Configs.Service(tuning, Configs.Pool[0])), Life.Tick);
        Assert.True(state.Backend(1).Probe.LastEndedAt.IsNone);

        var after = state.Then(now, new ControlEvent.ProbeEnded(new BackendId(1), outcome, None));

        Assert.Equal(Option<Instant>.Some(now), after.Backend(1).Probe.LastEndedAt);
    }

    private static Option<IPAddress> None => Option<IPAddress>.None;
}
