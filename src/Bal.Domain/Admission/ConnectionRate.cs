namespace Bal.Domain.Admission;

/// <summary>What becomes of a bucket when somebody wants a token.</summary>
/// <param name="Admits">Whether there was one.</param>
/// <param name="FullAt">When the bucket will be full, in nanoseconds of the monotonic clock.</param>
public readonly record struct RateStep(bool Admits, long FullAt);

/// <summary>
/// A token bucket as one number, so that it can be changed by one compare and swap: the time at which it will be full
/// if nobody takes a token. Whatever lies in the past is a full bucket, so zero is one that nobody has used.
/// </summary>
public static class ConnectionRate
{
    private const long Second = 1_000_000_000;

    /// <summary>
    /// Takes a token if there is one. A bucket has <paramref name="rate"/> of them and gets as many a second, rounded
    /// down: within any t seconds it gives at most rate + rate * t.
    /// </summary>
    /// <param name="fullAt">The bucket.</param>
    /// <param name="now">Nanoseconds of the monotonic clock; one read early gives no token too early.</param>
    /// <param name="rate"><c>max_connection_rate_per_client</c>, from 1 to a billion.</param>
    public static RateStep Take(long fullAt, long now, int rate)
    {
        var each = (Second + rate - 1) / rate;
        var next = Math.Max(fullAt, now) + each;
        return next - now <= each * rate ? new(true, next) : new(false, fullAt);
    }

    /// <summary>Whether nothing is lost if the bucket is forgotten: a new one would be full, too.</summary>
    public static bool IsFull(long fullAt, long now) => fullAt <= now;
}
