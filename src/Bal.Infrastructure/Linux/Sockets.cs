using System.Net;
using System.Net.Sockets;
using Bal.Domain.Messages;
using Bal.Domain.Relay;

namespace Bal.Infrastructure.Linux;

/// <summary>
/// Sockets for the control plane, where spans and errno as a value are worth more than a saved instruction. The event
/// loops call <see cref="Libc"/> themselves.
/// </summary>
internal static unsafe class Sockets
{
    private const int SoPeercred = 17;
    private const int SoAcceptConn = 30;
    private const int SoProtocol = 38;

    /// <summary>errno of the last call of this thread.</summary>
    public static int LastError => *Libc.ErrnoLocation();

    /// <summary>Starts a connect; the descriptor, or -1 and the errno with which it could not even begin.</summary>
    /// <param name="address">Where to.</param>
    /// <param name="unseen">
    /// The kernel keeps the last ACK of the handshake back for up to 200 ms (TCP_QUICKACK, tcp(7)), and close(2) resets
    /// the connection (SO_LINGER, socket(7)): closed before, it was never complete, so that accept(2) of the other side
    /// does not see it. A Unix socket knows nothing of the sort.
    /// </param>
    /// <param name="source">The address to connect from; empty where the kernel chooses.</param>
    /// <param name="error">Why not.</param>
    public static int BeginConnect(
        ReadOnlySpan<byte> address, bool unseen, ReadOnlySpan<byte> source, out int error)
    {
        var fd = Libc.socket(
            SockAddr.FamilyOf(address), Libc.SOCK_STREAM | Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC, 0);
        if (fd < 0)
        {
            error = LastError;
            return -1;
        }

        var isUnix = SockAddr.IsUnix(address);
        if (unseen && !isUnix)
        {
            SetOption(fd, Libc.IPPROTO_TCP, Libc.TCP_QUICKACK, 0);
            var linger = stackalloc int[] { 1, 0 };
            _ = Libc.setsockopt(fd, Libc.SOL_SOCKET, Libc.SO_LINGER, linger, 2 * sizeof(int));
        }

        error = source.IsEmpty ? 0 : BindSource(fd, source);
        if (error == 0)
        {
            fixed (byte* bytes = address)
                error = Libc.connect(fd, bytes, (uint)address.Length) == 0 ? 0 : LastError;
        }

        if (error is 0 or Errno.EINPROGRESS)
        {
            error = 0;
            return fd;
        }

        _ = Libc.close(fd);
        error = isUnix ? UnixSockets.MeaningOf(error) : error;
        return -1;
    }

    /// <summary>
    /// Makes a listening socket drop every SYN from now on, and nothing else, by a classic BPF filter (socket(7),
    /// SO_ATTACH_FILTER): byte 13 of a TCP header holds its flags, of which SYN is 2 and ACK 16 (RFC 9293, section
    /// 3.1).
    /// </summary>
    public static bool DropNewHandshakes(int fd)
    {
        const ulong loadFlags = 0x30 | (13UL << 32);
        const ulong keepSynAndAck = 0x54 | (0x12UL << 32);
        const ulong isSyn = 0x15 | (1UL << 24) | (0x02UL << 32);
        const ulong keep = 0x06 | (0xFFFFUL << 32);
        const ulong drop = 0x06;
        // struct sock_filter: 16 bits of code, two jump offsets of 8 bits, 32 bits of operand; jt 0 falls to the drop.
        var program = stackalloc ulong[] { loadFlags, keepSynAndAck, isSyn, drop, keep };
        // struct sock_fprog: the count, padding, the address.
        var filter = stackalloc nint[] { 5, (nint)program };
        if (Libc.setsockopt(fd, Libc.SOL_SOCKET, Libc.SO_ATTACH_FILTER, filter, (uint)(2 * sizeof(nint))) == 0)
            return true;
        Facilities.Refused(Facility.Filter, LastError);
        return false;
    }

    /// <summary>Takes the pending error of a socket (SO_ERROR, socket(7)); zero where there is none.</summary>
    public static int TakeError(int fd)
    {
        var error = 0;
        var length = (uint)sizeof(int);
        _ = Libc.getsockopt(fd, Libc.SOL_SOCKET, Libc.SO_ERROR, &error, &length);
        return error;
    }

    /// <summary>
    /// Whether a socket is connected to itself: where nobody listens on a local port of the ephemeral range, the kernel
    /// may choose that very port as the source, and both ends of the handshake are the same socket (a simultaneous
    /// open, RFC 9293, section 3.5).
    /// </summary>
    /// <param name="fd">A connected socket.</param>
    /// <param name="peer">What it was connected to.</param>
    public static bool IsConnectedToItself(int fd, ReadOnlySpan<byte> peer)
    {
        var own = stackalloc byte[SockAddr.MaxLength];
        var length = (uint)SockAddr.MaxLength;
        if (Libc.getsockname(fd, own, &length) != 0)
            return false;
        var local = new ReadOnlySpan<byte>(own, (int)length);
        return SockAddr.PortOf(local) == SockAddr.PortOf(peer)
            && SockAddr.HostOf(local).SequenceEqual(SockAddr.HostOf(peer));
    }

    /// <summary>
    /// Whether an address is one of this machine: then it is its own source. No packet is sent (udp(7), connect).
    /// </summary>
    public static bool IsOfThisMachine(IPAddress address)
    {
        var target = SockAddr.Of(address, 9);
        var fd = Libc.socket(SockAddr.FamilyOf(target), Libc.SOCK_DGRAM | Libc.SOCK_CLOEXEC, 0);
        if (fd < 0)
            return false;
        int error;
        fixed (byte* bytes = target)
            error = Libc.connect(fd, bytes, (uint)target.Length);
        var source = error == 0 ? LocalAddress(fd) : null;
        _ = Libc.close(fd);
        return source is not null && SockAddr.HostOf(target).SequenceEqual(source.Address.GetAddressBytes());
    }

    /// <summary>
    /// Sets an option of type int that is optional; false if it was refused, which is logged once.
    /// </summary>
    public static bool SetOption(int fd, int level, int name, int value, Facility facility)
    {
        if (Libc.setsockopt(fd, level, name, &value, sizeof(int)) == 0)
            return true;
        Facilities.Refused(facility, LastError);
        return false;
    }

    /// <summary>Whom a socket is connected to (getpeername(2)); unknown where nobody is, or it has gone.</summary>
    public static InetEndpoint RemoteEndOf(int fd)
    {
        var bytes = stackalloc byte[SockAddr.MaxLength];
        var length = (uint)SockAddr.MaxLength;
        return Libc.getpeername(fd, bytes, &length) == 0 ? SockAddr.Read(bytes, length) : InetEndpoint.None;
    }

    /// <summary>The local end of a socket (getsockname(2)); unknown where it has none.</summary>
    public static InetEndpoint OwnEndOf(int fd)
    {
        var bytes = stackalloc byte[SockAddr.MaxLength];
        var length = (uint)SockAddr.MaxLength;
        return Libc.getsockname(fd, bytes, &length) == 0 ? SockAddr.Read(bytes, length) : InetEndpoint.None;
    }

    /// <summary>Has the kernel look for a dead peer. What a listening socket has, accepted ones inherit.</summary>
    public static void SetKeepalive(int fd, Keepalive how)
    {
        SetOption(fd, Libc.SOL_SOCKET, Libc.SO_KEEPALIVE, how.IsOn ? 1 : 0);
        if (!how.IsOn)
            return;
        SetOption(fd, Libc.IPPROTO_TCP, Libc.TCP_KEEPINTVL, how.IntervalSeconds);
        SetOption(fd, Libc.IPPROTO_TCP, Libc.TCP_KEEPCNT, how.Probes);
        // Last: of an open connection it takes off what has been silent already.
        SetOption(fd, Libc.IPPROTO_TCP, Libc.TCP_KEEPIDLE, how.IdleSeconds);
    }

    /// <summary>Sets an option of type int.</summary>
    public static void SetOption(int fd, int level, int name, int value) =>
        _ = Libc.setsockopt(fd, level, name, &value, sizeof(int));

    /// <summary>An option of type int; -1 where the kernel does not say.</summary>
    public static int GetOption(int fd, int level, int name)
    {
        var value = 0;
        var length = (uint)sizeof(int);
        return Libc.getsockopt(fd, level, name, &value, &length) == 0 ? value : -1;
    }

    /// <summary>Whether it is a socket of TCP or a Unix socket, and listens.</summary>
    public static bool IsListening(int fd) =>
        GetOption(fd, Libc.SOL_SOCKET, SoAcceptConn) == 1
            && (GetOption(fd, Libc.SOL_SOCKET, SoProtocol) == Libc.IPPROTO_TCP || UnixSockets.Is(fd));

    /// <summary>The address that a socket is bound to; null where it is none of IP.</summary>
    public static IPEndPoint? LocalAddress(int fd)
    {
        var own = stackalloc byte[SockAddr.MaxLength];
        var length = (uint)SockAddr.MaxLength;
        if (Libc.getsockname(fd, own, &length) != 0)
            return null;
        var bytes = new ReadOnlySpan<byte>(own, (int)Math.Min(length, SockAddr.MaxLength));
        return SockAddr.FamilyOf(bytes) is Libc.AF_INET or Libc.AF_INET6
            ? new IPEndPoint(new IPAddress(SockAddr.HostOf(bytes)), SockAddr.PortOf(bytes))
            : null;
    }

    /// <summary>
    /// Makes a descriptor that came from another process one like those opened here: not blocking, close-on-exec.
    /// </summary>
    public static void MakeOwn(int fd)
    {
        _ = Libc.fcntl(fd, Libc.F_SETFD, Libc.FD_CLOEXEC);
        _ = Libc.fcntl(fd, Libc.F_SETFL, Libc.fcntl(fd, Libc.F_GETFL, 0) | Libc.O_NONBLOCK);
    }

    /// <summary>Another descriptor of the same socket; -1 with errno set.</summary>
    public static int Duplicate(int fd) => Libc.fcntl(fd, Libc.F_DUPFD_CLOEXEC, 3);

    /// <summary>Adds descriptors of the same sockets, by turn, until there are enough, or no more can be had.</summary>
    public static void DuplicateUpTo(int count, List<int> sockets)
    {
        var own = sockets.Count;
        for (var i = 0; sockets.Count < count; i++)
        {
            var copy = Duplicate(sockets[i % own]);
            if (copy < 0)
                break;
            sockets.Add(copy);
        }
    }

    /// <summary>Lets a socket be bound to an address that this machine does not have (ip(7), IP_FREEBIND).</summary>
    public static void SetFreebind(int fd, int family) => SetOption(
        fd,
        family == Libc.AF_INET6 ? Libc.IPPROTO_IPV6 : Libc.IPPROTO_IP,
        family == Libc.AF_INET6 ? Libc.IPV6_FREEBIND : Libc.IP_FREEBIND, 1);

    /// <summary>Whether a bound socket could be.</summary>
    public static bool IsFreebind(int fd) => LocalAddress(fd)?.AddressFamily == AddressFamily.InterNetworkV6
        ? GetOption(fd, Libc.IPPROTO_IPV6, Libc.IPV6_FREEBIND) == 1
        : GetOption(fd, Libc.IPPROTO_IP, Libc.IP_FREEBIND) == 1;

    /// <summary>
    /// Binds a socket to the address that it will connect from; zero or errno. The kernel chooses the port when it
    /// connects, so that the same port serves for connections to different backends (ip(7), IP_BIND_ADDRESS_NO_PORT).
    /// </summary>
    public static int BindSource(int fd, ReadOnlySpan<byte> source)
    {
        _ = SetOption(fd, Libc.IPPROTO_IP, Libc.IP_BIND_ADDRESS_NO_PORT, 1, Facility.SourcePort);
        return Bind(fd, source);
    }

    /// <summary>
    /// Whether a connect that failed so may succeed from another source: this one's ports are used up, or this machine
    /// does not have it.
    /// </summary>
    public static bool IsOfSource(int error) => error is Errno.EADDRNOTAVAIL or Errno.EADDRINUSE;

    /// <summary>bind(2); zero or errno.</summary>
    public static int Bind(int fd, ReadOnlySpan<byte> address)
    {
        fixed (byte* bytes = address)
            return Libc.bind(fd, bytes, (uint)address.Length) == 0 ? 0 : LastError;
    }

    /// <summary>A listening Unix socket that only its owner can open; the descriptor, or -1 and errno.</summary>
    /// <param name="path">At most 107 bytes (unix(7)).</param>
    /// <param name="backlog">See listen(2).</param>
    /// <param name="error">Why not.</param>
    public static int ListenUnix(string path, int backlog, out int error)
    {
        var fd = Libc.socket(Libc.AF_UNIX, Libc.SOCK_STREAM | Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC, 0);
        if (fd < 0)
        {
            error = LastError;
            return -1;
        }

        // The mode of a socket file is fixed by umask(2) at bind(2), and a later chmod(2) would leave a gap.
        var mask = Libc.umask(0x7F);
        error = Bind(fd, SockAddr.OfUnix(path));
        _ = Libc.umask(mask);
        if (error == 0 && Libc.listen(fd, backlog) != 0)
            error = LastError;
        if (error == 0)
            return fd;
        _ = Libc.close(fd);
        return -1;
    }

    /// <summary>Whether nobody listens on the Unix socket at <paramref name="path"/>.</summary>
    public static bool IsAbandoned(string path) => UnixSockets.Try(path) == Errno.ECONNREFUSED;

    /// <summary>Takes a waiting connection; -1 where there is none.</summary>
    public static int Accept(int fd) => Libc.accept4(fd, null, null, Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC);

    /// <summary>
    /// Who connected to the other end of a Unix socket (SO_PEERCRED, unix(7)); none where the kernel does not say.
    /// </summary>
    public static Peer? PeerOf(int fd)
    {
        // struct ucred { pid_t pid; uid_t uid; gid_t gid; }
        var credentials = stackalloc uint[3];
        var length = 12u;
        if (Libc.getsockopt(fd, Libc.SOL_SOCKET, SoPeercred, credentials, &length) == 0)
            return new Peer((int)credentials[0], credentials[1]);
        Facilities.Refused(Facility.PeerUser, LastError);
        return null;
    }

    /// <summary>recv(2).</summary>
    public static int Receive(int fd, Span<byte> into)
    {
        fixed (byte* bytes = into)
            return (int)Libc.recv(fd, bytes, (nuint)into.Length, 0);
    }

    /// <summary>send(2) without SIGPIPE.</summary>
    public static int Send(int fd, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* first = bytes)
            return (int)Libc.send(fd, first, (nuint)bytes.Length, Libc.MSG_NOSIGNAL);
    }
}
