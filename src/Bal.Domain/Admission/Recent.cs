using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Admission;

/// <summary>A count at about a time.</summary>
/// <param name="At">When the first of them happened; the others followed within a second.</param>
/// <param name="Count">How many; above zero.</param>
public sealed record RecentMark(Instant At, long Count);

/// <summary>
/// How often something happened in the last minute, to the second, in bounded memory: what happens within a second is
/// one mark, so that there are never more than <see cref="MaxMarks"/>.
/// </summary>
/// <param name="Marks">The marks, the oldest first.</param>
public sealed record Recent(Arr<RecentMark> Marks)
{
    /// <summary>The most marks that are kept.</summary>
    public const int MaxMarks = 60;

    /// <summary>How far back it reaches.</summary>
    public static readonly Duration Span = new(60_000);

    /// <summary>It has not happened.</summary>
    public static readonly Recent Nothing = new(Arr<RecentMark>.Empty);

    private static readonly Duration MarkSpan = new(1_000);

    /// <summary>It has happened this many more times.</summary>
    public Recent Add(long count, Instant now)
    {
        if (count <= 0)
            return this;
        var kept = Marks.Filter(mark => IsRecent(mark, now));
        return new(!kept.IsEmpty && kept[kept.Count - 1] is var last
            && now.Since(last.At).Milliseconds < MarkSpan.Milliseconds
            ? kept.SetItem(kept.Count - 1, last with { Count = last.Count + count })
            : kept.Add(new RecentMark(now, count)));
    }

    /// <summary>How often in the minute before <paramref name="now"/>.</summary>
    public long Within(Instant now) =>
        Marks.Fold(0L, (sum, mark) => IsRecent(mark, now) ? sum + mark.Count : sum);

    private static bool IsRecent(RecentMark mark, Instant now) =>
        now.Since(mark.At).Milliseconds < Span.Milliseconds;
}
