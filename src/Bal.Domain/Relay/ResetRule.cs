using Bal.Domain.Counting;

namespace Bal.Domain.Relay;

/// <summary>How far the bytes before an RST have got.</summary>
public enum Delivery
{
    /// <summary>The receiver takes no more at the moment.</summary>
    Waiting,

    /// <summary>The budget of one turn is used up; there is more.</summary>
    More,

    /// <summary>Everything has been handed to the kernel.</summary>
    Done,

    /// <summary>The receiver is gone as well.</summary>
    ReceiverFailed,
}

/// <summary>What to do next with a session of which one side was reset.</summary>
/// <param name="IsOver">End it now, with an RST to the other side.</param>
/// <param name="GoesOn">Otherwise: there is more to deliver at once, after other sessions have had their turn.</param>
/// <param name="LookAt">Otherwise: when to look again, in monotonic milliseconds: always later than now.</param>
public readonly record struct ResetStep(bool IsOver, bool GoesOn, long LookAt);

/// <summary>
/// How long an RST waits for the bytes before it. Closing with an RST throws away what the receiver has not
/// acknowledged, so it waits for that, but at most a second.
/// </summary>
public static class ResetRule
{
    /// <summary>How long an RST waits at most, in milliseconds (docs/behaviour.md, Relay).</summary>
    public const long WaitMs = 1_000;

    /// <summary>Milliseconds between two looks at a send queue: no event tells that it is empty.</summary>
    public const long PollMs = 8;

    /// <summary>What to do at <paramref name="now"/>.</summary>
    /// <param name="delivery">How far the bytes have got.</param>
    /// <param name="unacknowledged">Bytes that the receiver has not acknowledged; counts once delivery is done.</param>
    /// <param name="until">When the second is over, in monotonic milliseconds.</param>
    /// <param name="now">Monotonic milliseconds.</param>
    public static ResetStep Next(Delivery delivery, int unacknowledged, long until, long now) =>
        delivery == Delivery.ReceiverFailed || now >= until || (delivery == Delivery.Done && unacknowledged == 0)
            ? new(true, false, now)
            : new(false, delivery == Delivery.More, Math.Min(until, now + PollMs));

    /// <summary>Under which reason the session is counted.</summary>
    /// <param name="resetByBackend">Whether it is the backend's socket that failed.</param>
    /// <param name="timedOut">Whether it failed because the peer no longer answered.</param>
    public static TerminationReason ReasonOf(bool resetByBackend, bool timedOut) =>
        timedOut ? TerminationReason.PeerTimeout
        : resetByBackend ? TerminationReason.BackendReset : TerminationReason.ClientReset;
}
