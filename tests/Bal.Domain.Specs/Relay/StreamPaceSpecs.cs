using Bal.Domain.Relay;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Relay;

/// <summary>
/// A read of a stream: how long after the one before, how many bytes, and whether an event or a look led to it.
/// </summary>
public sealed record StreamRead(int AfterMs, int Bytes, bool IsLook);

/// <summary>
/// Which streams gather: the kernel wakes the loop for them only when many bytes wait. That may never hold up the bytes
/// of whoever sends little.
/// </summary>
[Properties(Arbitrary = [typeof(StreamPaceSpecs)])]
public class StreamPaceSpecs
{
    private static readonly GatherRule Rule = GatherRule.Standard;

    public static Arbitrary<StreamRead> Reads() => Arb.From(
        from after in Gen.Frequency((5, Gen.Constant(0)), (5, Gen.Choose(1, 4)), (1, Gen.Choose(5, 200)))
        from bytes in Gen.Frequency(
            (1, Gen.Constant(0)), (3, Gen.Choose(1, 64 * 1024)), (5, Gen.Choose(64 * 1024, 2 * 1024 * 1024)))
        from look in Gen.Frequency((3, Gen.Constant(false)), (1, Gen.Constant(true)))
        select new StreamRead(after, bytes, look));

    [Property(MaxTest = 500)]
    public void A_stream_gathers_only_after_a_window_at_full_speed(StreamRead[] reads, ushort start)
    {
        var (pace, now) = (StreamPace.Begin(Rule, start), (long)start);
        var (windowStart, inWindow) = (now, 0L);
        foreach (var read in reads)
        {
            now += read.AfterMs;
            inWindow += read.Bytes;
            var before = pace;
            pace = Apply(pace, now, read);
            if (pace.Gathers && !before.Gathers)
            {
                Assert.True(now - windowStart >= Rule.WindowMs, "not before a whole window has passed");
                Assert.True(inWindow >= (now - windowStart) * Rule.FastBytesPerMs, "not below the rate of the window");
            }

            if (pace.WindowStart == now && pace.WindowStart != before.WindowStart)
                (windowStart, inWindow) = (now, 0);
        }
    }

    [Property(MaxTest = 500)]
    public void What_has_been_read_is_never_miscounted(StreamRead[] reads)
    {
        var (pace, now) = (StreamPace.Begin(Rule, 0), 0L);
        foreach (var read in reads)
            pace = Apply(pace, now += read.AfterMs, read);

        Assert.Equal(reads.Sum(r => (long)r.Bytes), pace.Total);
        Assert.Equal(now, pace.Last);
    }

    [Property]
    public void Two_looks_in_a_row_that_find_a_little_end_the_gathering(StreamRead[] reads, ushort first, ushort second)
    {
        var (pace, now) = Gathering(reads);

        var once = pace.Looked(now + 2, 1 + first % (Rule.LowWater - 1));
        var twice = once.Looked(now + 4, 1 + second % (Rule.LowWater - 1));

        Assert.True(once.Gathers, "one may be the end of a message, or the machine's own pause");
        Assert.False(twice.Gathers);
    }

    [Property]
    public void An_event_between_two_looks_shows_that_the_stream_still_runs(StreamRead[] reads, ushort little)
    {
        var (pace, now) = Gathering(reads);

        pace = pace.Looked(now + 2, 1 + little).Took(now + 3, Rule.LowWater).Looked(now + 5, 1 + little);

        Assert.True(pace.Gathers);
    }

    [Property]
    public void A_look_that_finds_a_whole_portion_shows_it_too(StreamRead[] reads, ushort little, ushort more)
    {
        var (pace, now) = Gathering(reads);

        pace = pace.Looked(now + 2, 1 + little).Looked(now + 4, Rule.LowWater + more).Looked(now + 6, 1 + little);

        Assert.True(pace.Gathers);
    }

    [Property]
    public void Looks_that_find_nothing_leave_it_to_the_window(StreamRead[] reads, ushort little)
    {
        var (pace, now) = Gathering(reads);
        pace = pace.Looked(now + 1, 1 + little);
        for (var looks = 0; looks < 10; looks++)
            pace = pace.Looked(now + 2 + looks, 0);

        Assert.True(pace.Gathers);
        Assert.False(pace.Looked(now + 20, 1 + little).Gathers, "nothing found is no sign of speed, either");
    }

    [Property]
    public void Bytes_of_before_do_not_make_a_stream_fast_again(StreamRead[] reads, ushort little)
    {
        var (pace, now) = Gathering(reads);
        pace = pace.Looked(now + 2, 1).Looked(now + 4, 1);

        pace = pace.Took(now + 4 + Rule.WindowMs, 1 + little);

        Assert.False(pace.Gathers);
    }

    [Property]
    public void The_socket_of_a_gathering_stream_is_looked_at_once_a_moment_has_passed(StreamRead[] reads, byte later)
    {
        var (pace, now) = Gathering(reads);

        Assert.Equal(later % 5 >= Rule.LookMs, pace.IsLookDue(now + later % 5));
    }

    [Property]
    public void A_stream_that_pauses_stops_gathering_with_the_window(StreamRead[] reads)
    {
        var (pace, now) = Gathering(reads);
        var end = now + 2 * Rule.WindowMs;
        for (; now <= end && pace.Gathers; now += Rule.LookMs)
        {
            if (pace.IsLookDue(now))
                pace = pace.Looked(now, 0);
        }

        Assert.False(pace.Gathers);
    }

    [Property]
    public void A_slow_stream_stops_gathering_with_the_window_however_its_bytes_come(byte every, ushort bytes)
    {
        var gap = 1 + every % 20;
        var portion = 1 + (int)(bytes % (Rule.FastBytesPerMs * gap - 1));
        var (pace, now) = Gathering([]);
        var end = now + Rule.WindowMs + gap;
        while (now <= end)
            pace = pace.Took(now += gap, portion);

        Assert.False(pace.Gathers);
    }

    [Property(MaxTest = 500)]
    public void A_look_is_due_only_while_gathering_and_only_after_a_moment_without_a_read(
        StreamRead[] reads, byte later)
    {
        var (pace, now) = (StreamPace.Begin(Rule, 0), 0L);
        foreach (var read in reads)
            pace = Apply(pace, now += read.AfterMs, read);

        Assert.Equal(pace.Gathers && later >= Rule.LookMs, pace.IsLookDue(now + later));
    }

    [Fact]
    public void A_link_of_one_gigabit_never_gathers()
    {
        var (pace, now) = (StreamPace.Begin(Rule, 0), 0L);
        for (var ms = 0; ms < 10_000; ms++)
        {
            pace = pace.Took(++now, 125_000);
            Assert.False(pace.Gathers);
        }
    }

    private static StreamPace Apply(StreamPace pace, long now, StreamRead read) =>
        read.IsLook ? pace.Looked(now, read.Bytes) : pace.Took(now, read.Bytes);

    /// <summary>A stream with any past that gathers now, at the beginning of a window.</summary>
    private static (StreamPace Pace, long Now) Gathering(StreamRead[] past)
    {
        var (pace, now) = (StreamPace.Begin(Rule, 0), 0L);
        foreach (var read in past)
            pace = Apply(pace, now += read.AfterMs, read);
        now += 200;
        pace = pace.Took(now, 0);
        now += Rule.WindowMs;
        pace = pace.Took(now, Rule.WindowMs * Rule.FastBytesPerMs);
        Assert.True(pace.Gathers);
        return (pace, now);
    }
}
