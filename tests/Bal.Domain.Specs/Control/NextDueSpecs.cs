using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Primitives;
using Bal.Domain.Specs.Generators;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Control;

/// <summary>When the machine wants to be woken: never too late, never in vain, never for ever.</summary>
[Properties(Arbitrary = [typeof(Values), typeof(Configs), typeof(Scenarios)])]
public class NextDueSpecs
{
    [Property]
    public void After_a_tick_the_next_one_is_due_later(Scenario scenario) => Life.Of(scenario, o =>
    {
        if (o.Happened is ControlEvent.Tick)
            Assert.True(ControlMachine.NextDue(o.After.State).Milliseconds > o.Now.Milliseconds);
    });

    [Property]
    public void Nothing_happens_between_a_tick_and_the_next_one_that_is_due(Scenario scenario) => Life.Of(scenario, o =>
    {
        var due = ControlMachine.NextDue(o.After.State);
        if (o.Happened is not ControlEvent.Tick || due == Instant.Never)
            return;

        var early = ControlMachine.Step(Life.Tick, new Instant(due.Milliseconds - 1), o.After.State);

        Assert.Equal(o.After.State, early.State);
        Assert.Empty(early.Effects);
    });

    [Property]
    public void What_is_due_is_done_by_the_tick_at_that_instant(Scenario scenario) => Life.Of(scenario, o =>
    {
        var due = ControlMachine.NextDue(o.After.State);
        // No client can fail at a backend without an address; if one is said to, its cooldown ends unseen.
        if (due == Instant.Never
            || o.After.State.Backends().Any(b => !b.IsPlaced && b.Cooldown.IsCooling(o.Now)))
            return;

        var at = Instant.Max(o.Now, due);
        Assert.NotEqual(o.After.State, ControlMachine.Step(Life.Tick, at, o.After.State).State);
    });

    [Property]
    public void Rejections_not_yet_said_are_due_one_second_after_the_last_that_were(Tuning tuning, byte more) =>
        IsSaidAfterASecond(tuning, "connections_rejected",
            new ControlEvent.ClientsRefused(new ServiceId(1), Refusal.Limit, 1), new ControlEvent.ClientsRefused(
                new ServiceId(1), Refusal.Limit, 2L + more));

    [Property]
    public void Exhausted_descriptors_not_yet_said_are_due_one_second_after_the_last_that_were(
        Tuning tuning, byte more) =>
        IsSaidAfterASecond(tuning, "descriptors_exhausted",
            new ControlEvent.ClientsRefused(new ServiceId(1), Refusal.Descriptors, 1), new ControlEvent.ClientsRefused(
                new ServiceId(1), Refusal.Descriptors, 2L + more));

    [Property]
    public void Lost_reports_not_yet_said_are_due_one_second_after_the_last_that_were(Tuning tuning, byte more) =>
        IsSaidAfterASecond(tuning, "loop_reports_lost",
            new ControlEvent.ReportsLost(1), new ControlEvent.ReportsLost(2L + more));

    [Property]
    public void A_lookup_is_due_when_it_is_time_for_it_also_where_nothing_else_is(Tuning tuning, bool failed)
    {
        var named = Configs.Of(Configs.Service(tuning, Configs.Named("db.internal", 1)));
        var answer = new ControlEvent.Resolved("db.internal", new(Configs.Addresses));
        var none = new ControlEvent.Resolved("db.internal", LanguageExt.Arr<System.Net.IPAddress>.Empty);
        // The only probe is in flight.
        var state = Life.At(Life.Birth, named, Life.Tick, answer, Life.Tick);
        if (failed)
            state = state.Then(Life.Birth, none);

        Assert.Equal(Life.Birth.Plus(new(failed ? 5_000 : 30_000)), ControlMachine.NextDue(state));
    }

    [Property]
    public void What_is_due_stays_due_until_it_is_done(Scenario scenario, ushort lateMs) => Life.Of(scenario, o =>
    {
        var due = ControlMachine.NextDue(o.After.State);
        if (due == Instant.Never)
            return;

        // A shell that wakes up late asks again before it acts.
        var late = Instant.Max(o.Now, due).Plus(new Duration(lateMs));
        Assert.Equal(due, ControlMachine.NextDue(o.After.State));
    });

    [Property]
    public void Once_it_has_ended_nothing_is_due(Scenario scenario)
    {
        var ended = Life.Of(scenario, _ => { }).Then(new Instant(10_000_000), Life.Stop, Life.Stop);

        Assert.Equal(Instant.Never, ControlMachine.NextDue(ended));
    }

    [Property]
    public void The_first_tick_is_due_at_once(Scenario scenario) =>
        Assert.Equal(
            Life.Birth,
            ControlMachine.NextDue(ControlMachine.Start(scenario.Config, Life.Birth).State));

    private static void IsSaidAfterASecond(Tuning tuning, string line, ControlEvent first, ControlEvent second)
    {
        // With the only probe in flight nothing else is due.
        var started = Life.At(Life.Birth, Configs.Of(Configs.Service(tuning, Configs.Pool[0])), Life.Tick);
        var said = ControlMachine.Step(first, Life.Birth, started);
        var silent = ControlMachine.Step(second, Life.Birth, said.State);
        var due = ControlMachine.NextDue(silent.State);

        Assert.Single(Lines(said), line);
        Assert.DoesNotContain(line, Lines(silent));
        Assert.Equal(Life.Birth.Plus(new(1_000)), due);
        Assert.Single(Lines(ControlMachine.Step(Life.Tick, due, silent.State)), line);
    }

    private static IEnumerable<string> Lines(ControlStep step) =>
        step.Effects.OfType<ControlEffect.Log>().Select(log => log.Line.Event);
}
