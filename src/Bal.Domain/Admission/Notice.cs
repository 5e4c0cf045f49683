using Bal.Domain.Primitives;

namespace Bal.Domain.Admission;

/// <summary>Says at most once a second that something happens to clients, and loses no count in between.</summary>
/// <param name="Said">How many have been reported.</param>
/// <param name="LastAt">When the last report was made; none yet if <paramref name="Said"/> is zero.</param>
/// <param name="Seen">How many are known of.</param>
public sealed record Notice(long Said, Instant LastAt, long Seen)
{
    /// <summary>It has not happened.</summary>
    public static readonly Notice None = new(0, Instant.Zero, 0);

    /// <summary>How many there were in the last minute.</summary>
    public Recent Recent { get; init; } = Recent.Nothing;

    /// <summary>When the next report is due; <see cref="Instant.Never"/> where nothing is unsaid.</summary>
    public Instant DueAt => Seen == Said ? Instant.Never : Said == 0 ? Instant.Zero : LastAt.Plus(NoticeRule.Interval);
}

/// <summary>A transition of <see cref="Notice"/>.</summary>
/// <param name="State">The state after it.</param>
/// <param name="Say">How many more to report now; zero for silence.</param>
public sealed record NoticeStep(Notice State, long Say);

/// <summary>The rate limit of what is said about clients.</summary>
public static class NoticeRule
{
    /// <summary>The least time between two reports.</summary>
    public static readonly Duration Interval = new(1_000);

    /// <summary>The state when it has happened <paramref name="total"/> times since the start.</summary>
    public static NoticeStep Step(long total, Instant now, Notice state)
    {
        var seen = total <= state.Seen ? state : state with
        {
            Seen = total,
            Recent = state.Recent.Add(total - state.Seen, now),
        };
        return seen.DueAt.IsDue(now)
            ? new(seen with { Said = seen.Seen, LastAt = now }, seen.Seen - seen.Said)
            : new(seen, 0);
    }
}
