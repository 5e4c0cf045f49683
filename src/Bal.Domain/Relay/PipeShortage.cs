namespace Bal.Domain.Relay;

/// <summary>What the log is to say of a <see cref="PipeShortage"/>.</summary>
public enum PipeNews
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>There is no pipe to splice through, or still none.</summary>
    Short,

    /// <summary>There are pipes again.</summary>
    Over,
}

/// <summary>
/// Pipes that are used up: said when it begins, at most once a minute while it lasts, and once when it is over. It is
/// over when a pipe was had and none was wanted in vain for a while: at the limit they come and go.
/// </summary>
/// <param name="IsSaid">The log has said that there is none, and not yet that there are some again.</param>
/// <param name="SaidAt">When it last said so, in milliseconds.</param>
/// <param name="LastAt">When one was last wanted in vain, in milliseconds.</param>
/// <param name="HadSince">Whether one was had since then.</param>
/// <param name="Unsaid">How often that was since the last line.</param>
/// <param name="Times">How often since it began.</param>
public readonly record struct PipeShortage(
    bool IsSaid, long SaidAt, long LastAt, bool HadSince, long Unsaid, long Times)
{
    /// <summary>The least time between two lines that there is none.</summary>
    public const long EveryMs = 60_000;

    /// <summary>How long no pipe may have been wanted in vain before it is over.</summary>
    public const long QuietMs = 2_000;

    /// <summary>There was none so far.</summary>
    public static readonly PipeShortage None = new(false, -EveryMs, 0, false, 0, 0);

    /// <summary>A pipe was wanted in vain.</summary>
    /// <param name="now">In milliseconds.</param>
    public PipeStep Wanted(long now)
    {
        var next = this with { LastAt = now, HadSince = false, Unsaid = Unsaid + 1, Times = Times + 1 };
        return now - SaidAt < EveryMs
            ? new(next, PipeNews.None, 0)
            : new(next with { IsSaid = true, SaidAt = now, Unsaid = 0 }, PipeNews.Short, next.Unsaid);
    }

    /// <summary>A pipe was had.</summary>
    /// <param name="now">In milliseconds.</param>
    public PipeStep Had(long now) => (this with { HadSince = true }).Tick(now);

    /// <summary>Time has passed.</summary>
    /// <param name="now">In milliseconds.</param>
    public PipeStep Tick(long now) => IsSaid && HadSince && now - LastAt >= QuietMs
        ? new(None with { SaidAt = SaidAt }, PipeNews.Over, Times)
        : new(this, PipeNews.None, 0);
}

/// <summary>A step of <see cref="PipeShortage"/>.</summary>
/// <param name="State">The state after it.</param>
/// <param name="News">What is to be said.</param>
/// <param name="Times">The number that belongs to it.</param>
public readonly record struct PipeStep(PipeShortage State, PipeNews News, long Times);
