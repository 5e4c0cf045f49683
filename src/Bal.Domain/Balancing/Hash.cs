using Bal.Domain.Primitives;

namespace Bal.Domain.Balancing;

/// <summary>
/// Hashes that no version may change: every instance has to find the same backend for a client (docs/behaviour.md).
/// </summary>
public static class Hash
{
    /// <summary>Spreads the bits of a number (the finaliser of MurmurHash3, 64 bits); a permutation.</summary>
    public static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 33)) * 0xff51afd7ed558ccd;
        value = (value ^ (value >> 33)) * 0xc4ceb9fe1a85ec53;
        return value ^ (value >> 33);
    }

    /// <summary>
    /// The hash of a client's address, 4 or 16 bytes in network order; an IPv4 address inside of IPv6 counts as IPv4.
    /// </summary>
    public static ulong OfClient(ReadOnlySpan<byte> address) => Of(Ipv4Mapped.Plain(address));

    /// <summary>FNV-1a of 64 bits, spread by <see cref="Mix"/>.</summary>
    public static ulong Of(ReadOnlySpan<byte> bytes)
    {
        var hash = 0xcbf29ce484222325;
        foreach (var one in bytes)
            hash = (hash ^ one) * 0x100000001b3;
        return Mix(hash);
    }
}
