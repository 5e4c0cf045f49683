using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Domain.Control;
using Bal.Domain.Counting;
using Bal.Domain.Primitives;
using Bal.Domain.Specs.Generators;
using FsCheck.Xunit;
using LanguageExt;

namespace Bal.Domain.Specs.Control;

/// <summary>What holds in every life of bal, whatever happens in whatever order, sensible or not.</summary>
[Properties(Arbitrary = [typeof(Values), typeof(Configs), typeof(Scenarios)])]
public class AnyLifeSpecs
{
    [Property]
    public void No_sequence_of_events_throws(Scenario scenario) => Life.Of(scenario, _ => { });

    [Property]
    public void Same_inputs_give_the_same_decisions(Scenario scenario)
    {
        var first = new List<ControlStep>();
        Life.Of(scenario, o => first.Add(o.After));

        var again = new List<ControlStep>();
        Life.Of(scenario, o => again.Add(o.After));

        Assert.Equal(first.Select(s => s.State), again.Select(s => s.State));
        Assert.Equal(first.Select(s => s.Effects.ToString()), again.Select(s => s.Effects.ToString()));
    }

    [Property]
    public void Counters_never_fall_while_a_backend_lives(Scenario scenario) => Life.Of(scenario, o =>
    {
        foreach (var after in o.After.State.Backends())
        {
            var before = o.Before.Backends().Where(b => b.Id == after.Id).Select(b => b.Failures)
                .SingleOrDefault(FailureCounters.Zero);
            Assert.True(after.Failures.Timeout >= before.Timeout);
            Assert.True(after.Failures.Refused >= before.Refused);
            Assert.True(after.Failures.Other >= before.Other);
        }
    });

    [Property]
    public void No_count_is_ever_negative(Scenario scenario) => Life.Of(scenario, o =>
    {
        Assert.All(o.After.State.Backends(), b => Assert.True(
            b is { Health: { Failures: >= 0, Successes: >= 0 }, Cooldown.Streak: >= 0 }));
        Assert.All(o.After.State.InOrder, s => Assert.True(s.Protection.Match(
            off => off.Recent.ForAll(mark => mark.Count > 0), on => on.Successes >= 0)));
        Assert.All(o.After.State.InOrder.SelectMany(s => s.Refusals.AddRange(s.Silenced)), notice =>
            Assert.True(notice.Said >= 0 && notice.Seen >= notice.Said));
    });

    [Property]
    public void An_identity_is_given_once_in_the_life_of_the_process(Scenario scenario)
    {
        var known = new Dictionary<BackendId, (Endpoint Endpoint, bool Gone)>();
        Life.Of(scenario, o =>
        {
            var living = o.After.State.Backends().ToDictionary(b => b.Id);
            foreach (var id in known.Keys.Where(id => !living.ContainsKey(id)).ToArray())
                known[id] = known[id] with { Gone = true };
            foreach (var backend in living.Values)
            {
                Assert.True(backend.Id.Value >= 1 && backend.Id.Value < o.After.State.NextBackendId);
                if (known.TryGetValue(backend.Id, out var before))
                    Assert.Equal((backend.Endpoint, false), before);
                known[backend.Id] = (backend.Endpoint, false);
            }
        });
    }

    [Property]
    public void The_configured_backends_come_first_in_the_order_of_the_file(Scenario scenario) => Life.Of(scenario, o =>
        Assert.All(o.After.State.InOrder.Where(s => !s.Removed), service =>
        {
            var configured = service.Config.Endpoints;
            Assert.Equal(configured, service.InOrder.Take(configured.Count).Select(b => b.Endpoint));
            Assert.All(service.InOrder.Take(configured.Count), b => Assert.False(b.Draining));
            Assert.All(service.InOrder.Skip(configured.Count), b => Assert.True(b.Draining));
        }));

    [Property]
    public void An_event_about_an_unknown_backend_or_service_changes_nothing(
        Scenario scenario, Outcome outcome, Count count)
    {
        var state = Life.Of(scenario, _ => { });
        var now = new Instant(10_000_000);
        // Time has done its work already, so that only the event itself could change something.
        var settled = state.Then(now, Life.Tick);
        var unknown = new BackendId(settled.NextBackendId);

        foreach (var happened in new ControlEvent[]
        {
            new ControlEvent.ProbeEnded(unknown, outcome, Option<System.Net.IPAddress>.None),
            new ControlEvent.ConnectsFailed(unknown, FailureKind.Refused, count.Value),
            new ControlEvent.ConnectsSucceeded(unknown, count.Value),
            new ControlEvent.BackendIdle(unknown),
            new ControlEvent.ClientExhausted(new ServiceId(settled.NextServiceId)),
            new ControlEvent.ClientsRefused(new ServiceId(settled.NextServiceId), Refusal.Limit, count.Value),
            new ControlEvent.ConnectionsSilenced(
                new ServiceId(settled.NextServiceId), TerminationReason.IdleTimeout, count.Value),
        })
        {
            var step = ControlMachine.Step(happened, now, settled);
            Assert.Equal(settled, step.State);
            Assert.Empty(step.Effects);
        }
    }

    [Property]
    public void A_local_failure_changes_nothing(Scenario scenario, Count count)
    {
        var now = new Instant(10_000_000);
        var settled = Life.Of(scenario, _ => { }).Then(now, Life.Tick);
        foreach (var backend in settled.Backends())
        {
            var step = ControlMachine.Step(
                new ControlEvent.ConnectsFailed(backend.Id, FailureKind.Local, count.Value), now, settled);
            Assert.Equal(settled, step.State);
            Assert.Empty(step.Effects);
        }
    }

    [Property]
    public void A_backend_that_drains_is_only_waited_for_unless_a_reload_brings_it_back(Scenario scenario) =>
        Life.Of(scenario, o =>
        {
            foreach (var before in o.Before.Backends().Where(b => b.Draining))
            {
                var after = o.After.State.Backends().SingleOrDefault(b => b.Id == before.Id);
                if (after is null)
                    Assert.Equal(new ControlEvent.BackendIdle(before.Id), o.Happened);
                else
                    Assert.Equal((before.Health, before.Cooldown, before.Failures),
                        (after.Health, after.Cooldown, after.Failures));
                if (after is { Draining: false })
                    Assert.IsType<ControlEvent.Reloaded>(o.Happened);
            }
        });

    [Property]
    public void A_backend_is_forgotten_once_and_only_when_its_drain_is_over(Scenario scenario) => Life.Of(scenario, o =>
    {
        var gone = o.Before.Backends().Select(b => b.Id).Except(o.After.State.Backends().Select(b => b.Id));

        Assert.Equal(gone, o.Effects<ControlEffect.Forget>().Select(e => e.Backend));
    });

    [Property]
    public void A_refused_reload_changes_nothing_but_what_time_does_and_is_remembered(Scenario scenario) =>
        Life.Of(scenario, o =>
        {
            if (o.Happened is not ControlEvent.ReloadRefused refused || o.Before.Phase is Phase.Ended)
                return;
            // The end of a cooldown, and a larger share, is noticed with whatever happens next.
            var expected = o.Before.WithoutHistory() with
            {
                Refused = new RefusedReload(refused.Problem, o.Now),
                Services = o.Before.WithoutHistory().Services.Map(s => s with
                {
                    Backends = s.Backends.Map(b =>
                        b with
                        {
                            Cools = b.Cools && (b.Draining || b.Cooldown.IsCooling(o.Now)),
                            SlowStart = b.Draining ? b.SlowStart : b.SlowStart.Bind(start => start.At(o.Now)),
                        }),
                }),
            };
            Assert.Equal(expected with { Index = o.After.State.Index }, o.After.State.WithoutHistory());
            Assert.Contains(o.Effects<ControlEffect.Log>(), log => log.Line.Event == "reload_refused");
        });
}
