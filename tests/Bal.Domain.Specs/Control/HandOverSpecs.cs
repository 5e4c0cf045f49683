using Bal.Domain.Control;
using Bal.Domain.Primitives;
using Bal.Domain.Specs.Generators;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Control;

/// <summary>
/// A binary upgrade as the control machine sees it: one process goes on with what another one knew, which then only
/// finishes its connections.
/// </summary>
[Properties(Arbitrary = [typeof(Values), typeof(Configs), typeof(Scenarios)])]
public class HandOverSpecs
{
    private static readonly Instant Later = new(10_000_000);
    private static readonly ControlEvent HandedOver = new ControlEvent.HandedOver(4711);

    [Property]
    public void Who_takes_over_keeps_everything_known_of_every_backend(Scenario scenario)
    {
        var before = Life.Of(scenario, _ => { });

        var after = ControlMachine.Adopt(Later, before).State;

        Assert.Equal(before.Config, after.Config);
        Assert.Equal(before.ConfigVersion, after.ConfigVersion);
        Assert.Equal(before.NextBackendId, after.NextBackendId);
        Assert.Equal(before.InOrder.Map(s => s.Refusals), after.InOrder.Map(s => s.Refusals));
        Assert.Equal(before.InOrder.Map(s => s.Protection), after.InOrder.Map(s => s.Protection));
        Assert.Equal(
            before.Backends().Select(b => (b.Id, b.Endpoint, b.Health, b.Cooldown, b.Failures, b.Draining)),
            after.Backends().Select(b => (b.Id, b.Endpoint, b.Health, b.Cooldown, b.Failures, b.Draining)));
        Assert.Equal(before.Backends().Select(b => b.Addresses), after.Backends().Select(b => b.Addresses));
    }

    [Property]
    public void Who_takes_over_waits_for_nothing_that_the_other_has_started(Scenario scenario)
    {
        var before = Life.Of(scenario, _ => { });

        var after = ControlMachine.Adopt(Later, before).State;

        Assert.All(after.Backends(), b => Assert.False(b.Probe.InFlight || b.Resolution.InFlight));
        Assert.All(
            before.Backends().Zip(after.Backends(), (was, now) => (was, now)).Where(pair => pair.was.Probe.InFlight),
            pair => Assert.Equal(Later, pair.now.Probe.NextAt));
    }

    [Property]
    public void Who_takes_over_gives_its_loops_the_table_of_every_service(Scenario scenario)
    {
        var before = Life.Of(scenario, _ => { });

        var step = ControlMachine.Adopt(Later, before);

        Assert.Equal(
            step.State.InOrder.Map(s => s.Id),
            step.Effects.Filter(e => e is not ControlEffect.KeepOverrides)
                .Map(e => Assert.IsType<ControlEffect.Publish>(e).Service));
    }

    [Property]
    public void Who_takes_over_serves_and_can_be_stopped(Scenario scenario)
    {
        var state = ControlMachine.Adopt(Later, Life.Of(scenario, _ => { })).State;

        Assert.IsType<Phase.Running>(state.Phase);
        Assert.IsType<Phase.Draining>(state.Then(Later, Life.Stop).Phase);
    }

    [Property]
    public void Who_has_handed_over_stops_accepting_and_probes_no_more(Scenario scenario, Gap later)
    {
        var step = ControlMachine.Step(HandedOver, Life.Birth, ControlMachine.Start(scenario.Config, Life.Birth).State);
        var tick = ControlMachine.Step(Life.Tick, Life.Birth.Plus(new Duration(later.Milliseconds)), step.State);

        Assert.IsType<ControlEffect.StopAccepting>(Assert.Single(step.Effects, e => e is not ControlEffect.Log));
        Assert.DoesNotContain(
            tick.Effects, e =>
                e is ControlEffect.StartProbe or ControlEffect.Resolve or ControlEffect.Cut or ControlEffect.Exit);
        Assert.Equal(Instant.Never, ControlMachine.NextDue(step.State));
    }

    [Property]
    public void Who_has_handed_over_ends_with_its_last_connection(Scenario scenario)
    {
        var state = ControlMachine.Start(scenario.Config, Life.Birth).State.Then(Life.Birth, HandedOver);

        var step = ControlMachine.Step(Life.AllIdle, Later, state);

        Assert.IsType<Phase.Ended>(step.State.Phase);
        Assert.Contains(step.Effects, e => e is ControlEffect.Exit);
    }

    [Property]
    public void Who_has_handed_over_drains_within_the_bound_once_it_is_stopped_and_ends_at_the_second_stop(
        Scenario scenario)
    {
        var state = ControlMachine.Start(scenario.Config, Life.Birth).State.Then(Life.Birth, HandedOver);

        var stopped = ControlMachine.Step(Life.Stop, Later, state);

        Assert.DoesNotContain(stopped.Effects, e => e is ControlEffect.Exit);
        var draining = Assert.IsType<Phase.Draining>(stopped.State.Phase);
        Assert.Equal(Later, draining.Since);
        Assert.True(draining.NextCutAt.IsDue(Later.Plus(new Duration(30_000))));
        Assert.IsType<Phase.Ended>(stopped.State.Then(Later, Life.Stop).Phase);
    }

    [Property]
    public void Only_who_serves_can_hand_over(Scenario scenario)
    {
        var stopping = Life.Of(scenario, _ => { }).Then(Later, Life.Stop);

        Assert.Equal(stopping, stopping.Then(Later, HandedOver));
    }
}
