using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.History;
using Bal.Domain.Primitives;
using Bal.Domain.Specs.Generators;
using FsCheck.Xunit;
using LanguageExt;

namespace Bal.Domain.Specs.Control;

/// <summary>
/// What a reload keeps, adds and drains (docs/behaviour.md, Reload), out of any state that bal may be in.
/// </summary>
[Properties(Arbitrary = [typeof(Values), typeof(Configs), typeof(Scenarios)])]
public class ReloadSpecs
{
    private static readonly Instant Now = new(10_000_000);

    [Property]
    public void A_reload_of_the_same_configuration_changes_nothing_but_its_version(SteadyFleet past)
    {
        var before = Past(past.Scenario);

        var step = Reload(before.Config, before);

        // A configuration in force also ends the memory of one that was refused, and the history says that it came.
        Assert.Equal(
            Numbered(before.WithoutHistory()) with
            {
                ConfigVersion = before.ConfigVersion + 1,
                Refused = Option<RefusedReload>.None,
            },
            Numbered(step.State.WithoutHistory()));
        Assert.All(step.Effects, e => Assert.IsType<ControlEffect.Log>(e));
    }

    [Property]
    public void Backends_that_stay_keep_everything_known_about_them(SteadyFleet past, Fleet next)
    {
        var (before, after) = Both(past, next);
        foreach (var (was, becomes) in Kept(before, after))
        {
            foreach (var backend in Configured(was).Where(b => becomes.Config.Endpoints.Contains(b.Endpoint)))
            {
                var kept = Configured(becomes).Single(b => b.Endpoint == backend.Endpoint);
                // Only when the next probe starts may change, together with the interval; the history goes on.
                Assert.Equal(backend, kept with
                {
                    Probe = kept.Probe with { NextAt = backend.Probe.NextAt },
                    History = backend.History,
                });
                Assert.Equal(backend.History.Add(new BackendHappening.Kept(), Now, 1), kept.History);
            }
        }
    }

    [Property]
    public void Backends_that_are_added_start_like_those_of_the_first_start(SteadyFleet past, Fleet next)
    {
        var (before, after) = Both(past, next);
        var fresh = ControlMachine.Start(next.Config, Now).State;

        foreach (var (service, first) in after.InOrder.Filter(s => !s.Removed).Zip(fresh.InOrder))
        {
            var known = before.Services.Find(service.Id.Value).Map(s => s.InOrder.Map(b => b.Endpoint)).IfNone([]);
            foreach (var (backend, born) in Configured(service).Zip(first.InOrder)
                .Where(b => !known.Contains(b.Item1.Endpoint)))
            {
                Assert.True(backend.Id.Value >= before.NextBackendId);
                Assert.Equal(born, backend with { Id = born.Id });
            }
        }
    }

    [Property]
    public void Backends_that_are_removed_drain_with_what_is_known_about_them(SteadyFleet past, Fleet next)
    {
        var (before, after) = Both(past, next);
        foreach (var was in before.InOrder)
        {
            var becomes = after.Services[was.Id.Value];
            foreach (var backend in Configured(was)
                .Where(b => becomes.Removed || !becomes.Config.Endpoints.Contains(b.Endpoint)))
            {
                var leaving = after.Backend(backend.Id.Value);
                Assert.True(leaving.Draining);
                Assert.Equal(
                    (backend.Health, backend.Cooldown, backend.Failures),
                    (leaving.Health, leaving.Cooldown, leaving.Failures));
                Assert.Contains(backend.Id, becomes.Table.Draining);
            }
        }
    }

    [Property]
    public void Backends_that_drain_already_go_on_draining_unless_their_service_names_them_again(
        SteadyFleet past, Fleet next)
    {
        var (before, after) = Both(past, next);
        foreach (var (was, becomes) in before.InOrder.Map(s => (s, after.Services[s.Id.Value])))
        {
            Assert.All(
                was.InOrder.Filter(
                    b => b.Draining && (becomes.Removed || !becomes.Config.Endpoints.Contains(b.Endpoint))),
                b => Assert.Equal(b, after.Backend(b.Id.Value)));
        }
    }

    [Property]
    public void A_backend_that_drains_and_is_named_again_is_the_same_and_checked_at_once(SteadyFleet past)
    {
        var before = Past(past.Scenario);
        var elsewhere = before.Config with
        {
            Services = before.Config.Services.Map(s => Configs.Service(s.Tuning, Configs.At("10.9.9.9", 1)) with
            {
                Name = s.Name,
                Listener = s.Listener,
            }),
        };

        var away = Reload(elsewhere, before).State;
        var back = Reload(before.Config, away).State;

        foreach (var old in before.InOrder.Filter(s => !s.Removed).Bind(Configured))
        {
            Assert.True(away.Backend(old.Id.Value).Draining);
            var again = back.Backend(old.Id.Value);
            Assert.Equal(
                old with { Probe = old.Probe with { NextAt = Now }, History = again.History }, again);
            Assert.Contains(again.History.Recent, e => e.What is BackendHappening.Removed);
            Assert.Equal(new BackendHappening.Added(), again.History.Recent.Last().What);
            Assert.Equal(Counted(old.History.FailuresInARow()), Counted(again.History.FailuresInARow()));
        }
    }

    [Property]
    public void A_backend_that_comes_back_after_its_cooldown_does_not_cool_down(Tuning tuning, Gap gap)
    {
        var patient = tuning with { Health = tuning.Health with { FailThreshold = 3 } };
        var config = Configs.Of(Configs.Service(patient, Configs.Pool[0], Configs.Pool[1]));
        var cooling = Life.At(Life.Birth, config, Life.ConnectsSucceeded(1), Life.ConnectsFailed(1),
            new ControlEvent.Reloaded(Configs.Of(Configs.Service(patient, Configs.Pool[1]))));
        var until = cooling.Backend(1).Cooldown.Until;
        var later = Life.Birth.Plus(new(gap.Milliseconds));

        var back = ControlMachine.Step(new ControlEvent.Reloaded(config), later, cooling);

        Assert.Equal(until.IsDue(later) ? Tier.Up : Tier.Cooling, back.State.Backend(1).Tier);
        Assert.Equal(until.IsDue(later), back.Tables.Single().Up.Exists(r => r.Id.Value == 1));
    }

    [Property]
    public void A_removed_backend_gets_no_client_and_no_probe_but_is_waited_for(SteadyFleet past, Fleet next)
    {
        var state = Reload(next.Config, Past(past.Scenario)).State.Then(Now, Life.Tick);
        foreach (var (service, leaving) in state.InOrder.Bind(s => s.InOrder.Filter(b => b.Draining).Map(b => (s, b))))
        {
            // Those of a removed service are for the clients that its listener has accepted already.
            if (!service.Removed)
                Assert.DoesNotContain(service.Table.Routes(), r => r.Id == leaving.Id);
            // The probe that was under way is waited for, and what it shows is nothing new.
            var probed = state.Then(Now, Life.ProbePassed(leaving.Id.Value), Life.ProbeFailed(leaving.Id.Value));
            Assert.Equal(
                leaving with { Probe = leaving.Probe with { InFlight = false } }, probed.Backend(leaving.Id.Value) with
                {
                    Probe = probed.Backend(leaving.Id.Value).Probe with { LastEndedAt = leaving.Probe.LastEndedAt },
                });

            var idle = ControlMachine.Step(new ControlEvent.BackendIdle(leaving.Id), Now, state);
            Assert.DoesNotContain(idle.State.Backends(), b => b.Id == leaving.Id);
            Assert.Contains(new ControlEffect.Forget(leaving.Id), idle.Effects);
            Assert.All(idle.State.InOrder, s => Assert.DoesNotContain(leaving.Id, s.Table.Draining));
        }
    }

    [Property]
    public void A_configured_backend_without_connections_is_not_forgotten(SteadyFleet past)
    {
        var state = Past(past.Scenario);

        Assert.All(state.Backends().Where(b => !b.Draining), b =>
            Assert.Equal(state, ControlMachine.Step(new ControlEvent.BackendIdle(b.Id), Now, state).State));
    }

    [Property]
    public void Protection_mode_survives(SteadyFleet past, Fleet next)
    {
        var (before, after) = Both(past, next);

        Assert.All(before.InOrder, s => Assert.Equal(s.Protection, after.Services[s.Id.Value].Protection));
    }

    [Property]
    public void The_new_policies_are_in_force_and_published_at_once(SteadyFleet past, Fleet next)
    {
        var step = Reload(next.Config, Past(past.Scenario));

        Assert.Equal(next.Config, step.State.Config);
        var serving = step.State.InOrder.Filter(s => !s.Removed);
        Assert.Equal(next.Config.Services, serving.Map(s => s.Config));
        Assert.Equal(next.Config.Services, serving.Map(s => s.Table.Service));
    }

    [Property]
    public void A_probe_in_flight_is_still_waited_for(SteadyFleet past, Fleet next)
    {
        var (before, after) = Both(past, next);

        Assert.All(before.Backends(), b => Assert.Equal(b.Probe.InFlight, after.Backend(b.Id.Value).Probe.InFlight));
    }

    [Property]
    public void A_shorter_interval_takes_effect_at_once(SteadyFleet past, Tuning tuning)
    {
        var before = Past(past.Scenario);
        var after = Reload(WithTuning(tuning, before.Config), before).State;

        Assert.All(after.Backends().Where(b => !b.Draining), b => Assert.True(
            b.Probe.NextAt.Milliseconds <= Now.Plus(tuning.Health.Interval).Milliseconds
            || tuning.Health.Interval == before.Config.Services[0].Tuning.Health.Interval));
    }

    [Property]
    public void What_changed_is_said_in_one_line_of_the_log(SteadyFleet past, Fleet next)
    {
        var step = Reload(next.Config, Past(past.Scenario));

        var line = Assert.Single(step.Effects.OfType<ControlEffect.Log>()).Line;
        Assert.Equal("reload_applied", line.Event);
    }

    [Property]
    public void Every_configuration_applied_is_counted(SteadyFleet past, Fleet next)
    {
        var (before, after) = Both(past, next);

        Assert.Equal(before.ConfigVersion + 1, after.ConfigVersion);
    }

    // A life without an end, in which time has done its work.
    private static ControlState Past(Scenario scenario) => Life.Of(
        scenario with
        {
            Moments = scenario.Moments.Filter(m => m.What is not (ControlEvent.StopRequested or ControlEvent.AllIdle)),
        },
        _ => { }).Then(Now, Life.Tick);

    private static ControlStep Reload(BalConfig config, ControlState state) =>
        ControlMachine.Step(new ControlEvent.Reloaded(config), Now, state);

    private static (ControlState Before, ControlState After) Both(SteadyFleet past, Fleet next)
    {
        var before = Past(past.Scenario);
        return (before, Reload(next.Config, before).State);
    }

    private static IEnumerable<(ServiceState Before, ServiceState After)> Kept(
        ControlState before, ControlState after) =>
        before.InOrder.Map(s => (s, after.Services[s.Id.Value])).Filter(pair => !pair.Item2.Removed);

    private static BalConfig WithTuning(Tuning tuning, BalConfig config) =>
        config with { Services = config.Services.Map(s => s with { Tuning = tuning }) };

    private static Arr<BackendState> Configured(ServiceState service) => service.InOrder.Filter(b => !b.Draining);

    private static IEnumerable<(BackendHappening, long)> Counted(Arr<BackendEntry> entries) =>
        entries.Map(e => (e.What, e.Count));

    // Places are an order and nothing more: a reload gives them anew, without gaps.
    private static ControlState Numbered(ControlState state)
    {
        var services = state.InOrder.Map((i, s) => s with
        {
            Place = i,
            Backends = new(s.InOrder.Map((at, b) => (at, b))),
        });
        return state with
        {
            Services = new(services.Map(s => (s.Id.Value, s))),
            Index = StateIndex.Of(services.OrderBy(s => s.Id.Value), state.Phase.IsHandedOver),
        };
    }
}
