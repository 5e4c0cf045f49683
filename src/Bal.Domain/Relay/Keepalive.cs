namespace Bal.Domain.Relay;

/// <summary>
/// How the kernel finds out that a peer has vanished (tcp(7), SO_KEEPALIVE): it asks after a silence, and
/// again and again; a peer that is there answers, however long its process has not read. While bytes are on their way
/// nobody is asked: these are sent again, up to net.ipv4.tcp_retries2, and a full receive window is probed without end.
/// </summary>
/// <param name="IdleSeconds">The silence after which it asks (TCP_KEEPIDLE); zero for never.</param>
/// <param name="IntervalSeconds">The time between two questions (TCP_KEEPINTVL).</param>
/// <param name="Probes">Questions without an answer after which the peer is gone (TCP_KEEPCNT).</param>
public readonly record struct Keepalive(int IdleSeconds, int IntervalSeconds, int Probes)
{
    /// <summary>Nobody is asked.</summary>
    public static readonly Keepalive Off;

    /// <summary>The longest time that the kernel takes (MAX_TCP_KEEPIDLE, net/tcp.h).</summary>
    public const int MostSeconds = 32_767;

    private const int Asked = 3;

    /// <summary>
    /// Asks after <paramref name="milliseconds"/>, rounded up to seconds, and knows after at most twice that.
    /// </summary>
    /// <param name="milliseconds">Zero for never, or 3000 and more.</param>
    public static Keepalive Of(long milliseconds)
    {
        if (milliseconds <= 0)
            return Off;
        var seconds = (int)Math.Clamp((milliseconds + 999) / 1_000, Asked, MostSeconds);
        return new(seconds, seconds / Asked, Asked);
    }

    /// <summary>Whether anybody is asked.</summary>
    public bool IsOn => IdleSeconds > 0;

    /// <summary>
    /// How old a connection is when the socket to its backend is told. That takes four system calls, since nothing is
    /// inherited there: a shorter connection never pays for them, and the kernel reckons from the last byte all the
    /// same.
    /// </summary>
    public long BeginsAfterMs => IdleSeconds * 500L;
}
