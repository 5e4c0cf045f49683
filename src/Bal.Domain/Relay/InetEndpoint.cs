using System.Buffers.Binary;
using System.Net;
using Bal.Domain.Primitives;

namespace Bal.Domain.Relay;

/// <summary>
/// An address and a port of a connection, in a form that the memory of a session holds. An IPv4 address inside of IPv6
/// (RFC 4291, 2.5.5.2) is an IPv4 address. The end of a Unix socket has neither, and only that is known of it.
/// </summary>
/// <param name="High">The first eight bytes of the address; those of IPv4 stand in <paramref name="Low"/>.</param>
/// <param name="Low">The other bytes.</param>
/// <param name="Port">0..65535.</param>
/// <param name="Length">Bytes of the address: 4 or 16; 0 where it is not known, 1 for a Unix socket.</param>
public readonly record struct InetEndpoint(ulong High, ulong Low, ushort Port, byte Length)
{
    /// <summary>Not known.</summary>
    public static InetEndpoint None => default;

    /// <summary>The end of a Unix socket.</summary>
    public static InetEndpoint OfUnix => new(0, 0, 0, 1);

    /// <summary>What is written of it where an address would stand.</summary>
    public const string UnixWord = "unix";

    /// <summary>Whether it is an address that is known.</summary>
    public bool IsKnown => Length > 1;

    /// <summary>Whether it is the end of a Unix socket.</summary>
    public bool IsUnix => Length == 1;

    /// <summary>Of an address of 4 or 16 bytes in network order.</summary>
    public static InetEndpoint Of(ReadOnlySpan<byte> host, int port)
    {
        var plain = Ipv4Mapped.Plain(host);
        return plain.Length == 4
            ? new(0, BinaryPrimitives.ReadUInt32BigEndian(plain), (ushort)port, 4)
            : new(
                BinaryPrimitives.ReadUInt64BigEndian(plain), BinaryPrimitives.ReadUInt64BigEndian(plain[8..]),
                (ushort)port, 16);
    }

    /// <summary>
    /// Writes the address in network order; returns the part of <paramref name="into"/> that it takes.
    /// </summary>
    /// <param name="into">At least 16 bytes.</param>
    public ReadOnlySpan<byte> Host(Span<byte> into)
    {
        if (Length == 4)
        {
            BinaryPrimitives.WriteUInt32BigEndian(into, (uint)Low);
        }
        else if (Length == 16)
        {
            BinaryPrimitives.WriteUInt64BigEndian(into, High);
            BinaryPrimitives.WriteUInt64BigEndian(into[8..], Low);
        }

        return into[..(IsKnown ? Length : 0)];
    }

    /// <summary>
    /// The hash by which <c>source_hash</c> chooses (<see cref="Balancing.Hash.OfClient"/>); null where unknown.
    /// </summary>
    public ulong? Hash()
    {
        Span<byte> bytes = stackalloc byte[16];
        return IsKnown ? Balancing.Hash.OfClient(Host(bytes)) : null;
    }

    /// <summary><c>address:port</c>, with brackets around IPv6; <c>unix</c>; empty where it is not known.</summary>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[16];
        return IsKnown ? new IPEndPoint(new IPAddress(Host(bytes)), Port).ToString() : IsUnix ? UnixWord : "";
    }
}
