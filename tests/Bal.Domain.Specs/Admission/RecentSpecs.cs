using Bal.Domain.Admission;
using Bal.Domain.Primitives;
using Bal.Domain.Specs.Generators;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Admission;

/// <summary>How often something happened in the last minute, and why a client was not served.</summary>
[Properties(Arbitrary = [typeof(Values)])]
public class RecentSpecs
{
    [Property(MaxTest = 500)]
    public void The_last_minute_counts_what_a_list_of_everything_would_to_the_second(
        (ushort Gap, byte Count)[] moments, ushort later)
    {
        var (recent, all, now) = Play(moments);
        now = now.Plus(new Duration(later));

        var counted = recent.Within(now);

        Assert.InRange(counted, Since(all, now, 59_000), Since(all, now, 60_000));
    }

    [Property(MaxTest = 500)]
    public void It_never_keeps_more_than_a_mark_a_second((ushort Gap, byte Count)[] moments) =>
        Assert.InRange(Play([.. moments, .. moments, .. moments]).Recent.Marks.Count, 0, Recent.MaxMarks);

    [Property]
    public void After_a_minute_of_nothing_nothing_is_left((ushort Gap, byte Count)[] moments)
    {
        var (recent, _, now) = Play(moments);

        Assert.Equal(0, recent.Within(now.Plus(Recent.Span)));
    }

    [Property]
    public void A_notice_counts_in_its_last_minute_exactly_what_is_new_to_it(Count first, Count second)
    {
        var one = NoticeRule.Step(first.Value, Instant.Zero, Notice.None).State;
        var two = NoticeRule.Step(second.Value, new Instant(30_000), one).State;

        Assert.Equal(Math.Max(first.Value, second.Value), two.Recent.Within(new Instant(30_000)));
        Assert.Equal(
            Math.Max(0, second.Value - first.Value), two.Recent.Within(new Instant(60_000)));
    }

    [Property]
    public void Of_several_reasons_the_same_is_told_in_whatever_order_they_came(Refusal a, Refusal b, Refusal c)
    {
        if (!Attempts.Contains(a) || !Attempts.Contains(b) || !Attempts.Contains(c))
            return;
        var told = Refusals.MoreTelling(Refusals.MoreTelling(a, b), c);

        Assert.Equal(told, Refusals.MoreTelling(Refusals.MoreTelling(c, b), a));
        Assert.Equal(told, Refusals.MoreTelling(told, told));
        Assert.Contains(told, new[] { a, b, c });
    }

    [Fact]
    public void A_resource_that_is_used_up_explains_more_than_a_backend_that_failed() => Assert.All(
        Attempts.Except([Refusal.NoRoute, Refusal.BackendsUnavailable]),
        local => Assert.Equal(local, Refusals.MoreTelling(Refusal.BackendsUnavailable, local)));

    public static Arbitrary<Refusal> AnyRefusal() => Gen.Elements(Enum.GetValues<Refusal>()).ToArbitrary();

    private static readonly Refusal[] Attempts =
        [.. Enum.GetValues<Refusal>().Except(
            [Refusal.Limit, Refusal.AcceptFailed, Refusal.Denied, Refusal.QueueFull, Refusal.QueueTimeout,
                Refusal.ClientLimit, Refusal.ClientRate, Refusal.ProxyHeader, Refusal.ServerName])];

    private static (Recent Recent, List<(Instant At, long Count)> All, Instant Now) Play(
        (ushort Gap, byte Count)[] moments)
    {
        var (recent, all, now) = (Recent.Nothing, new List<(Instant, long)>(), Instant.Zero);
        foreach (var (gap, count) in moments)
        {
            now = now.Plus(new Duration(gap));
            recent = recent.Add(count, now);
            all.Add((now, count));
        }

        return (recent, all, now);
    }

    private static long Since(List<(Instant At, long Count)> all, Instant now, long ms) =>
        all.Where(one => now.Since(one.At).Milliseconds < ms).Sum(one => one.Count);
}
