using System.Text;
using Bal.Domain.Messages;
using Bal.Domain.Relay;

namespace Bal.Infrastructure.Linux;

/// <summary>
/// Gives sockets of loopback the congestion control that <see cref="LoopbackCongestion"/> decides on, by the machine's
/// as it is at start. It has to be there before a connection is: a socket that BBR has once paced stays paced
/// (tcp_bbr.c). So one that connects is given it before, and one that is accepted inherits it of its listener.
/// </summary>
internal static unsafe class LoopbackSockets
{
    // Longer than any name (TCP_CA_NAME_MAX, linux/tcp.h, is 16).
    private const int NameBytes = 32;

    private static readonly byte[] Algorithm = Find();

    /// <summary>The algorithm of loopback; null where it is the machine's.</summary>
    public static string? Replacement => Algorithm.Length == 0 ? null : Encoding.ASCII.GetString(Algorithm);

    /// <summary>To be called before connect(2) or listen(2).</summary>
    /// <param name="fd">A TCP socket; of a Unix socket nothing is changed.</param>
    /// <param name="address">What it is about to be connected to or listens on.</param>
    public static void Prepare(int fd, ReadOnlySpan<byte> address)
    {
        if (Algorithm.Length > 0 && !SockAddr.IsUnix(address) && SockAddr.IsLoopback(address))
            _ = Set(fd, Algorithm);
    }

    /// <summary>The congestion control of a TCP socket; empty where the kernel does not say.</summary>
    public static string Of(int fd)
    {
        var name = stackalloc byte[NameBytes];
        var length = (uint)NameBytes;
        return Libc.getsockopt(fd, Libc.IPPROTO_TCP, Libc.TCP_CONGESTION, name, &length) == 0
            ? Encoding.ASCII.GetString(name, (int)length).TrimEnd('\0')
            : "";
    }

    // A new socket has the machine's algorithm, and whether another is allowed only setting it can tell.
    private static byte[] Find()
    {
        var fd = Libc.socket(Libc.AF_INET, Libc.SOCK_STREAM | Libc.SOCK_CLOEXEC, 0);
        if (fd < 0)
            return [];
        var instead = LoopbackCongestion.InsteadOf(Of(fd)).Map(Encoding.ASCII.GetBytes).Filter(name => Set(fd, name));
        _ = Libc.close(fd);
        return instead.IfNone([]);
    }

    private static bool Set(int fd, byte[] algorithm)
    {
        fixed (byte* name = algorithm)
        {
            if (Libc.setsockopt(fd, Libc.IPPROTO_TCP, Libc.TCP_CONGESTION, name, (uint)algorithm.Length) == 0)
                return true;
        }

        Facilities.Refused(Facility.Congestion, Sockets.LastError);
        return false;
    }
}
