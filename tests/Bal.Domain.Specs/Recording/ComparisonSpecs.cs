using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Replay;
using Bal.Domain.Specs.Control;
using Bal.Domain.Specs.Generators;
using FsCheck.Xunit;
using LanguageExt;
using Evidence = Bal.Domain.Replay.Evidence;

namespace Bal.Domain.Specs.Recording;

/// <summary>What another configuration would have decided, and on what evidence.</summary>
[Properties(Arbitrary = [typeof(Values), typeof(Configs), typeof(Scenarios)])]
public class ComparisonSpecs
{
    [Property]
    public void The_same_configuration_decides_the_same(Scenario life)
    {
        var scenario = WithoutReloads(life);

        var (state, entries) = Recordings.Compare(scenario, scenario.Config);

        Assert.Equal("", state.FirstDivergence.Match(p => string.Join("; ", p.Differences), () => ""));
        Assert.Equal(Duration.Zero, state.Apart);
        Assert.Equal(0, state.Evidence.Modelled);
        Assert.All(entries, e => Assert.Equal(Side.Both, e.Side));
        Assert.All(state.Changes.Values, c => Assert.Equal(c.Recorded, c.Other));
    }

    [Property(MaxTest = 40)]
    public void Every_recorded_outcome_is_observed_modelled_or_left_out_and_counted_once(Scenario life, BalConfig other)
    {
        var (state, _) = Recordings.Compare(life, other);
        var outcomes = 0;
        Life.Of(life, o =>
        {
            var known = o.Before.Backends().ToArray();
            outcomes += o.Happened switch
            {
                ControlEvent.ProbeEnded e => known.Count(b => b.Id == e.Backend && b.Probe.InFlight),
                ControlEvent.ConnectsFailed e => known.Count(b => b.Id == e.Backend),
                ControlEvent.ConnectsSucceeded e => known.Count(b => b.Id == e.Backend),
                ControlEvent.ClientExhausted e => o.Before.InOrder.Count(s => s.Id == e.Service),
                ControlEvent.ClientsRefused e => o.Before.InOrder.Count(s => s.Id == e.Service),
                ControlEvent.ConnectionsSilenced e => o.Before.InOrder.Count(s => s.Id == e.Service),
                ControlEvent.Reloaded => 1,
                _ => 0,
            };
        });

        var evidence = state.Evidence;
        Assert.Equal(
            outcomes,
            evidence.Observed + evidence.Modelled - evidence.Of(Evidence.ProbeNeverMade) + evidence.LeftOut);
    }

    [Property(MaxTest = 40)]
    public void What_happened_to_backends_that_it_lacks_is_left_out(Scenario life)
    {
        var elsewhere = Configs.Of(Configs.Service(life.Config.Main.Tuning, Configs.At("10.9.9.9", 1)));

        var (state, entries) = Recordings.Compare(WithoutReloads(life), elsewhere);

        Assert.Equal(0, state.Evidence.Of(Evidence.ProbeAtAnotherTime));
        Assert.Contains(Configs.At("10.9.9.9", 1), state.Unobserved);
        Assert.DoesNotContain(entries, e => e.Side == Side.Other && e.Line.Event is "backend_down" or "backend_up"
            && e.Line.Message.Contains("10.9.9.9", StringComparison.Ordinal));
    }

    [Property(MaxTest = 40)]
    public void Time_apart_is_part_of_the_time_that_was_covered(Scenario life, BalConfig other)
    {
        var (state, _) = Recordings.Compare(life, other);

        Assert.InRange(state.Apart.Milliseconds, 0, life.Moments.Sum(m => m.AfterMs));
        Assert.True(state.FirstDivergence.IsSome || state.Apart == Duration.Zero);
    }

    [Property(MaxTest = 40)]
    public void The_timeline_is_in_the_order_of_time(Scenario life, BalConfig other)
    {
        var (_, entries) = Recordings.Compare(life, other);

        Assert.Equal(entries.Select(e => e.At.Milliseconds).Order(), entries.Select(e => e.At.Milliseconds));
    }

    [Fact]
    public void A_lower_threshold_parts_at_the_failure_that_is_enough_for_it()
    {
        var config = Configs.Of(Configs.Service(Tuning.For(1), Configs.Pool[0], Configs.Pool[1]));
        var stricter = Recordings.With(config, t => t with { Health = t.Health with { FailThreshold = 1 } });
        var scenario = new Scenario(config, Prelude.Array(
            new Moment(0, Life.Tick), new Moment(1, Life.ProbePassed(1)), new Moment(0, Life.ProbePassed(2)),
            new Moment(500, Life.Tick), new Moment(1, Life.ProbeFailed(1)), new Moment(0, Life.ProbePassed(2)),
            new Moment(500, Life.Tick), new Moment(1, Life.ProbeFailed(1)), new Moment(0, Life.ProbePassed(2))));

        var (state, entries) = Recordings.Compare(scenario, stricter);

        var first = state.FirstDivergence.Match(p => p, () => throw new InvalidOperationException());
        Assert.Equal(Life.Birth.Plus(new(502)), first.At);
        Assert.Equal(5, first.Sequence);
        Assert.Equal(
            $"backend {Configs.Pool[0]} is up as recorded, down with the new configuration",
            Assert.Single(first.Differences));
        Assert.Equal(new Duration(501), state.Apart);
        Assert.Equal((6, 0, 0), (state.Evidence.Observed, state.Evidence.Modelled, state.Evidence.LeftOut));
        Assert.Equal(new[] { Side.Other, Side.Recorded }, entries.Select(e => e.Side));
        Assert.Equal(new ChangeCount(1, 1), state.Changes["backend_down"]);
    }

    [Fact]
    public void Probes_that_a_shorter_interval_would_have_made_are_modelled_after_the_last_recorded_one()
    {
        var config = Configs.Of(Configs.Service(Tuning.For(1), Configs.Pool[0]));
        var eager = Recordings.With(config, t => t with { Health = t.Health with { Interval = new(100) } });
        var scenario = new Scenario(config, Prelude.Array(
            new Moment(0, Life.Tick), new Moment(1, Life.ProbePassed(1)),
            new Moment(499, Life.Tick), new Moment(1, Life.ProbePassed(1))));

        var (state, _) = Recordings.Compare(scenario, eager);

        // At 100, 200, 300 and 400 ms; that at 500 ms coincides with the recorded one.
        Assert.Equal(4, state.Evidence.Of(Evidence.ProbeNeverMade));
        Assert.Equal(2, state.Evidence.Observed);
        Assert.True(state.FirstDivergence.IsNone);
    }

    [Fact]
    public void Recorded_probes_that_a_longer_interval_would_not_have_made_are_left_out()
    {
        var config = Configs.Of(Configs.Service(Tuning.For(1), Configs.Pool[0]));
        var lazy = Recordings.With(config, t => t with { Health = t.Health with { Interval = new(10_000) } });
        var scenario = new Scenario(config, Prelude.Array(
            new Moment(0, Life.Tick), new Moment(1, Life.ProbePassed(1)),
            new Moment(499, Life.Tick), new Moment(1, Life.ProbePassed(1))));

        var (state, _) = Recordings.Compare(scenario, lazy);

        Assert.Equal(1, state.Evidence.Of(Evidence.ProbeNotAskedFor));
        Assert.Equal(1, state.Evidence.Observed);
    }

    [Fact]
    public void A_change_that_comes_at_another_time_is_another_change()
    {
        var config = Configs.Of(Configs.Service(Tuning.For(1), Configs.Named("db.internal", 1)));
        var eager = Recordings.With(config, t => t with { Health = t.Health with { Interval = new(100) } });
        // A name that does not resolve fails its first check: after 500 ms, or after 100.
        var scenario = new Scenario(config, Prelude.Array(
            new Moment(0, Life.Tick),
            new Moment(1, new ControlEvent.Resolved("db.internal", Arr<System.Net.IPAddress>.Empty)),
            new Moment(499, Life.Tick)));

        var (_, entries) = Recordings.Compare(scenario, eager);

        Assert.Equal(
            new[] { (Side.Other, Life.Birth.Plus(new(100))), (Side.Recorded, Life.Birth.Plus(new(500))) },
            entries.Where(e => e.Line.Event == "backend_down").Select(e => (e.Side, e.At)));
    }

    private static Scenario WithoutReloads(Scenario life) =>
        life with { Moments = life.Moments.Filter(m => m.What is not ControlEvent.Reloaded) };
}
