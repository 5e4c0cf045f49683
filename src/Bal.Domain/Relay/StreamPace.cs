namespace Bal.Domain.Relay;

/// <summary>
/// How fast one direction of a connection runs, and whether its bytes are left to gather. Waking for every segment of a
/// stream at full speed costs more than moving its bytes; waiting for many would hold up whoever sends little and waits
/// for an answer. So a direction gathers only while it has proved to be fast, and stops as soon as its reads turn
/// small. Times are monotonic milliseconds that never run backwards.
/// </summary>
/// <param name="Rule">What decides.</param>
/// <param name="Total">Bytes read since the direction began to be watched.</param>
/// <param name="Last">When something was read, or looked for, last.</param>
/// <param name="WindowStart">When the window being measured began.</param>
/// <param name="WindowTotal"><paramref name="Total"/> at that moment.</param>
/// <param name="ShortLooks">Looks in a row that found too little.</param>
/// <param name="Gathers">Whether the kernel is asked to wake the loop only for many bytes.</param>
public readonly record struct StreamPace(
    GatherRule Rule, long Total, long Last, long WindowStart, long WindowTotal, int ShortLooks, bool Gathers)
{
    /// <summary>Nothing is known of the stream: it does not gather.</summary>
    public static StreamPace Begin(GatherRule rule, long now) => new(rule, 0, now, now, 0, 0, false);

    /// <summary>Bytes were read because an event said so.</summary>
    /// <param name="now">The time.</param>
    /// <param name="bytes">How many; zero or more.</param>
    public StreamPace Took(long now, long bytes)
    {
        var next = this with { Total = Total + bytes, Last = now, ShortLooks = 0 };
        var elapsed = now - WindowStart;
        if (elapsed < Rule.WindowMs)
            return next;
        return next with
        {
            WindowStart = now,
            WindowTotal = next.Total,
            Gathers = next.Total - WindowTotal >= Rule.FastBytesPerMs * elapsed,
        };
    }

    /// <summary>
    /// Whether the socket is to be looked at although no event has come: bytes below the low water wait unseen.
    /// </summary>
    public bool IsLookDue(long now) => Gathers && now - Last >= Rule.LookMs;

    /// <summary>The socket was looked at.</summary>
    /// <param name="now">The time.</param>
    /// <param name="bytes">
    /// What was found. None says nothing of the stream's kind and delays nobody: it pauses, and the window decides.
    /// </param>
    public StreamPace Looked(long now, long bytes)
    {
        var next = Took(now, bytes);
        if (bytes >= Rule.LowWater)
            return next;
        var looks = bytes > 0 ? ShortLooks + 1 : ShortLooks;
        return looks < Rule.ShortLooks
            ? next with { ShortLooks = looks }
            : Begin(Rule, now) with { Total = next.Total, WindowTotal = next.Total };
    }
}
