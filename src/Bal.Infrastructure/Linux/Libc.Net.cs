using System.Runtime.InteropServices;

namespace Bal.Infrastructure.Linux;

/// <summary>
/// Sockets, epoll and eventfd. The signatures are blittable and set no managed errno: the callers on the hot path read
/// errno through <see cref="ErrnoLocation"/>, whose address is constant for a thread.
/// </summary>
internal static unsafe partial class Libc
{
    internal const int AF_UNIX = 1;
    internal const int AF_INET = 2;
    internal const int AF_INET6 = 10;
    internal const int SOCK_STREAM = 1;
    internal const int SOCK_DGRAM = 2;
    internal const int SOCK_NONBLOCK = 0x800;
    internal const int SOCK_CLOEXEC = 0x80000;
    internal const int SOL_SOCKET = 1;
    internal const int SO_REUSEADDR = 2;
    internal const int SO_ERROR = 4;
    internal const int SO_KEEPALIVE = 9;
    internal const int SO_LINGER = 13;
    internal const int SO_REUSEPORT = 15;
    internal const int SO_RCVLOWAT = 18;
    internal const int SO_ATTACH_FILTER = 26;
    internal const int IPPROTO_IP = 0;
    internal const int IP_FREEBIND = 15;
    internal const int IP_BIND_ADDRESS_NO_PORT = 24;
    internal const int IPPROTO_TCP = 6;
    internal const int TCP_NODELAY = 1;
    internal const int TCP_KEEPIDLE = 4;
    internal const int TCP_KEEPINTVL = 5;
    internal const int TCP_KEEPCNT = 6;
    internal const int TCP_QUICKACK = 12;
    internal const int TCP_CONGESTION = 13;
    internal const int IPPROTO_IPV6 = 41;
    internal const int IPV6_V6ONLY = 26;
    internal const int IPV6_FREEBIND = 78;
    internal const int MSG_PEEK = 2;
    internal const int MSG_NOSIGNAL = 0x4000;
    internal const int MSG_MORE = 0x8000;
    internal const int SHUT_WR = 1;
    internal const int SO_OOBINLINE = 10;
    internal const int SIOCOUTQ = 0x5411;
    internal const uint SPLICE_F_MOVE = 1;
    internal const uint SPLICE_F_NONBLOCK = 2;
    internal const int SIOCINQ = 0x541B;

    internal const int EPOLL_CLOEXEC = 0x80000;
    internal const int EPOLL_CTL_ADD = 1;
    internal const int EPOLL_CTL_DEL = 2;
    internal const int EPOLL_CTL_MOD = 3;
    internal const uint EPOLLIN = 0x1;
    internal const uint EPOLLPRI = 0x2;
    internal const uint EPOLLOUT = 0x4;
    internal const uint EPOLLERR = 0x8;
    internal const uint EPOLLHUP = 0x10;
    internal const uint EPOLLRDHUP = 0x2000;
    internal const uint EPOLLET = 1u << 31;

    internal const int EFD_NONBLOCK = 0x800;
    internal const int EFD_CLOEXEC = 0x80000;

    [DllImport("libc", EntryPoint = "__errno_location")]
    internal static extern int* ErrnoLocation();

    [DllImport("libc")]
    internal static extern int socket(int domain, int type, int protocol);

    [DllImport("libc")]
    internal static extern int bind(int fd, byte* address, uint length);

    [DllImport("libc")]
    internal static extern int listen(int fd, int backlog);

    [DllImport("libc")]
    internal static extern int accept4(int fd, byte* address, uint* length, int flags);

    [DllImport("libc")]
    internal static extern int connect(int fd, byte* address, uint length);

    [DllImport("libc")]
    internal static extern int getsockname(int fd, byte* address, uint* length);

    [DllImport("libc")]
    internal static extern int getpeername(int fd, byte* address, uint* length);

    [DllImport("libc")]
    internal static extern int setsockopt(int fd, int level, int name, void* value, uint length);

    [DllImport("libc")]
    internal static extern int getsockopt(int fd, int level, int name, void* value, uint* length);

    [DllImport("libc")]
    internal static extern nint recv(int fd, byte* buffer, nuint length, int flags);

    [DllImport("libc")]
    internal static extern nint send(int fd, byte* buffer, nuint length, int flags);

    [DllImport("libc")]
    internal static extern nint sendto(
        int fd, byte* buffer, nuint length, int flags, byte* address, uint addressLength);

    [DllImport("libc")]
    internal static extern nint splice(int from, long* fromOffset, int to, long* toOffset, nuint length, uint flags);

    [DllImport("libc")]
    internal static extern int shutdown(int fd, int how);

    [DllImport("libc")]
    internal static extern int ioctl(int fd, nuint request, int* value);

    [DllImport("libc")]
    internal static extern int epoll_create1(int flags);

    [DllImport("libc")]
    internal static extern int epoll_ctl(int epoll, int operation, int fd, byte* epollEvent);

    [DllImport("libc")]
    internal static extern int epoll_wait(int epoll, byte* events, int maxEvents, int timeoutMs);

    [DllImport("libc")]
    internal static extern uint umask(uint mask);

    [DllImport("libc")]
    internal static extern int eventfd(uint initial, int flags);
}
