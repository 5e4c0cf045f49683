namespace Bal.Domain.Control;

/// <summary>What the shares of a drain cut so far still owe, and when a connection counts as owed.</summary>
/// <param name="Millionths">
/// Millionths of a connection that are owed; below one million, and below zero where a connection ended before its
/// share was whole.
/// </param>
/// <param name="Ahead">
/// How many millionths before its share is whole a connection ends; the same in every share.
/// </param>
public readonly record struct CutShare(long Millionths, long Ahead)
{
    internal const long Whole = 1_000_000;

    /// <summary>Nothing is owed, and connections end once their share is whole.</summary>
    public static CutShare None => new(0, 0);

    /// <summary>
    /// Where one of several loops begins, each with connections of its own: a different part of a connection ahead, so
    /// that loops with few connections, down to one each, do not all cut at the same moment.
    /// </summary>
    /// <param name="index">The loop, from 0.</param>
    /// <param name="loops">How many loops there are, above zero.</param>
    public static CutShare OfLoop(int index, int loops) => new(0, Whole * index / loops);
}

/// <summary>One share of a drain.</summary>
/// <param name="Cut">How many connections to end now.</param>
/// <param name="Carried">What the next share has to make up for.</param>
public sealed record CutShareStep(int Cut, CutShare Carried);

/// <summary>
/// How many connections each <see cref="ControlEffect.Cut"/> ends. Rounding every share up would end ten connections in
/// the first of the last five seconds; what is less than one connection is therefore carried to the next share.
/// </summary>
public static class CutShares
{
    /// <summary>The share of one in <paramref name="oneOf"/> out of <paramref name="open"/> connections.</summary>
    /// <param name="oneOf">As in <see cref="ControlEffect.Cut"/>: above zero; 1 ends everything.</param>
    /// <param name="open">Connections open now; zero or more.</param>
    /// <param name="carried">What the share before left owing.</param>
    public static CutShareStep Next(int oneOf, int open, CutShare carried)
    {
        if (oneOf <= 1)
            return new(open, carried with { Millionths = 0 });

        // What is owed counts as ended already, or the shares would grow while a connection is being waited for.
        var left = Math.Max(0, open * CutShare.Whole - carried.Millionths);
        var owed = carried.Millionths + left / oneOf;
        var cut = (int)Math.Min(open, (owed + carried.Ahead) / CutShare.Whole);
        return new(cut, carried with { Millionths = owed - cut * CutShare.Whole });
    }
}
