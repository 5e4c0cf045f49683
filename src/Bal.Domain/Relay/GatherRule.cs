namespace Bal.Domain.Relay;

/// <summary>When bytes of a stream are left to gather in the kernel, and how many at a time.</summary>
/// <param name="WindowMs">Milliseconds over which a rate is taken; zero or more.</param>
/// <param name="FastBytesPerMs">The rate from which on a stream gathers, in bytes a millisecond; zero or more.</param>
/// <param name="LowWater">How many bytes are waited for (SO_RCVLOWAT, socket(7)); above zero.</param>
/// <param name="LookMs">
/// After how many milliseconds without a read the socket is looked at all the same; above zero.
/// </param>
/// <param name="ShortLooks">
/// After this many looks in a row that found less than <paramref name="LowWater"/>, the gathering ends.
/// </param>
public readonly record struct GatherRule(long WindowMs, long FastBytesPerMs, int LowWater, long LookMs, int ShortLooks)
{
    /// <summary>
    /// 256 KiB a millisecond (2.1 Gbit/s) over 64 ms. What such a stream sends in the time that its last bytes may have
    /// to wait, 2 to 3 ms, is small against what it has sent in the window; links of 1 Gbit/s never gather.
    /// </summary>
    public static GatherRule Standard => new(64, 256 * 1024, 256 * 1024, 2, 2);
}
