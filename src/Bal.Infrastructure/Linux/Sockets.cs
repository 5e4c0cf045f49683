using System.Net;
using System.Text;

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
    private const int PathBytes = 108;

    /// <summary>errno of the last call of this thread.</summary>
    public static int LastError => *Libc.ErrnoLocation();

    /// <summary>Starts a TCP connect; the descriptor, or -1 and the errno with which it could not even begin.</summary>
    public static int BeginConnect(ReadOnlySpan<byte> address, out int error)
    {
        var fd = Libc.socket(
            SockAddr.FamilyOf(address), Libc.SOCK_STREAM | Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC, 0);
        if (fd < 0)
        {
            error = LastError;
            return -1;
        }

        fixed (byte* bytes = address)
            error = Libc.connect(fd, bytes, (uint)address.Length) == 0 ? 0 : LastError;
        if (error is 0 or Errno.EINPROGRESS)
        {
            error = 0;
            return fd;
        }

        _ = Libc.close(fd);
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
        return Libc.setsockopt(fd, Libc.SOL_SOCKET, Libc.SO_ATTACH_FILTER, filter, (uint)(2 * sizeof(nint))) == 0;
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

    /// <summary>Whether it is a TCP socket that listens.</summary>
    public static bool IsListening(int fd) =>
        GetOption(fd, Libc.SOL_SOCKET, SoAcceptConn) == 1
            && GetOption(fd, Libc.SOL_SOCKET, SoProtocol) == Libc.IPPROTO_TCP;

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

        var address = stackalloc byte[2 + PathBytes];
        new Span<byte>(address, 2 + PathBytes).Clear();
        *(ushort*)address = Libc.AF_UNIX;
        var length = Encoding.UTF8.GetBytes(path, new Span<byte>(address + 2, PathBytes - 1));
        // The mode of a socket file is fixed by umask(2) at bind(2), and a later chmod(2) would leave a gap.
        var mask = Libc.umask(0x7F);
        error = Libc.bind(fd, address, (uint)(3 + length)) == 0 ? 0 : LastError;
        _ = Libc.umask(mask);
        if (error == 0 && Libc.listen(fd, backlog) != 0)
            error = LastError;
        if (error == 0)
            return fd;
        _ = Libc.close(fd);
        return -1;
    }

    /// <summary>Takes a waiting connection; -1 where there is none.</summary>
    public static int Accept(int fd) => Libc.accept4(fd, null, null, Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC);

    /// <summary>
    /// The user at the other end of a Unix socket (SO_PEERCRED, unix(7)); none where the kernel does not say.
    /// </summary>
    public static uint? PeerUser(int fd)
    {
        // struct ucred { pid_t pid; uid_t uid; gid_t gid; }
        var credentials = stackalloc uint[3];
        var length = 12u;
        return Libc.getsockopt(fd, Libc.SOL_SOCKET, SoPeercred, credentials, &length) == 0 ? credentials[1] : null;
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
