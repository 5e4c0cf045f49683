using System.Buffers.Binary;
using Bal.Domain.Primitives;

namespace Bal.Domain.Admission;

/// <summary>
/// Who a client is where limits are per client: its IPv4 address, or the first 64 bits of its IPv6 address, since one
/// subscriber has all of the rest. An IPv4 address inside of IPv6 counts as IPv4.
/// </summary>
public static class ClientKey
{
    // No client has a multicast address (ff00::/8, RFC 4291), so that numbers that begin like one are free.
    private const ulong IPv4 = 0xffff_ffff_0000_0000;

    /// <summary>A number for each client, and never the same for two.</summary>
    /// <param name="address">4 or 16 bytes in network order.</param>
    public static ulong Of(ReadOnlySpan<byte> address)
    {
        var plain = Ipv4Mapped.Plain(address);
        return plain.Length == 4
            ? IPv4 | BinaryPrimitives.ReadUInt32BigEndian(plain)
            : BinaryPrimitives.ReadUInt64BigEndian(plain);
    }
}
