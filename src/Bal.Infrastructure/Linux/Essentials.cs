using Bal.Domain.Messages;
using LanguageExt;

namespace Bal.Infrastructure.Linux;

/// <summary>
/// What a serving bal cannot do without. Each is tried once at start, so that a sandbox which refuses one is named by a
/// problem, and not met by the first client.
/// </summary>
internal static unsafe class Essentials
{
    /// <summary>What is missing; none where bal can serve.</summary>
    public static Option<Problem> Missing()
    {
        int epoll = -1, wake = -1, signals = -1;
        var happened = stackalloc byte[16];
        try
        {
            if ((epoll = Libc.epoll_create1(Libc.EPOLL_CLOEXEC)) < 0)
                return Named("epoll_create1(2)", Sockets.LastError);
            if ((wake = Libc.eventfd(1, Libc.EFD_NONBLOCK | Libc.EFD_CLOEXEC)) < 0)
                return Named("eventfd(2)", Sockets.LastError);
            if ((signals = SignalMask.Open()) < 0)
                return Named("signalfd(2)", Errno.Last);
            *(uint*)happened = Libc.EPOLLIN;
            if (Libc.epoll_ctl(epoll, Libc.EPOLL_CTL_ADD, wake, happened) < 0)
                return Named("epoll_ctl(2)", Sockets.LastError);
            if (Libc.epoll_wait(epoll, happened, 1, 0) < 0 && Sockets.LastError != Errno.EINTR)
                return Named("epoll_wait(2)", Sockets.LastError);
            // Where there is such a call it finds that this is not a socket.
            _ = Libc.accept4(wake, null, null, Libc.SOCK_CLOEXEC);
            return Sockets.LastError == Errno.ENOTSOCK
                ? Option<Problem>.None
                : Named("accept4(2)", Sockets.LastError);
        }
        finally
        {
            foreach (var fd in (int[])[epoll, wake, signals])
            {
                if (fd >= 0)
                    _ = Libc.close(fd);
            }
        }
    }

    private static Problem Named(string call, int errno) => new(
        "kernel_refuses",
        $"bal cannot serve without {call}, which was refused: {Errno.Text(errno)}",
        errno is Errno.EMFILE or Errno.ENFILE or Errno.ENOMEM
            ? "a limit on open files or memory is reached: that of this process ('ulimit -n'), or the machine's"
            : "a sandbox or a container forbids it (seccomp), or this is an emulator that does not have it",
        errno is Errno.EMFILE or Errno.ENFILE or Errno.ENOMEM
            ? "raise the limit that the reason names, then start bal again"
            : "allow it in the sandbox's profile (under systemd, SystemCallFilter=@system-service has all that bal "
                + "needs), then start bal again");
}
