using Bal.Domain.Admission;
using Bal.Domain.Primitives;
using Bal.Domain.Specs.Generators;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Admission;

/// <summary>Rejected connections are counted, and logged at most once a second (docs/behaviour.md, Limits).</summary>
[Properties(Arbitrary = [typeof(Values)])]
public class OverloadSpecs
{
    [Property]
    public void The_first_rejection_is_said_at_once(Count rejected, Instant now)
    {
        var step = NoticeRule.Step(rejected.Value, now, Notice.None);

        Assert.Equal(rejected.Value, step.Say);
        Assert.Equal(Instant.Never, step.State.DueAt);
    }

    [Property]
    public void It_is_said_at_most_once_a_second((Gap Gap, byte More)[] moments)
    {
        var said = new List<long>();
        Play(moments, (now, step) =>
        {
            if (step.Say > 0)
                said.Add(now.Milliseconds);
        });

        Assert.All(said.Zip(said.Skip(1)), pair => Assert.True(pair.Item2 - pair.Item1 >= 1_000));
    }

    [Property]
    public void No_rejection_is_ever_lost_or_said_twice((Gap Gap, byte More)[] moments)
    {
        var said = 0L;
        var (total, last) = Play(moments, (_, step) => said += step.Say);

        // What is unsaid is said when it is due, with nothing else having to happen.
        if (last.DueAt != Instant.Never)
            said += NoticeRule.Step(last.Seen, last.DueAt, last).Say;
        Assert.Equal(total, said);
    }

    [Property]
    public void Nothing_is_said_where_nothing_is_new(Count rejected, Gap later)
    {
        var state = NoticeRule.Step(rejected.Value, Instant.Zero, Notice.None).State;

        var step = NoticeRule.Step(rejected.Value, new Instant(later.Milliseconds), state);

        Assert.Equal(0, step.Say);
        Assert.Equal(state, step.State);
    }

    [Property]
    public void A_total_that_arrives_late_takes_nothing_back(Count a, Count b)
    {
        var state = NoticeRule.Step(Math.Max(a.Value, b.Value), Instant.Zero, Notice.None).State;

        Assert.Equal(state, NoticeRule.Step(Math.Min(a.Value, b.Value), new Instant(5_000), state).State);
    }

    [Property]
    public void It_is_due_one_second_after_the_last_time_while_something_is_unsaid(Count rejected)
    {
        var state = NoticeRule.Step(rejected.Value, new Instant(70), Notice.None).State;

        var silent = NoticeRule.Step(rejected.Value + 1L, new Instant(1_069), state);
        Assert.Equal(0, silent.Say);
        Assert.Equal(new Instant(1_070), silent.State.DueAt);
        Assert.Equal(1, NoticeRule.Step(rejected.Value + 1L, new Instant(1_070), silent.State).Say);
    }

    private static (long Total, Notice Last) Play(
        (Gap Gap, byte More)[] moments, Action<Instant, NoticeStep> observe)
    {
        var state = Notice.None;
        var (now, total) = (Instant.Zero, 0L);
        foreach (var (gap, more) in moments)
        {
            now = now.Plus(new Duration(gap.Milliseconds));
            total += more;
            var step = NoticeRule.Step(total, now, state);
            observe(now, step);
            state = step.State;
        }

        return (total, state);
    }
}
