using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Bal.Infrastructure.Linux;

/// <summary>Writes and reads <c>struct sockaddr_in</c> and <c>sockaddr_in6</c> (ip(7), ipv6(7)).</summary>
internal static class SockAddr
{
    /// <summary>Room for either kind.</summary>
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

    /// <summary>The port of an address that the kernel wrote.</summary>
    public static int PortOf(ReadOnlySpan<byte> address) => BinaryPrimitives.ReadUInt16BigEndian(address[2..]);

    /// <summary>The bytes of the IP address.</summary>
    public static ReadOnlySpan<byte> HostOf(ReadOnlySpan<byte> address) =>
        FamilyOf(address) == Libc.AF_INET6 ? address.Slice(8, 16) : address.Slice(4, 4);

    /// <summary>AF_INET or AF_INET6.</summary>
    public static int FamilyOf(ReadOnlySpan<byte> address) => BitConverter.ToUInt16(address);
}
