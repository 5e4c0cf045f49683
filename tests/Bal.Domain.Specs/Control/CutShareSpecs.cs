using Bal.Domain.Control;
using Bal.Domain.Specs.Generators;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Control;

/// <summary>
/// How many connections one cut of the drain ends: a share may be less than one connection and is then carried.
/// </summary>
[Properties(Arbitrary = [typeof(Values)])]
public class CutShareSpecs
{
    [Property]
    public void The_last_share_ends_everything(ushort open, ushort before)
    {
        var carried = CutShares.Next(7, before, CutShare.None).Carried;

        Assert.Equal(open, CutShares.Next(1, open, carried).Cut);
    }

    [Property]
    public void A_share_never_ends_more_than_is_open(Count open, byte oneOf, ushort before)
    {
        var carried = CutShares.Next(oneOf + 1, before, CutShare.None).Carried;

        Assert.InRange(CutShares.Next(oneOf + 1, open.Value, carried).Cut, 0, open.Value);
    }

    [Property]
    public void Loops_with_equally_few_connections_end_the_first_at_different_moments(byte more, byte few)
    {
        var (loops, open) = (2 + (more % 7), 1 + (few % 5));

        var moments = Enumerable.Range(0, loops).Select(i => FirstCut(open, CutShare.OfLoop(i, loops))).ToArray();

        Assert.Distinct(moments);
        Assert.All(moments, moment => Assert.InRange(moment, 1, 50));
    }

    [Property]
    public void Shares_end_what_they_owe_less_than_one_connection_early_or_late(Count open, byte index)
    {
        const int Shares = 50;
        var (all, carried) = (open.Value % 10_000, CutShare.OfLoop(index % 8, 8));
        var ended = 0;
        for (var left = Shares; left >= 2; left--)
        {
            var step = CutShares.Next(left, all - ended, carried);
            (ended, carried) = (ended + step.Cut, step.Carried);

            var owed = (double)all * (Shares + 1 - left) / Shares;
            Assert.InRange(ended, owed - 1.001, owed + 1);
        }
    }

    [Fact]
    public void Ten_connections_in_fifty_shares_end_one_in_every_five()
    {
        var (open, carried, cuts) = (10, CutShare.None, new List<int>());
        for (var left = 50; left >= 1; left--)
        {
            var step = CutShares.Next(left, open, carried);
            (open, carried) = (open - step.Cut, step.Carried);
            if (step.Cut > 0)
                cuts.Add(51 - left);
        }

        Assert.Equal([5, 10, 15, 20, 25, 30, 35, 40, 45, 50], cuts);
    }

    /// <summary>Which of fifty shares ends the first connection.</summary>
    private static int FirstCut(int open, CutShare carried)
    {
        for (var left = 50; left >= 1; left--)
        {
            var step = CutShares.Next(left, open, carried);
            if (step.Cut > 0)
                return 51 - left;
            carried = step.Carried;
        }

        return int.MaxValue;
    }
}
