using Bal.Domain.Backend;
using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Specs.Generators;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Control;

/// <summary>
/// Whose failure it was (docs/behaviour.md, Health): what this machine lacks is said and not held against a backend,
/// what keeps it from reaching one is, and what leads to bal itself is neither probed nor used.
/// </summary>
[Properties(Arbitrary = [typeof(Values), typeof(Configs)])]
public class WhoseFailureSpecs
{
    private static readonly Instant Now = Life.Birth;

    [Property]
    public void A_probe_that_could_not_be_made_changes_nothing_of_a_backend_that_was_reached(Tuning tuning)
    {
        var before = Started(tuning, Life.ProbePassed(1)).Then(Later(tuning, 1), Life.Tick);

        var after = before.Then(Later(tuning, 1), Life.ProbeFailed(1, FailureKind.Local));

        var (was, is_) = (before.Backend(1), after.Backend(1));
        Assert.Equal((was.Health, was.Cooldown, was.Failures), (is_.Health, is_.Cooldown, is_.Failures));
        Assert.Equal(1, is_.Probe.NotMade);
        Assert.Equal(0, after.Then(Later(tuning, 2), Life.Tick, Life.ProbePassed(1)).Backend(1).Probe.NotMade);
    }

    [Property]
    public void Probes_that_could_not_be_made_are_said_at_most_once_a_second_and_none_is_left_out(
        Tuning tuning, Gap[] gaps)
    {
        var (state, now) = (Started(tuning, Life.ProbePassed(1)), Now);
        var said = new List<(long At, long Count)>();
        void Step(ControlEvent what)
        {
            var step = ControlMachine.Step(what, now, state);
            said.AddRange(step.Effects.OfType<ControlEffect.Log>().Where(log => log.Line.Event == "probes_not_made")
                .Select(log => (now.Milliseconds, Number(log.Line, "not_made"))));
            state = step.State;
        }

        foreach (var gap in gaps)
        {
            now = now.Plus(tuning.Health.Interval).Plus(new(gap.Milliseconds));
            Step(Life.Tick);
            Step(Life.ProbeFailed(1, FailureKind.Local));
        }

        now = now.Plus(new(1_000));
        Step(Life.Tick);
        Assert.Equal(gaps.Length, said.Sum(line => line.Count));
        Assert.All(said.Zip(said.Skip(1)), pair => Assert.True(pair.Item2.At - pair.Item1.At >= 1_000));
    }

    [Property]
    public void What_cannot_be_reached_from_here_is_held_against_a_backend_with_its_reason(
        Tuning tuning, bool permitted, bool client)
    {
        var kind = permitted ? FailureKind.NoRoute : FailureKind.NotPermitted;
        var reached = Started(tuning, Life.ProbePassed(1));
        var state = client
            ? reached.Then(Now, Life.ConnectsFailed(1, tuning.Health.FailThreshold, kind))
            : Enumerable.Range(1, tuning.Health.FailThreshold).Aggregate(reached, (s, i) =>
                s.Then(Later(tuning, i), Life.Tick, Life.ProbeFailed(1, kind)));

        Assert.False(state.Backend(1).Health.Up);
        Assert.Equal(new FailureCounters(0, 0, tuning.Health.FailThreshold), state.Backend(1).Failures);
        Assert.Equal(kind, Assert.IsType<Domain.History.BackendHappening.Failed>(
            state.Backend(1).History.LastFailure().Match(entry => entry.What, () => null!)).Kind);
    }

    [Property]
    public void A_backend_that_leads_to_bal_itself_is_offered_to_nobody_and_said_once(Tuning tuning, bool reached)
    {
        var before = reached ? Started(tuning, Life.ProbePassed(1)).Then(Later(tuning, 1), Life.Tick) : Started(tuning);

        var step = ControlMachine.Step(Life.ProbeFailed(1, FailureKind.OwnListener), Later(tuning, 1), before);

        Assert.DoesNotContain(Routes(step.State), route => route.Id == new BackendId(1));
        Assert.Contains(step.Effects, effect => effect is ControlEffect.Publish);
        var line = Assert.Single(step.Effects.OfType<ControlEffect.Log>()).Line;
        Assert.Equal((LogLevel.Error, "backend_is_own_listener"), (line.Level, line.Event));
        var again = ControlMachine.Step(
            Life.ProbeFailed(1, FailureKind.OwnListener), Later(tuning, 2),
            step.State.Then(Later(tuning, 2), Life.Tick));
        Assert.DoesNotContain(again.Effects, e => e is ControlEffect.Log { Line.Level: > LogLevel.Debug });
    }

    [Property]
    public void It_is_offered_again_as_soon_as_a_probe_finds_something_else(Tuning tuning, Evidence failure)
    {
        var own = Started(tuning, Life.ProbeFailed(1, FailureKind.OwnListener)).Then(Later(tuning, 1), Life.Tick);

        var failed = own.Then(Later(tuning, 1), Life.ProbeFailed(1, failure.Kind));
        var passed = own.Then(Later(tuning, 1), Life.ProbePassed(1));

        Assert.Contains(failed.InOrder[0].Table.Down, route => route.Id == new BackendId(1));
        Assert.Contains(passed.InOrder[0].Table.Up, route => route.Id == new BackendId(1));
    }

    private static ControlState Started(Tuning tuning, params ControlEvent[] first) => Life.At(
        Now, Configs.Of(Configs.Service(tuning, Configs.Pool[0])), [Life.Tick, .. first]);

    private static Instant Later(Tuning tuning, int intervals) =>
        Now.Plus(new(tuning.Health.Interval.Milliseconds * intervals));

    private static IEnumerable<Route> Routes(ControlState state) => state.InOrder[0].Table.Routes();

    private static long Number(LogEvent line, string name) =>
        ((LogValue.Number)line.Fields.Find(field => field.Name == name).Match(f => f.Value, () => null!)).Value;
}
