using Bal.Domain.Primitives;

namespace Bal.Domain.Admission;

/// <summary>Says at most once a second that connections are being rejected, and loses no count in between.</summary>
/// <param name="Said">Rejected connections that have been reported.</param>
/// <param name="LastAt">When the last report was made; none yet if <paramref name="Said"/> is zero.</param>
/// <param name="Seen">Rejected connections known of.</param>
public sealed record Notice(long Said, Instant LastAt, long Seen)
{
    /// <summary>Nothing was rejected.</summary>
    public static readonly Notice None = new(0, Instant.Zero, 0);

    /// <summary>When the next report is due; <see cref="Instant.Never"/> where nothing is unsaid.</summary>
    public Instant DueAt => Seen == Said ? Instant.Never : Said == 0 ? Instant.Zero : LastAt.Plus(NoticeRule.Interval);
}

/// <summary>A transition of <see cref="Notice"/>.</summary>
/// <param name="State">The state after it.</param>
/// <param name="Say">How many more rejected connections to report now; zero for silence.</param>
public sealed record NoticeStep(Notice State, long Say);

/// <summary>The rate limit of the overload report.</summary>
public static class NoticeRule
{
    /// <summary>The least time between two reports.</summary>
    public static readonly Duration Interval = new(1_000);

    /// <summary>The state when <paramref name="total"/> connections have been rejected since the start.</summary>
    public static NoticeStep Step(long total, Instant now, Notice state)
    {
        var seen = state with { Seen = Math.Max(total, state.Seen) };
        return seen.DueAt.IsDue(now)
            ? new(new Notice(seen.Seen, now, seen.Seen), seen.Seen - seen.Said)
            : new(seen, 0);
    }
}
