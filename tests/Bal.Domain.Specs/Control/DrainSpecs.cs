using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Primitives;
using Bal.Domain.Specs.Generators;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Control;

/// <summary>
/// How bal stops (docs/behaviour.md, Drain): it drains for at most 30 s, and cuts the remaining connections evenly over
/// the last 5 s; asked a second time it exits immediately.
/// </summary>
[Properties(Arbitrary = [typeof(Values), typeof(Configs), typeof(Scenarios)])]
public class DrainSpecs
{
    [Property]
    public void The_first_stop_only_stops_accepting(Scenario scenario)
    {
        var step = ControlMachine.Step(Life.Stop, Life.Birth, ControlMachine.Start(scenario.Config, Life.Birth).State);

        Assert.IsType<ControlEffect.StopAccepting>(Assert.Single(step.Effects, e => e is not ControlEffect.Log));
        Assert.IsType<Phase.Draining>(step.State.Phase);
    }

    [Property]
    public void The_second_stop_ends_at_once(Scenario scenario, Gap between) =>
        EndsAtOnce(scenario, between, Life.Stop);

    [Property]
    public void The_drain_ends_as_soon_as_no_connection_is_open(Scenario scenario, Gap between) =>
        EndsAtOnce(scenario, between, Life.AllIdle);

    [Property]
    public void That_no_connection_is_open_ends_nothing_while_bal_serves(Scenario scenario)
    {
        var start = ControlMachine.Start(scenario.Config, Life.Birth).State;

        Assert.Equal(start, ControlMachine.Step(Life.AllIdle, Life.Birth, start).State);
    }

    [Property]
    public void It_exits_once_and_only_after_it_was_asked_to_stop(Scenario scenario)
    {
        var (stops, exits) = (0, 0);
        Life.Of(scenario, o =>
        {
            stops += o.Happened is ControlEvent.StopRequested ? 1 : 0;
            exits += o.Effects<ControlEffect.Exit>().Count();
            Assert.True(exits <= (stops > 0 ? 1 : 0));
            Assert.Equal(exits > 0, o.After.State.Phase is Phase.Ended);
        });
    }

    [Property]
    public void Once_ended_nothing_happens_any_more(Scenario scenario, ControlEvent happened, Gap later)
    {
        var ended = Life.Of(scenario, _ => { }).Then(new Instant(10_000_000), Life.Stop, Life.Stop);

        var step = ControlMachine.Step(happened, new Instant(10_000_000 + later.Milliseconds), ended);

        Assert.Equal(ended, step.State);
        Assert.Empty(step.Effects);
    }

    [Property]
    public void Whatever_else_happens_the_drain_ends_within_30_s(Scenario scenario)
    {
        var begin = new Instant(10_000_000);
        var moments = scenario.Moments.Filter(m => !Stops(m.What)).Map(m =>
            m.What is ControlEvent.Reloaded e ? m with { What = new ControlEvent.Reloaded(Slow(e.Config)) } : m);
        var state = Life.Of(new Scenario(Slow(scenario.Config), moments), _ => { }).Then(begin, Life.Stop);
        var others = moments.GetEnumerator();
        var (now, steps) = (begin, 0);
        while (state.Phase is not Phase.Ended)
        {
            Assert.True(steps++ < 10_000, "it makes no progress");
            var due = Instant.Max(now, ControlMachine.NextDue(state));
            now = others.MoveNext() ? Instant.Min(now.Plus(new(others.Current.AfterMs)), due) : due;
            state = now == due ? state.Then(now, Life.Tick) : state.Then(now, others.Current.What);
            Assert.InRange(now.Since(begin).Milliseconds, 0, 30_000);
        }
    }

    [Property]
    public void Nothing_is_cut_in_the_first_25_s(ushort connections)
    {
        var cuts = Drain(connections, []);

        Assert.All(cuts, cut => Assert.InRange(cut.At, 25_000, 30_000));
    }

    [Property]
    public void What_is_left_is_cut_evenly_over_the_last_5_s(ushort connections)
    {
        var gone = 0;
        foreach (var cut in Drain(connections, []))
        {
            gone += cut.Ended;
            // 50 shares, the first at 25.0 s and the last at 29.9 s.
            var share = connections * ((cut.At - 25_000) / 100 + 1) / 50.0;
            Assert.InRange(gone, share - 1.001, share + 1.001);
        }

        Assert.Equal(connections, gone);
    }

    [Property]
    public void Ticks_that_come_late_leave_nothing_open(ushort connections, Gap[] lateness) =>
        Assert.Equal(connections, Drain(connections, lateness).Sum(cut => cut.Ended));

    private sealed record CutMade(long At, int Ended);

    /// <summary>A shell of so many connections that never end by themselves, whose every tick comes so late.</summary>
    private static List<CutMade> Drain(int connections, Gap[] lateness)
    {
        var start = ControlMachine.Start(Configs.Of(Configs.Service(Tuning.For(1), Configs.Pool[0])), Life.Birth);
        var state = start.State.Then(Life.Birth, Life.Stop);
        var (now, open, carried) = (Life.Birth, connections, CutShare.None);
        var cuts = new List<CutMade>();
        for (var i = 0; state.Phase is not Phase.Ended; i++)
        {
            now = Instant.Max(now, ControlMachine.NextDue(state))
                .Plus(new(i < lateness.Length ? lateness[i].Milliseconds : 0));
            var step = ControlMachine.Step(Life.Tick, now, state);
            Assert.True(i < 10_000, "it makes no progress");
            state = step.State;
            foreach (var cut in step.Effects.OfType<ControlEffect.Cut>())
            {
                var share = CutShares.Next(cut.OneOf, open, carried);
                carried = share.Carried;
                open -= share.Cut;
                Assert.True(open >= 0);
                cuts.Add(new CutMade(now.Since(Life.Birth).Milliseconds, share.Cut));
            }
        }

        return cuts;
    }

    private static void EndsAtOnce(Scenario scenario, Gap between, ControlEvent happened)
    {
        var draining = ControlMachine.Start(scenario.Config, Life.Birth).State.Then(Life.Birth, Life.Stop);

        var step = ControlMachine.Step(happened, Life.Birth.Plus(new(between.Milliseconds)), draining);

        Assert.IsType<Phase.Ended>(step.State.Phase);
        Assert.IsType<ControlEffect.Exit>(Assert.Single(step.Effects, e => e is not ControlEffect.Log));
    }

    // A probe every millisecond would only make 30 s long.
    private static BalConfig Slow(BalConfig config) => config with
    {
        Services = config.Services.Map(s => s with
        {
            Tuning = s.Tuning with { Health = s.Tuning.Health with { Interval = new(500) } },
        }),
    };

    private static bool Stops(ControlEvent what) => what is ControlEvent.StopRequested or ControlEvent.AllIdle;
}
