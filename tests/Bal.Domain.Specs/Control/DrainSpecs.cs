using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Primitives;
using Bal.Domain.Specs.Generators;
using FsCheck.Xunit;
using LanguageExt;

namespace Bal.Domain.Specs.Control;

/// <summary>
/// How bal stops (docs/behaviour.md, Drain): for <c>stop_delay_ms</c> it still accepts, then it drains for at most
/// <c>drain_timeout_ms</c>, and cuts the remaining connections evenly over the last 5 s, or the last half; a second
/// signal ends it immediately, a second command can only shorten the drain.
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

    [Property]
    public void A_drain_of_any_length_is_over_in_time_and_cuts_evenly_over_its_last_5_s_or_its_last_half(
        ushort connections, ushort timeoutMs)
    {
        var cuts = Drain(connections, [], Stopping(0, timeoutMs), Life.Stop);
        var cutting = Math.Min(5_000, timeoutMs / 2);
        var shares = Math.Max(1, cutting / 100);
        var gone = 0;

        foreach (var cut in cuts)
        {
            Assert.InRange(cut.At, timeoutMs - cutting, timeoutMs);
            gone += cut.Ended;
            var share = connections * Math.Min(1, ((cut.At - (timeoutMs - cutting)) / 100 + 1.0) / shares);
            Assert.InRange(gone, share - 1.001, share + 1.001);
        }

        Assert.Equal(connections, gone);
    }

    [Property]
    public void Clients_are_accepted_until_the_delay_is_over_and_the_drain_has_its_whole_time_after_it(
        ushort delayMs, ushort timeoutMs, Gap[] others)
    {
        var config = Stopping(delayMs + 1, timeoutMs);
        var state = ControlMachine.Start(config, Life.Birth).State.Then(Life.Birth, Life.Stop);
        var begins = Life.Birth.Plus(new(delayMs + 1));
        var between = others.Select(gap => Life.Birth.Plus(new(gap.Milliseconds))).Where(at => !begins.IsDue(at));
        foreach (var at in between.Order())
        {
            var step = ControlMachine.Step(Life.Tick, at, state);
            Assert.IsType<Phase.Delaying>(step.State.Phase);
            Assert.DoesNotContain(step.Effects, e => e is ControlEffect.StopAccepting or ControlEffect.Cut);
            state = step.State;
        }

        Assert.Equal(begins.Plus(new(timeoutMs)), state.Phase.StopsBy);
        Assert.True(ControlMachine.NextDue(state).IsDue(begins));
        var begun = ControlMachine.Step(Life.Tick, begins, state);

        Assert.Single(begun.Effects, e => e is ControlEffect.StopAccepting);
        Assert.True(timeoutMs == 0 ? begun.State.Phase is Phase.Ended : begun.State.Phase is Phase.Draining);
    }

    [Property]
    public void A_second_command_ends_nothing_at_once_and_can_only_shorten(
        bool delayed, ushort timeoutMs, ushort afterMs, uint? withinMs)
    {
        var (first, after) = (1_000 + timeoutMs, new Duration(afterMs % (500 + timeoutMs / 2)));
        var state = ControlMachine.Start(Stopping(delayed ? 70_000 : 0, first), Life.Birth).State
            .Then(Life.Birth, Life.Stop);
        var now = Life.Birth.Plus(after);
        var within = withinMs is { } ms ? new Duration(1 + ms % 200_000) : Option<Duration>.None;

        var again = state.Then(now, new ControlEvent.StopRequested { ByCommand = true, Within = within });

        var before = ((Option<Instant>)state.Phase.StopsBy).IfNone(Instant.Zero);
        var begins = delayed ? Life.Birth.Plus(new(70_000)) : now;
        var wanted = within.Match(time => Instant.Min(before, begins.Plus(time)), () => before);
        Assert.Equal(wanted, again.Phase.StopsBy);
    }

    [Fact]
    public void A_command_can_end_the_drain_at_once()
    {
        var state = ControlMachine.Start(Stopping(0, 30_000), Life.Birth).State.Then(Life.Birth, Life.Stop);

        var step = ControlMachine.Step(
            new ControlEvent.StopRequested { ByCommand = true, Within = Duration.Zero }, Life.Birth, state);

        Assert.Equal(1, Assert.Single(step.Effects.OfType<ControlEffect.Cut>()).OneOf);
        Assert.IsType<Phase.Ended>(step.State.Phase);
    }

    private sealed record CutMade(long At, int Ended);

    /// <summary>A shell of so many connections that never end by themselves, whose every tick comes so late.</summary>
    private static List<CutMade> Drain(int connections, Gap[] lateness) =>
        Drain(connections, lateness, Stopping(0, 30_000), Life.Stop);

    private static List<CutMade> Drain(int connections, Gap[] lateness, BalConfig config, ControlEvent stop)
    {
        var state = ControlMachine.Start(config, Life.Birth).State;
        var (now, open, carried) = (Life.Birth, connections, CutShare.None);
        var cuts = new List<CutMade>();
        for (var i = -1; state.Phase is not Phase.Ended; i++)
        {
            if (i >= 0)
                now = Instant.Max(now, ControlMachine.NextDue(state))
                    .Plus(new(i < lateness.Length ? lateness[i].Milliseconds : 0));
            var step = ControlMachine.Step(i < 0 ? stop : Life.Tick, now, state);
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

    private static BalConfig Stopping(long delayMs, long timeoutMs) =>
        Configs.Of(Configs.Service(Tuning.For(1), Configs.Pool[0])) with
        {
            StopDelay = new(delayMs),
            DrainTimeout = new(timeoutMs),
        };

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
