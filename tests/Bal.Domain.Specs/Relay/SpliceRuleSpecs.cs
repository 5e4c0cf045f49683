using Bal.Domain.Relay;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Relay;

/// <summary>A read of a direction: how many bytes, and whether some of them could not be sent on.</summary>
public sealed record RelayedRead(int Bytes, bool HasUnsent);

/// <summary>When a direction changes from copying to splicing and back.</summary>
[Properties(Arbitrary = [typeof(SpliceRuleSpecs)], MaxTest = 500)]
public class SpliceRuleSpecs
{
    public static Arbitrary<RelayedRead> Reads() => Arb.From(
        from bytes in Gen.Frequency(
            (3, Gen.Choose(1, SpliceRule.SmallRead - 1)),
            (1, Gen.Choose(SpliceRule.SmallRead, SpliceRule.LargeRead - 1)),
            (5, Gen.Choose(SpliceRule.LargeRead, 256 * 1024)),
            (1, Gen.Elements(
                SpliceRule.SmallRead - 1, SpliceRule.SmallRead, SpliceRule.LargeRead - 1, SpliceRule.LargeRead)))
        from unsent in Gen.Frequency((5, Gen.Constant(false)), (1, Gen.Constant(true)))
        select new RelayedRead(bytes, unsent));

    [Property]
    public void A_direction_splices_after_some_large_reads_in_a_row(ushort more)
    {
        var steps = Run(splicing: false, Repeat(SpliceRule.LargeRead + more, SpliceRule.LargeReads));

        Assert.Equal(Expected(SpliceRule.LargeReads), steps.Select(s => s.ChangesOver));
    }

    [Property]
    public void A_direction_copies_again_after_some_small_reads_in_a_row(ushort bytes)
    {
        var steps = Run(splicing: true, Repeat(1 + bytes % (SpliceRule.SmallRead - 1), SpliceRule.SmallReads));

        Assert.Equal(Expected(SpliceRule.SmallReads), steps.Select(s => s.ChangesOver));
    }

    [Property]
    public void A_read_of_another_kind_begins_the_count_anew(bool splicing, int streak, RelayedRead read)
    {
        var another = splicing ? read.Bytes >= SpliceRule.SmallRead : read.Bytes < SpliceRule.LargeRead;
        if (another)
            Assert.Equal(
                new SpliceStep(0, false),
                SpliceRule.After(splicing, Math.Abs(streak % 100), read.Bytes, read.HasUnsent));
    }

    [Property]
    public void A_direction_never_changes_over_while_bytes_wait_to_be_sent(bool splicing, RelayedRead[] reads)
    {
        var steps = Run(splicing, reads);

        Assert.DoesNotContain(steps.Where((step, i) => reads[i].HasUnsent), step => step.ChangesOver);
    }

    [Property]
    public void Bytes_that_wait_only_put_the_change_off(bool splicing, byte waiting)
    {
        var bytes = splicing ? 1 : SpliceRule.LargeRead;
        var needed = splicing ? SpliceRule.SmallReads : SpliceRule.LargeReads;
        var streak = 0;
        for (var i = 0; i < needed + waiting; i++)
            streak = SpliceRule.After(splicing, streak, bytes, hasUnsent: true).Streak;

        Assert.Equal(new SpliceStep(0, true), SpliceRule.After(splicing, streak, bytes, hasUnsent: false));
    }

    [Property]
    public void Reads_of_middling_size_change_nothing_either_way(bool splicing, ushort size, byte count)
    {
        var bytes = SpliceRule.SmallRead + size % (SpliceRule.LargeRead - SpliceRule.SmallRead);

        Assert.All(Run(splicing, Repeat(bytes, count)), step => Assert.Equal(new SpliceStep(0, false), step));
    }

    [Property]
    public void The_count_begins_anew_with_each_change(bool splicing, RelayedRead[] reads) =>
        Assert.All(Run(splicing, reads).Where(s => s.ChangesOver), step => Assert.Equal(0, step.Streak));

    private static RelayedRead[] Repeat(int bytes, int count) =>
        [.. Enumerable.Repeat(new RelayedRead(bytes, HasUnsent: false), count)];

    /// <summary>Only the last of so many reads changes over.</summary>
    private static IEnumerable<bool> Expected(int reads) => Enumerable.Range(1, reads).Select(i => i == reads);

    private static List<SpliceStep> Run(bool splicing, RelayedRead[] reads)
    {
        var steps = new List<SpliceStep>();
        var streak = 0;
        foreach (var read in reads)
        {
            var step = SpliceRule.After(splicing, streak, read.Bytes, read.HasUnsent);
            (streak, splicing) = (step.Streak, step.ChangesOver ? !splicing : splicing);
            steps.Add(step);
        }

        return steps;
    }
}
