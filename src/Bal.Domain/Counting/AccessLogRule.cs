namespace Bal.Domain.Counting;

/// <summary>
/// Which connections have a line of their own in the access log (docs/behaviour.md, Access log): each that reached a
/// queue or a try. Of those that were rejected before, up to <see cref="LineQuota.PerSecond"/> a second of each service
/// and reason have one, and the others are counted in the next line of that service and reason.
/// </summary>
public static class AccessLogRule
{
    /// <summary>Whether a connection that ended for this reason reached neither a queue nor a try.</summary>
    public static bool IsRejection(TerminationReason reason) => reason
        is TerminationReason.RejectedLimit
        or TerminationReason.RejectedDenied
        or TerminationReason.RejectedClientLimit
        or TerminationReason.RejectedClientRate
        or TerminationReason.RejectedProxyHeader
        or TerminationReason.RejectedServerName;
}

/// <summary>
/// The lines that rejected connections of one service and reason have had in the present second, over all event loops.
/// One number, so that the loops can share it without a lock.
/// </summary>
/// <param name="Value">The second, and in the last four bits the lines.</param>
public readonly record struct LineQuota(long Value)
{
    /// <summary>Lines a second.</summary>
    public const int PerSecond = 10;

    private const int Bits = 4;

    private const long MsPerSecond = 1_000;

    /// <summary>Whether there may be another line.</summary>
    /// <param name="now">
    /// Monotonic milliseconds; a loop that is a moment behind counts for the second of the others.
    /// </param>
    public bool HasRoom(long now) => now / MsPerSecond > Value >> Bits || (Value & ((1 << Bits) - 1)) < PerSecond;

    /// <summary>With one more line, where there is room for it.</summary>
    public LineQuota Taken(long now) =>
        now / MsPerSecond > Value >> Bits ? new(((now / MsPerSecond) << Bits) + 1) : new(Value + 1);

    /// <summary>When there is room again at the latest, in monotonic milliseconds.</summary>
    public static long NextRoom(long now) => (now / MsPerSecond + 1) * MsPerSecond;
}

/// <summary>
/// What one event loop has yet to say of the connections of one service that were rejected for one reason. The newest
/// of them is held, so that it can have the line that tells of the others even if no other one comes. A line that is
/// dropped takes along those that it counts, so that the rejected connections are always those with a line, those that
/// lines have counted, those that were dropped, and <see cref="Unsaid"/>.
/// </summary>
/// <param name="Suppressed">Those that the next line counts, beside its own.</param>
/// <param name="Holds">Whether one is held.</param>
public readonly record struct RejectionTally(long Suppressed, bool Holds)
{
    /// <summary>Nothing to say.</summary>
    public static readonly RejectionTally None;

    /// <summary>Connections that are in no line yet.</summary>
    public long Unsaid => Suppressed + (Holds ? 1 : 0);

    /// <summary>One more was rejected, and is the one held.</summary>
    public RejectionTally Rejected() => new(Unsaid, true);
}

/// <summary>What has become of the connections that have ended while there is an access log.</summary>
/// <param name="Lines">They have a line.</param>
/// <param name="Suppressed">A line counts them.</param>
/// <param name="Dropped">They are in neither, since the file did not take lines fast enough.</param>
public sealed record AccessLogCounts(long Lines, long Suppressed, long Dropped)
{
    /// <summary>Nothing has ended.</summary>
    public static readonly AccessLogCounts None = new(0, 0, 0);

    /// <summary>All of them.</summary>
    public long Connections => Lines + Suppressed + Dropped;

    /// <summary>Both together.</summary>
    public AccessLogCounts Plus(AccessLogCounts other) =>
        new(Lines + other.Lines, Suppressed + other.Suppressed, Dropped + other.Dropped);
}
