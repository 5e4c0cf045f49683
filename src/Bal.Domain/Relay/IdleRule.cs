using Bal.Domain.Counting;
using LanguageExt;

namespace Bal.Domain.Relay;

/// <summary>How long a connection may be silent, in milliseconds.</summary>
/// <param name="Idle">Before either side has sent its FIN; <see cref="Never"/> for any time.</param>
/// <param name="HalfClosed">Afterwards; at most <paramref name="Idle"/>.</param>
public readonly record struct SilenceLimits(long Idle, long HalfClosed)
{
    /// <summary>Longer than any silence.</summary>
    public const long Never = long.MaxValue;

    /// <summary>The limits as they are configured.</summary>
    /// <param name="idleMs">The idle timeout; zero for none.</param>
    /// <param name="halfClosedMs">That of half-closed connections; zero for none, None for the idle timeout.</param>
    public static SilenceLimits Of(long idleMs, Option<int> halfClosedMs)
    {
        var idle = OrNever(idleMs);
        return new(idle, Math.Min(idle, halfClosedMs.Match(ms => OrNever(ms), () => idle)));
    }

    /// <summary>Whether a connection may end sooner by these than by the <paramref name="other"/> ones.</summary>
    public bool AreShorterThan(SilenceLimits other) => Idle < other.Idle || HalfClosed < other.HalfClosed;

    private static long OrNever(long ms) => ms == 0 ? Never : ms;
}

/// <summary>What to do with a session when its timer fires.</summary>
/// <param name="IsOver">Whether it has been silent for as long as it may be, and ends now.</param>
/// <param name="Reason">Then, why.</param>
/// <param name="LookAt">
/// Otherwise when to look again, in monotonic milliseconds: always later than now. <see cref="SilenceLimits.Never"/>
/// where nothing will have to be done.
/// </param>
public readonly record struct IdleStep(bool IsOver, TerminationReason Reason, long LookAt);

/// <summary>
/// When a silent session ends. Activity does not move the timer, which would cost something with every read: the timer
/// fires, sees what has happened meanwhile, and is armed again.
/// </summary>
public static class IdleRule
{
    /// <summary>What to do at <paramref name="now"/>.</summary>
    /// <param name="lastByte">When the last byte went either way, in monotonic milliseconds.</param>
    /// <param name="finAt">When the first of the two sides sent its FIN; zero where none has.</param>
    /// <param name="limits">How long it may be silent.</param>
    /// <param name="now">Monotonic milliseconds.</param>
    public static IdleStep At(long lastByte, long finAt, SilenceLimits limits, long now)
    {
        var idleAt = After(lastByte, limits.Idle);
        // The FIN is news too: what it asks for may take as long to answer as is allowed from then on.
        var halfClosedAt = finAt == 0 ? SilenceLimits.Never : After(Math.Max(lastByte, finAt), limits.HalfClosed);
        var end = Math.Min(idleAt, halfClosedAt);
        return new(
            end <= now && end != SilenceLimits.Never,
            halfClosedAt < idleAt ? TerminationReason.HalfClosedTimeout : TerminationReason.IdleTimeout,
            end);
    }

    /// <summary>When to look at a new session for the first time; see <see cref="IdleStep.LookAt"/>.</summary>
    /// <param name="now">Monotonic milliseconds.</param>
    /// <param name="limits">How long it may be silent.</param>
    /// <param name="keepalive">How its peers are asked whether they are still there.</param>
    public static long FirstLook(long now, SilenceLimits limits, Keepalive keepalive) =>
        Math.Min(After(now, limits.Idle), keepalive.IsOn ? now + keepalive.BeginsAfterMs : SilenceLimits.Never);

    private static long After(long at, long span) =>
        span >= SilenceLimits.Never - at ? SilenceLimits.Never : at + span;
}
