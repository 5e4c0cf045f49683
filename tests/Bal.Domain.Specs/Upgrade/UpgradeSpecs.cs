using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Upgrade;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Upgrade;

/// <summary>
/// Anything that may happen in the course of upgrades, sensible or not, each with the time since the one before.
/// </summary>
public sealed record Course(IReadOnlyList<(int AfterMs, UpgradeEvent What)> Moments)
{
    public override string ToString() => string.Join("\n", Moments.Select(m => $"+{m.AfterMs} {m.What}"));
}

public static class Courses
{
    private static readonly Problem Any = new("x", "It failed.", "Why.", "Do.");

    private static readonly UpgradeEvent[] Usual =
    [
        new UpgradeEvent.Requested(new Duration(30_000), 0, false), new UpgradeEvent.Spawned(100),
        new UpgradeEvent.Ready(),
        new UpgradeEvent.AtRest(), new UpgradeEvent.Serves(), new UpgradeEvent.Settled(),
    ];

    /// <summary>
    /// What comes by chance gets far too rarely: half of the courses begin as usual, up to some point.
    /// </summary>
    public static Arbitrary<Course> All() => (
        from usual in Gen.Frequency((1, Gen.Constant(0)), (1, Gen.Choose(1, Usual.Length)))
        from chance in ByChance()
        select new Course([.. Usual.Take(usual).Select(what => (1, what)), .. chance])).ToArbitrary();

    private static Gen<List<(int AfterMs, UpgradeEvent What)>> ByChance() => Gen.Frequency(
            (4, Gen.Choose(0, UpgradeMachine.MaxDraining).Select(
                n => (UpgradeEvent)new UpgradeEvent.Requested(new Duration(30_000), n, false))),
            (5, Gen.Choose(100, 103).Select(pid => (UpgradeEvent)new UpgradeEvent.Spawned(pid))),
            (1, Gen.Constant<UpgradeEvent>(new UpgradeEvent.NotSpawned(Any))),
            (5, Gen.Constant<UpgradeEvent>(new UpgradeEvent.Ready())),
            (1, Gen.Constant<UpgradeEvent>(new UpgradeEvent.Refused(Any))),
            (5, Gen.Constant<UpgradeEvent>(new UpgradeEvent.AtRest())),
            (5, Gen.Constant<UpgradeEvent>(new UpgradeEvent.Serves())),
            (2, Gen.Constant<UpgradeEvent>(new UpgradeEvent.Settled())),
            (1, Gen.Constant<UpgradeEvent>(new UpgradeEvent.LinkBroken())),
            (2, Gen.Constant<UpgradeEvent>(new UpgradeEvent.Gone("ended with exit code 1"))),
            (3, Gen.Constant<UpgradeEvent>(new UpgradeEvent.StopRequested(new()))),
            (1, Gen.Constant<UpgradeEvent>(new UpgradeEvent.NewStops(new() { ByCommand = true }))),
            (3, Gen.Constant<UpgradeEvent>(new UpgradeEvent.Tick())))
        .Zip(Gen.Elements(0, 1, 100, 5_000, 30_000), (what, after) => (after, what))
        .ListOf();
}

/// <summary>How a serving process replaces itself: whatever fails and whenever, clients are served.</summary>
[Properties(Arbitrary = [typeof(Courses)])]
public class UpgradeSpecs
{
    private static readonly Problem Because =
        new("config_invalid", "It is wrong.", "Somebody wrote it.", "Correct it.");

    [Property]
    public void At_no_moment_do_both_processes_accept(Course course)
    {
        var (resting, newMay) = (false, false);
        Run(course, (what, step) =>
        {
            newMay &= what is not UpgradeEvent.Gone;
            foreach (var effect in step.Effects)
            {
                resting = effect is UpgradeEffect.Rest || (resting && effect is not UpgradeEffect.Resume);
                newMay |= effect is UpgradeEffect.HandOver;
                Assert.False(newMay && !resting);
            }
        });
    }

    [Property]
    public void Who_serves_accepts_unless_a_handover_is_under_way(Course course)
    {
        var resting = false;
        Run(course, (_, step) =>
        {
            foreach (var effect in step.Effects)
                resting = effect is UpgradeEffect.Rest || (resting && effect is not UpgradeEffect.Resume);
            Assert.Equal(
                step.State is UpgradeState.Resting or UpgradeState.HandingOver or UpgradeState.Settling
                    or UpgradeState.RollingBack { Rests: true } or UpgradeState.Replaced,
                resting);
        });
    }

    [Property]
    public void Every_upgrade_that_begins_is_answered_once_and_every_other_request_at_once(Course course)
    {
        var (begun, answered) = (0, 0);
        Run(course, (what, step) =>
        {
            begun += step.Effects.Count(e => e is UpgradeEffect.Spawn);
            answered += step.Effects.Count(e => e is UpgradeEffect.Answer);
            var atOnce = step.Effects.Count(e => e is UpgradeEffect.RefuseLatest or UpgradeEffect.Spawn);
            Assert.Equal(what is UpgradeEvent.Requested ? 1 : 0, atOnce);
            Assert.Equal(
                step.State is UpgradeState.Idle or UpgradeState.Replaced or UpgradeState.Ending ? begun : begun - 1,
                answered);
        });
    }

    [Property]
    public void The_listeners_are_left_only_to_a_process_that_serves_and_has_settled(Course course)
    {
        var before = UpgradeState.None;
        var trace = new List<UpgradeEvent>();
        Run(course, (what, step) =>
        {
            // A report of a process that nobody has asked for begins nothing.
            if (before is UpgradeState.Spawning && what is UpgradeEvent.Spawned)
                trace.Clear();
            trace.Add(what);
            before = step.State;
            if (!step.Effects.Any(e => e is UpgradeEffect.Leave))
                return;
            Assert.IsType<UpgradeEvent.Settled>(what);
            Assert.Contains(trace, e => e is UpgradeEvent.Serves);
            Assert.DoesNotContain(trace, e => e is UpgradeEvent.Gone);
        });
    }

    [Property]
    public void What_was_yielded_is_reclaimed_where_the_upgrade_fails(Course course)
    {
        var yielded = false;
        Run(course, (_, step) =>
        {
            foreach (var effect in step.Effects)
                yielded = effect is UpgradeEffect.Yield || (yielded && effect is not UpgradeEffect.Reclaim);
            Assert.False(yielded && step.State is UpgradeState.Idle or UpgradeState.Starting or UpgradeState.Spawning);
        });
    }

    [Property]
    public void It_ends_within_its_patience_whatever_the_new_process_does(Course course)
    {
        var (state, now) = Run(course, (_, _) => { });
        if (state is UpgradeState.Spawning)
            state = UpgradeMachine.Step(new UpgradeEvent.NotSpawned(Because), now, state).State;

        var late = UpgradeMachine.Step(new UpgradeEvent.Tick(), now.Plus(new Duration(30_000)), state);

        Assert.True(late.State is UpgradeState.Idle or UpgradeState.Replaced or UpgradeState.Ending
            or UpgradeState.RollingBack);
        var over = UpgradeMachine.Step(new UpgradeEvent.Gone("was killed"), now, late.State);
        Assert.True(over.State is UpgradeState.Idle or UpgradeState.Replaced or UpgradeState.Ending);
    }

    [Property]
    public void A_stop_is_never_lost(Course course)
    {
        var (wanted, done) = (0, 0);
        var (state, now) = Run(course, (what, step) =>
        {
            wanted += what is UpgradeEvent.StopRequested or UpgradeEvent.NewStops ? 1 : 0;
            if (step.Effects.Any(e => e is UpgradeEffect.StopOwn or UpgradeEffect.StopNew))
                done = wanted;
        });
        var over = UpgradeMachine.Step(new UpgradeEvent.Gone("was killed"), now, state);

        Assert.True(done == wanted || over.Effects.Any(e => e is UpgradeEffect.StopOwn));
    }

    [Property]
    public void After_a_stop_no_upgrade_begins_and_none_that_had_begun_leaves_this_process_serving(Course course)
    {
        var stopped = false;
        var (state, now) = Run(course, (_, step) =>
        {
            Assert.False(stopped && step.Effects.Any(e => e is UpgradeEffect.Spawn));
            stopped |= step.Effects.Any(e => e is UpgradeEffect.StopOwn);
        });
        var over = UpgradeMachine.Step(new UpgradeEvent.Gone("was killed"), now, state);

        Assert.False(stopped && over.State is UpgradeState.Idle or UpgradeState.Starting or UpgradeState.Resting);
    }

    [Property]
    public void Whoever_the_stop_reaches_first_both_are_told_exactly_once(
        bool toTheNew, bool both, bool early)
    {
        var handing = After(Starting(), new UpgradeEvent.Ready(), new UpgradeEvent.AtRest());
        var stops = new List<UpgradeEvent>();
        if (!toTheNew || both)
            stops.Add(new UpgradeEvent.StopRequested(new()));
        if (toTheNew || both)
            stops.Add(new UpgradeEvent.NewStops(new() { ByCommand = true }));
        var settling = early
            ? After(After(handing, [.. stops]), new UpgradeEvent.Serves())
            : After(After(handing, new UpgradeEvent.Serves()), [.. stops]);

        var settled = UpgradeMachine.Step(new UpgradeEvent.Settled(), Instant.Zero, settling);

        // One that was asked itself must not get a signal as well: that would be its second, and cut its connections.
        Assert.Equal(toTheNew || both ? 0 : 1, settled.Effects.Count(e => e is UpgradeEffect.StopNew));
        Assert.Equal(toTheNew || both ? 1 : 0, settled.Effects.Count(e => e is UpgradeEffect.StopOwn));
    }

    [Property]
    public void A_new_process_that_refuses_says_why_and_nothing_else_changes(bool early)
    {
        var state = early ? Starting() : After(Starting(), new UpgradeEvent.Ready());

        var refused = UpgradeMachine.Step(new UpgradeEvent.Refused(Because), Instant.Zero, state);
        var gone = UpgradeMachine.Step(new UpgradeEvent.Gone("ended with exit code 1"), Instant.Zero, refused.State);

        Assert.Equal(!early, refused.Effects.Any(e => e is UpgradeEffect.Resume));
        Assert.Equal(
            Because, Assert.Single(gone.Effects.OfType<UpgradeEffect.Answer>()).Outcome.LeftAsEnumerable().Single());
        Assert.IsType<UpgradeState.Idle>(gone.State);
    }

    [Fact]
    public void No_more_than_eight_replaced_processes_drain_at_once()
    {
        var step = UpgradeMachine.Step(
            new UpgradeEvent.Requested(new Duration(1), UpgradeMachine.MaxDraining, false),
            Instant.Zero,
            UpgradeState.None);

        Assert.Equal(
            "upgrade_too_many", Assert.IsType<UpgradeEffect.RefuseLatest>(Assert.Single(step.Effects)).Problem.Code);
    }

    [Property]
    public void The_first_process_of_a_container_serves_on_in_place_of_a_successor_that_would_end_with_it(
        NonNegativeInt draining, PositiveInt patience)
    {
        var step = UpgradeMachine.Step(
            new UpgradeEvent.Requested(new Duration(patience.Get), draining.Get, true),
            Instant.Zero,
            UpgradeState.None);

        Assert.Equal(
            "upgrade_of_init", Assert.IsType<UpgradeEffect.RefuseLatest>(Assert.Single(step.Effects)).Problem.Code);
        Assert.IsType<UpgradeState.Idle>(step.State);
    }

    [Fact]
    public void A_stop_during_the_handover_stops_whoever_serves_in_the_end()
    {
        var handing = After(
            Starting(), new UpgradeEvent.Ready(), new UpgradeEvent.AtRest(), new UpgradeEvent.StopRequested(new()));

        var done = UpgradeMachine.Step(
            new UpgradeEvent.Settled(), Instant.Zero, After(handing, new UpgradeEvent.Serves()));
        var failed = UpgradeMachine.Step(new UpgradeEvent.Gone("was killed"), Instant.Zero, handing);

        Assert.IsType<UpgradeEffect.StopNew>(done.Effects.Last());
        Assert.IsType<UpgradeEffect.StopOwn>(failed.Effects.Last());
    }

    [Fact]
    public void A_stop_before_there_is_a_new_process_ends_the_one_that_comes()
    {
        var stopped = After(
            UpgradeState.None,
            new UpgradeEvent.Requested(new Duration(30_000), 0, false),
            new UpgradeEvent.StopRequested(new()));

        var spawned = UpgradeMachine.Step(new UpgradeEvent.Spawned(100), Instant.Zero, stopped);

        Assert.IsType<UpgradeEffect.Kill>(Assert.Single(spawned.Effects));
        Assert.IsType<UpgradeState.RollingBack>(spawned.State);
    }

    private static UpgradeState Starting() => After(
        UpgradeState.None, new UpgradeEvent.Requested(new Duration(30_000), 0, false), new UpgradeEvent.Spawned(100));

    private static UpgradeState After(UpgradeState state, params UpgradeEvent[] events) =>
        events.Aggregate(state, (s, e) => UpgradeMachine.Step(e, Instant.Zero, s).State);

    private static (UpgradeState State, Instant Now) Run(Course course, Action<UpgradeEvent, UpgradeStep> observe)
    {
        var (state, now) = (UpgradeState.None, Instant.Zero);
        foreach (var (after, what) in course.Moments)
        {
            now = now.Plus(new Duration(after));
            var step = UpgradeMachine.Step(what, now, state);
            observe(what, step);
            state = step.State;
        }

        return (state, now);
    }
}
