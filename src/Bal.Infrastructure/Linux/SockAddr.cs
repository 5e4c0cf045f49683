using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Bal.Domain.Primitives;
using Bal.Domain.Relay;
using LanguageExt;

namespace Bal.Infrastructure.Linux;

/// <summary>
/// Writes and reads <c>struct sockaddr_in</c>, <c>sockaddr_in6</c> and <c>sockaddr_un</c> (ip(7), ipv6(7), unix(7)).
/// </summary>
internal static class SockAddr
{
    /// <summary>Room for either kind of IP; of a Unix socket the family is enough to tell it.</summary>
    public const int MaxLength = 28;

    /// <summary>The bytes that bind(2) and connect(2) take.</summary>
    public static byte[] Of(IPAddress address, int port)
    {
        var v6 = address.AddressFamily == AddressFamily.InterNetworkV6;
        var bytes = new byte[v6 ? MaxLength : 16];
        BitConverter.TryWriteBytes(bytes, (ushort)(v6 ? Libc.AF_INET6 : Libc.AF_INET));
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), (ushort)port);
        address.TryWriteBytes(bytes.AsSpan(v6 ? 8 : 4), out _);
        if (v6)
            BitConverter.TryWriteBytes(bytes.AsSpan(24), (uint)address.ScopeId);
        return bytes;
    }

    /// <summary>The same for a Unix socket.</summary>
    /// <param name="path">At most <see cref="Host.Unix.MaxPathBytes"/> bytes.</param>
    public static byte[] OfUnix(string path)
    {
        var bytes = new byte[2 + Encoding.UTF8.GetByteCount(path) + 1];
        BitConverter.TryWriteBytes(bytes, (ushort)Libc.AF_UNIX);
        Encoding.UTF8.GetBytes(path, bytes.AsSpan(2));
        return bytes;
    }

    /// <summary>The addresses of a family to connect from, each with a port of the kernel's choice.</summary>
    public static byte[][] Sources(Arr<IPAddress> sources, AddressFamily family) =>
        [.. sources.Filter(source => source.AddressFamily == family).Map(source => Of(source, 0))];

    /// <summary>The port of an address that the kernel wrote.</summary>
    public static int PortOf(ReadOnlySpan<byte> address) => BinaryPrimitives.ReadUInt16BigEndian(address[2..]);

    /// <summary>What the kernel wrote; unknown where it is neither an address of IP nor a Unix socket.</summary>
    /// <param name="address">Room for <see cref="MaxLength"/> bytes.</param>
    /// <param name="length">How long the kernel says that the address is, which may be more.</param>
    public static unsafe InetEndpoint Read(byte* address, uint length) =>
        Read(new ReadOnlySpan<byte>(address, (int)Math.Min(length, MaxLength)));

    private static InetEndpoint Read(ReadOnlySpan<byte> address) =>
        address.Length >= 16 && FamilyOf(address) == Libc.AF_INET ? InetEndpoint.Of(HostOf(address), PortOf(address))
        : address.Length >= MaxLength && FamilyOf(address) == Libc.AF_INET6
            ? InetEndpoint.Of(HostOf(address), PortOf(address))
        : address.Length >= sizeof(ushort) && FamilyOf(address) == Libc.AF_UNIX ? InetEndpoint.OfUnix
        : InetEndpoint.None;

    /// <summary>The bytes of the IP address.</summary>
    public static ReadOnlySpan<byte> HostOf(ReadOnlySpan<byte> address) =>
        FamilyOf(address) == Libc.AF_INET6 ? address.Slice(8, 16) : address.Slice(4, 4);

    /// <summary>
    /// Whether it is an address of the loopback interface, that of IPv4 written in IPv6 included (RFC 4291).
    /// </summary>
    public static bool IsLoopback(ReadOnlySpan<byte> address)
    {
        var host = Ipv4Mapped.Plain(HostOf(address));
        return host.Length == 4
            ? host[0] == 127
            : host[^1] == 1 && !host[..^1].ContainsAnyExcept((byte)0);
    }

    /// <summary>Whether it is the address of a Unix socket.</summary>
    public static bool IsUnix(ReadOnlySpan<byte> address) => FamilyOf(address) == Libc.AF_UNIX;

    /// <summary>AF_INET, AF_INET6 or AF_UNIX.</summary>
    public static int FamilyOf(ReadOnlySpan<byte> address) => BitConverter.ToUInt16(address);
}
