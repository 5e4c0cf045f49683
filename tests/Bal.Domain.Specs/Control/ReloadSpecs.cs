using Bal.Domain.Backend;
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
    public void A_reload_of_the_same_configuration_changes_nothing_but_its_version(SteadyScenario past)
    {
        var before = Past(past.Scenario);

        var step = Reload(before.Config, before);

        // A configuration in force also ends the memory of one that was refused, and the history says that it came.
        Assert.Equal(
            before.WithoutHistory() with
            {
                ConfigVersion = before.ConfigVersion + 1,
                Refused = Option<RefusedReload>.None,
            },
            step.State.WithoutHistory());
        Assert.All(step.Effects, e => Assert.IsType<ControlEffect.Log>(e));
    }

    [Property]
    public void Backends_that_stay_keep_everything_known_about_them(SteadyScenario past, BalConfig next)
    {
        var before = Past(past.Scenario);
        var after = Reload(next, before).State;

        foreach (var backend in Configured(before).Where(b => next.Main.Endpoints.Contains(b.Endpoint)))
        {
            var kept = Configured(after).Single(b => b.Endpoint == backend.Endpoint);
            // Only when the next probe starts may change, together with the interval; the history goes on.
            Assert.Equal(backend, kept with
            {
                Probe = kept.Probe with { NextAt = backend.Probe.NextAt },
                History = backend.History,
            });
            Assert.Equal(backend.History.Add(new BackendHappening.Kept(), Now, 1), kept.History);
        }
    }

    [Property]
    public void Backends_that_are_added_start_like_those_of_the_first_start(SteadyScenario past, BalConfig next)
    {
        var before = Past(past.Scenario);
        var after = Reload(next, before).State;
        var fresh = ControlMachine.Start(next, Now).State;

        foreach (var backend in Configured(after).Where(b => !Configured(before).Exists(o => o.Endpoint == b.Endpoint)))
        {
            Assert.True(backend.Id.Value >= before.NextBackendId);
            Assert.Equal(Configured(fresh).Single(b => b.Endpoint == backend.Endpoint), backend with
            {
                Id = Configured(fresh).Single(b => b.Endpoint == backend.Endpoint).Id,
            });
        }
    }

    [Property]
    public void Backends_that_are_removed_drain_with_what_is_known_about_them(SteadyScenario past, BalConfig next)
    {
        var before = Past(past.Scenario);
        var after = Reload(next, before).State;

        foreach (var backend in Configured(before).Where(b => !next.Main.Endpoints.Contains(b.Endpoint)))
        {
            var leaving = after.Backend(backend.Id.Value);
            Assert.True(leaving.Draining);
            Assert.Equal(
                (backend.Health, backend.Cooldown, backend.Failures),
                (leaving.Health, leaving.Cooldown, leaving.Failures));
            Assert.Contains(backend.Id, after.InOrder[0].Table.Draining);
        }
    }

    [Property]
    public void Backends_that_drain_already_go_on_draining(SteadyScenario past, BalConfig next)
    {
        var before = Past(past.Scenario);
        var after = Reload(next, before).State;

        Assert.All(before.Backends().Where(b => b.Draining), b => Assert.Equal(b, after.Backend(b.Id.Value)));
    }

    [Property]
    public void A_backend_that_is_removed_and_added_again_is_another_one(SteadyScenario past)
    {
        var before = Past(past.Scenario);
        var elsewhere = Configs.Of(Configs.Service(before.Config.Main.Tuning, Configs.At("10.9.9.9", 1)));

        var back = Reload(before.Config, Reload(elsewhere, before).State).State;

        foreach (var old in Configured(before))
        {
            var again = Configured(back).Single(b => b.Endpoint == old.Endpoint);
            Assert.True(again.Id.Value > old.Id.Value);
            Assert.Equal(HealthMachine.Initial(before.Config.Main.Tuning.Health), again.Health);
            Assert.Equal(FailureCounters.Zero, again.Failures);
            Assert.True(back.Backend(old.Id.Value).Draining);
        }
    }

    [Property]
    public void A_removed_backend_gets_no_client_and_no_probe_but_is_waited_for(SteadyScenario past, BalConfig next)
    {
        var state = Reload(next, Past(past.Scenario)).State.Then(Now, Life.Tick);
        foreach (var leaving in state.Backends().Where(b => b.Draining).ToArray())
        {
            Assert.DoesNotContain(state.InOrder[0].Table.Routes(), r => r.Id == leaving.Id);
            Assert.Equal(
                state, state.Then(Now, Life.ProbePassed(leaving.Id.Value), Life.ProbeFailed(leaving.Id.Value)));

            var idle = ControlMachine.Step(new ControlEvent.BackendIdle(leaving.Id), Now, state);
            Assert.DoesNotContain(idle.State.Backends(), b => b.Id == leaving.Id);
            Assert.Contains(new ControlEffect.Forget(leaving.Id), idle.Effects);
            Assert.DoesNotContain(leaving.Id, idle.State.InOrder[0].Table.Draining);
        }
    }

    [Property]
    public void A_configured_backend_without_connections_is_not_forgotten(SteadyScenario past)
    {
        var state = Past(past.Scenario);

        Assert.All(Configured(state), b =>
            Assert.Equal(state, ControlMachine.Step(new ControlEvent.BackendIdle(b.Id), Now, state).State));
    }

    [Property]
    public void Protection_mode_survives(SteadyScenario past, BalConfig next)
    {
        var before = Past(past.Scenario);

        Assert.Equal(before.InOrder[0].Protection, Reload(next, before).State.InOrder[0].Protection);
    }

    [Property]
    public void The_new_policies_are_in_force_and_published_at_once(SteadyScenario past, BalConfig next)
    {
        var after = Reload(next, Past(past.Scenario)).State;

        Assert.Equal(next, after.Config);
        var serving = after.InOrder.Filter(s => !s.Removed);
        Assert.Equal(next.Services, serving.Map(s => s.Config));
        Assert.Equal(next.Services, serving.Map(s => s.Table.Service));
    }

    [Property]
    public void A_probe_in_flight_of_a_backend_that_stays_is_still_waited_for(SteadyScenario past, Tuning tuning)
    {
        var before = Past(past.Scenario);
        var after = Reload(WithTuning(tuning, before.Config), before).State;

        Assert.Equal(
            Configured(before).Map(b => b.Probe.InFlight), Configured(after).Map(b => b.Probe.InFlight));
    }

    [Property]
    public void A_shorter_interval_takes_effect_at_once(SteadyScenario past, Tuning tuning)
    {
        var before = Past(past.Scenario);
        var after = Reload(WithTuning(tuning, before.Config), before).State;

        Assert.All(Configured(after), b => Assert.True(
            b.Probe.NextAt.Milliseconds <= Now.Plus(tuning.Health.Interval).Milliseconds
            || tuning.Health.Interval == before.Config.Main.Tuning.Health.Interval));
    }

    [Property]
    public void What_changed_is_said_in_one_line_of_the_log(SteadyScenario past, BalConfig next)
    {
        var step = Reload(next, Past(past.Scenario));

        var line = Assert.Single(step.Effects.OfType<ControlEffect.Log>()).Line;
        Assert.Equal("reload_applied", line.Event);
    }

    [Property]
    public void Every_configuration_applied_is_counted(SteadyScenario past, BalConfig next)
    {
        var before = Past(past.Scenario);

        Assert.Equal(before.ConfigVersion + 1, Reload(next, before).State.ConfigVersion);
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

    private static BalConfig WithTuning(Tuning tuning, BalConfig config) =>
        config with { Services = config.Services.Map(s => s with { Tuning = tuning }) };

    private static Arr<BackendState> Configured(ControlState state) =>
        state.InOrder[0].InOrder.Filter(b => !b.Draining);
}
