using Bal.Domain.Backend;
using Bal.Domain.Backoff;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.History;
using Bal.Domain.Primitives;
using Bal.Domain.Protection;
using Bal.Domain.Specs.Control;
using Bal.Domain.Specs.Generators;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.History;

/// <summary>What the control state remembers, so that it can say why things are as they are.</summary>
[Properties(Arbitrary = [typeof(Values), typeof(Configs), typeof(Scenarios)])]
public class HistorySpecs
{
    [Property]
    public void It_decides_nothing(Scenario scenario) => Life.Of(scenario, o =>
    {
        var without = ControlMachine.Step(o.Happened, o.Now, o.Before.WithoutHistory());

        Assert.Equal(o.After.State.WithoutHistory(), without.State.WithoutHistory());
        Assert.Equal(o.After.Effects.Map(WithoutCounts).ToString(), without.Effects.Map(WithoutCounts).ToString());
    });

    [Property]
    public void It_is_bounded_whatever_happens(Scenario scenario) => Life.Of(scenario, o =>
    {
        foreach (var service in o.After.State.InOrder)
        {
            Assert.InRange(service.History.Recent.Count, 0, ProtectionHistory.MaxEntries);
            Assert.All(service.History.Recent, e => Assert.True(e.Count > 0 && e.First.CompareTo(e.Last) <= 0));
            Assert.All(service.InOrder, b =>
            {
                Assert.InRange(b.History.Recent.Count, 1, BackendHistory.MaxEntries);
                Assert.All(b.History.Recent, e => Assert.True(e.Count > 0 && e.First.CompareTo(e.Last) <= 0));
            });
        }
    });

    [Property]
    public void The_oldest_is_forgotten_where_there_is_no_room_and_the_newest_never(Tuning tuning, Evidence failure)
    {
        // Up and down and on and off, more often than there is room for.
        var state = Life.At(Life.Birth, Configs.Of(Configs.Service(tuning, Configs.Pool[0])));
        var now = Life.Birth;
        for (var i = 0; i < BackendHistory.MaxEntries; i++)
        {
            now = now.Plus(new Duration(1));
            state = state.Then(
                now, Life.ConnectsFailed(1, 100, failure.Kind), Life.Exhausted, Life.ConnectsSucceeded(1, 100));
        }

        Assert.Equal(BackendHistory.MaxEntries, state.Backend(1).History.Recent.Count);
        Assert.Equal(ProtectionHistory.MaxEntries, state.InOrder[0].History.Recent.Count);
        Assert.Equal(
            (now, now), (state.Backend(1).History.Recent.Last().Last, state.InOrder[0].History.Recent.Last().Last));
    }

    [Property]
    public void A_storm_of_failures_of_any_length_takes_a_handful_of_entries(Evidence[] storm, bool[] clients)
    {
        var history = BackendHistory.Begin(Life.Birth);
        var now = Life.Birth;
        foreach (var (failure, client) in storm.Zip(clients))
        {
            now = now.Plus(new Duration(1));
            history = history.Add(
                new BackendHappening.Failed(client ? Witness.Client : Witness.Probe, failure.Kind), now, 1);
        }

        // Five kinds, seen by two witnesses, and the beginning before them.
        Assert.InRange(history.Recent.Count, 1, 11);
        Assert.Equal(Math.Min(storm.Length, clients.Length), history.FailuresInARow().Sum(e => e.Count));
    }

    [Property]
    public void What_took_a_backend_out_is_remembered_however_many_failures_follow(
        Tuning tuning, Evidence cause, Evidence[] storm)
    {
        var down = Life.At(Life.Birth, Configs.Of(Configs.Service(tuning, Configs.Pool[0])),
            Life.ConnectsFailed(1, 1, cause.Kind));
        var later = Life.Birth.Plus(new Duration(1));

        var after = down.Then(later, [.. storm.Select(s => Life.ConnectsFailed(1, 1_000, s.Kind))]);

        Assert.Equal(down.Backend(1).History.LastOutage, after.Backend(1).History.LastOutage);
        var outage = after.Backend(1).History.LastOutage.Match(o => o, () => throw new InvalidOperationException());
        var entry = Assert.Single(outage.Cause);
        Assert.Equal((Life.Birth, tuning.Health.FailThreshold), (outage.Since, outage.Threshold));
        Assert.Equal(new BackendHappening.Failed(Witness.Client, cause.Kind), entry.What);
    }

    [Property]
    public void Every_change_of_health_is_remembered_with_its_time(Scenario scenario) => Life.Of(scenario, o =>
    {
        foreach (var after in o.After.State.Backends())
        {
            var before = o.Before.Backends().SingleOrDefault(b => b.Id == after.Id);
            if (before is null || before.Health.Up == after.Health.Up)
                continue;
            var last = after.History.Recent.Last(e => e.What is BackendHappening.WentDown or BackendHappening.CameUp);
            Assert.Equal(after.Health.Up, last.What is BackendHappening.CameUp);
            Assert.Equal(o.Now, last.Last);
        }
    });

    [Property]
    public void A_backend_is_down_exactly_while_its_last_outage_has_no_end(Scenario scenario) => Life.Of(scenario, o =>
        Assert.All(o.After.State.Backends(), b => Assert.Equal(
            !b.Health.Up, b.History.LastOutage.Match(outage => outage.Until.IsNone, () => false))));

    [Property]
    public void A_cooldown_ends_when_its_cause_says(Scenario scenario) => Life.Of(scenario, o =>
        Assert.All(o.After.State.Backends(), b => Assert.Equal(
            b.Cooldown.Streak > 0
                ? LanguageExt.Option<Instant>.Some(b.Cooldown.Until)
                : LanguageExt.Option<Instant>.None,
            b.History.Cooling.Map(c =>
                c.At.Plus(CooldownMachine.Length(c.Policy, c.Protection, c.Streak))))));

    [Property]
    public void Every_backend_that_cools_down_remembers_since_when(Scenario scenario) => Life.Of(scenario, o =>
        Assert.All(o.After.State.InOrder.SelectMany(s => s.Table.Cooling), route => Assert.Contains(
            o.After.State.Backend(route.Id.Value).History.Recent, e => e.What is BackendHappening.CoolingBegan)));

    [Property]
    public void The_end_of_a_cooldown_is_remembered_with_its_time_be_it_a_success_or_time_alone(
        Tuning tuning, Evidence failure, bool success)
    {
        var patient = tuning with { Health = tuning.Health with { FailThreshold = 3 } };
        var cooling = Life.At(Life.Birth, Configs.Of(Configs.Service(patient, Configs.Pool[0])),
            Life.ConnectsSucceeded(1), Life.ConnectsFailed(1, 1, failure.Kind));
        var until = cooling.Backend(1).Cooldown.Until;

        // A tick that comes late tells when it was over, not when that was noticed.
        var after = success
            ? cooling.Then(Life.Birth, Life.ConnectsSucceeded(1))
            : cooling.Then(until.Plus(new Duration(7)), Life.Tick);

        Assert.Equal(
            new BackendEntry(new BackendHappening.CoolingBegan(), Life.Birth, Life.Birth, 1),
            Assert.Single(after.Backend(1).History.Recent, e => e.What is BackendHappening.CoolingBegan));
        Assert.Equal(
            success ? Life.Birth : until,
            Assert.Single(after.Backend(1).History.Recent, e => e.What is BackendHappening.CoolingEnded).Last);
    }

    [Property]
    public void A_success_that_forgives_something_is_remembered_with_who_saw_it(
        Scenario scenario) => Life.Of(scenario, o =>
    {
        var (id, witness) = o.Happened switch
        {
            ControlEvent.ConnectsSucceeded e => (e.Backend, Witness.Client),
            ControlEvent.ProbeEnded { Outcome: Outcome.Passed } e => (e.Backend, Witness.Probe),
            _ => (new BackendId(0), Witness.Resolver),
        };
        var before = o.Before.Backends().SingleOrDefault(b => b.Id == id);
        var after = o.After.State.Backends().SingleOrDefault(b => b.Id == id);
        if (before is null || after is null || (before.Health == after.Health && before.Cooldown == after.Cooldown))
            return;
        Assert.Equal(
            new BackendHappening.Passed(witness),
            after.History.Recent.Last(e => e.What is BackendHappening.Passed && e.Last == o.Now).What);
    });

    [Property]
    public void Every_change_of_protection_mode_is_remembered_with_its_time(Scenario scenario) => Life.Of(scenario, o =>
    {
        foreach (var after in o.After.State.InOrder)
        {
            var was = o.Before.InOrder.Exists(s => s.Id == after.Id && s.Protection.IsOn);
            var last = after.History.Recent.LastOrDefault(e => e.What is not ProtectionHappening.StartedOver);
            Assert.Equal(after.Protection.IsOn, last?.What is ProtectionHappening.TurnedOn);
            if (was != after.Protection.IsOn)
                Assert.Equal(o.Now, last?.First);
        }
    });

    [Property]
    public void While_protection_mode_is_off_failures_are_no_part_of_its_history(
        Scenario scenario) => Life.Of(scenario, o =>
        Assert.All(
            o.Before.InOrder.SelectMany(
                s => o.After.State.Services.Find(s.Id.Value).Map(after => (s, after)).AsEnumerable())
                .Where(s => !s.Item1.Protection.IsOn && !s.Item2.Protection.IsOn),
            both => Assert.Equal(both.Item1.History, both.Item2.History)));

    [Property]
    public void A_storm_is_remembered_with_as_many_failures_as_trip_it(Scenario scenario) => Life.Of(scenario, o =>
        Assert.All(o.After.State.InOrder.SelectMany(s => s.History.Recent), entry =>
        {
            if (entry.What is ProtectionHappening.TurnedOn { Reason: ProtectionReason.TimeoutOrRefusedStorm } on)
                Assert.True(on.Failures >= on.Policy.TriggerThreshold);
        }));

    [Property]
    public void Failed_connects_while_protection_mode_is_on_are_one_entry_with_their_number(
        Tuning tuning, Evidence failure, Count first, Count[] more, Gap gap)
    {
        var (from, now) = (Life.Birth, Life.Birth);
        var state = Life.At(
            now, Configs.Of(Configs.Service(tuning, Configs.Pool[0])), Life.Exhausted, Failed(first, failure));
        foreach (var count in more)
            state = state.Then(now = now.Plus(new Duration(gap.Milliseconds)), Failed(count, failure));

        var each = failure.Kind is FailureKind.Timeout or FailureKind.Refused
            ? more.Prepend(first).Sum(c => (long)c.Value)
            : 1 + more.Length;
        Assert.Equal(2, state.InOrder[0].History.Recent.Count);
        Assert.Equal(
            new ProtectionEntry(new ProtectionHappening.StartedOver(), from, now, each),
            state.InOrder[0].History.Recent[1]);
    }

    private static ControlEvent Failed(Count count, Evidence failure) =>
        Life.ConnectsFailed(1, count.Value, failure.Kind);

    // How many failures took a backend out is told out of its history, and of nothing else.
    private static ControlEffect WithoutCounts(ControlEffect effect) =>
        effect is ControlEffect.Log { Line.Event: "backend_down" } log
            ? new ControlEffect.Log(log.Line with
            {
                Message = "",
                Fields = log.Line.Fields.Filter(field => field.Name != "failures"),
            })
            : effect;
}
