using Bal.Domain.Counting;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Counting;

/// <summary>Which connections have a line in the access log, and that none is left out of the count.</summary>
[Properties(Arbitrary = [typeof(Moments)])]
public class AccessLogSpecs
{
    private const int Loops = 3;

    [Property(MaxTest = 500)]
    public void Lines_suppressed_and_dropped_are_all_rejected_connections(Moment[] moments)
    {
        var log = new Log();
        foreach (var moment in moments)
        {
            log.Happen(moment);
            Assert.Equal(log.Rejected, log.Counts.Connections + log.Unsaid);
        }

        log.End();
        Assert.Equal(log.Rejected, log.Counts.Connections);
    }

    [Property(MaxTest = 500)]
    public void No_second_has_more_than_ten_lines_however_many_loops_reject(Moment[] moments)
    {
        var log = new Log();
        foreach (var moment in moments)
            log.Happen(moment);

        Assert.All(log.LinesAt.CountBy(at => at / 1_000), second => Assert.InRange(second.Value, 1, 10));
    }

    [Property(MaxTest = 500)]
    public void The_first_ten_of_a_second_have_a_line_of_their_own(ushort start, byte count)
    {
        var log = new Log();
        for (var i = 0; i < count; i++)
            log.Happen(new Moment(i % Loops, i == 0 ? start : 0, Drops: false));

        Assert.Equal(new AccessLogCounts(Math.Min((int)count, 10), 0, 0), log.Counts);
    }

    [Property(MaxTest = 500)]
    public void What_was_suppressed_is_told_within_the_next_second(ushort start, byte count)
    {
        var log = new Log();
        for (var i = 0; i < count; i++)
            log.Happen(new Moment(i % Loops, i == 0 ? start : 0, Drops: false));
        log.Pass(1_000);

        Assert.Equal(0, log.Unsaid);
        Assert.Equal(count, log.Counts.Connections);
    }

    [Property]
    public void A_loop_that_is_behind_takes_a_place_of_the_present_second(ushort now, ushort behind)
    {
        var quota = default(LineQuota);
        for (var i = 0; i < LineQuota.PerSecond; i++)
            quota = quota.Taken(now);

        Assert.False(quota.HasRoom(Math.Max(0, now - behind)));
        Assert.True(quota.HasRoom(LineQuota.NextRoom(now)));
    }

    [Fact]
    public void Every_rejection_before_a_queue_or_a_try_is_limited_and_nothing_else()
    {
        var limited = Enum.GetValues<TerminationReason>().Where(AccessLogRule.IsRejection);

        // Of the others of this name, the client has been in the queue, or would have been.
        Assert.Equal(
            Enum.GetValues<TerminationReason>().Where(reason =>
                ServiceCounters.Of(reason).Word.StartsWith("rejected_", StringComparison.Ordinal)
                && reason is not (TerminationReason.RejectedQueueFull or TerminationReason.RejectedQueueTimeout)),
            limited);
    }

    /// <summary>One rejection.</summary>
    /// <param name="Loop">Of which loop.</param>
    /// <param name="After">Milliseconds after the one before.</param>
    /// <param name="Drops">Whether a line finds no room at this moment.</param>
    public sealed record Moment(int Loop, int After, bool Drops);

    public static class Moments
    {
        public static Arbitrary<Moment> Any() => Arb.From(
            from loop in Gen.Choose(0, Loops - 1)
            from after in Gen.Frequency((20, Gen.Constant(0)), (3, Gen.Choose(0, 50)), (1, Gen.Choose(0, 3_000)))
            from drops in Gen.Frequency((9, Gen.Constant(false)), (1, Gen.Constant(true)))
            select new Moment(loop, after, drops));
    }

    /// <summary>What the event loops do with these rules, one after the other.</summary>
    private sealed class Log
    {
        private readonly RejectionTally[] tallies = new RejectionTally[Loops];
        private LineQuota quota;
        private long now;
        private bool drops;

        public long Rejected { get; private set; }

        public AccessLogCounts Counts { get; private set; } = AccessLogCounts.None;

        public List<long> LinesAt { get; } = [];

        public long Unsaid => tallies.Sum(tally => tally.Unsaid);

        public void Happen(Moment moment)
        {
            Pass(moment.After);
            drops = moment.Drops;
            Rejected++;
            tallies[moment.Loop] = tallies[moment.Loop].Rejected();
            SayIfRoom(moment.Loop);
        }

        public void Pass(int milliseconds)
        {
            for (var until = now + milliseconds; now < until;)
            {
                now = Math.Min(until, LineQuota.NextRoom(now));
                if (now % 1_000 == 0)
                    Array.ForEach([.. Enumerable.Range(0, Loops)], SayIfRoom);
            }
        }

        public void End()
        {
            for (var loop = 0; loop < Loops; loop++)
            {
                if (tallies[loop].Holds)
                    Say(loop);
            }
        }

        private void SayIfRoom(int loop)
        {
            if (!tallies[loop].Holds || !quota.HasRoom(now))
                return;
            quota = quota.Taken(now);
            Say(loop);
        }

        private void Say(int loop)
        {
            Counts = Counts.Plus(drops
                ? new(0, 0, tallies[loop].Unsaid)
                : new(1, tallies[loop].Suppressed, 0));
            LinesAt.Add(now);
            tallies[loop] = RejectionTally.None;
        }
    }
}
