using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Infrastructure.Linux;
using LanguageExt;

namespace Bal.Infrastructure.Hosting;

/// <summary>
/// The listening socket of the page. The daemon has it open as well as the process that serves it, so that clients wait
/// while one of them is replaced.
/// </summary>
internal sealed class WebListener : IDisposable
{
    private const int Backlog = 128;

    private bool isAnothers;

    private WebListener(WebAddress address, int fd) => (Address, Fd) = (address, fd);

    public WebAddress Address { get; }

    public int Fd { get; }

    /// <summary>Opens it, or says why not.</summary>
    public static Either<Problem, WebListener> Open(WebAddress address)
    {
        var (fd, error) = address switch
        {
            WebAddress.Tcp tcp => OpenTcp(tcp.Endpoint),
            WebAddress.Unix unix => OpenUnix(unix.Path),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
        return fd >= 0 ? new WebListener(address, fd) : Failed(address, error);
    }

    /// <summary>One that another process has opened.</summary>
    public static WebListener Inherited(WebAddress address, int fd) => new(address, fd);

    /// <summary>It is another process's as well, which goes on with it.</summary>
    public void HandOver() => isAnothers = true;

    public void Dispose()
    {
        // Before it is closed: a path without a listener refuses clients that would find the next one.
        if (!isAnothers && Address is WebAddress.Unix unix)
            _ = Libc.unlink(unix.Path);
        _ = Libc.close(Fd);
    }

    private static (int Fd, int Error) OpenTcp(Endpoint endpoint)
    {
        var address = ((Host.Address)endpoint.Host).Value;
        var bytes = SockAddr.Of(address, endpoint.Port);
        var fd = Libc.socket(
            SockAddr.FamilyOf(bytes), Libc.SOCK_STREAM | Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC, 0);
        if (fd < 0)
            return (-1, Sockets.LastError);
        Sockets.SetOption(fd, Libc.SOL_SOCKET, Libc.SO_REUSEADDR, 1);
        var error = Sockets.Bind(fd, bytes);
        if (error == 0 && Libc.listen(fd, Backlog) != 0)
            error = Sockets.LastError;
        if (error == 0)
            return (fd, 0);
        _ = Libc.close(fd);
        return (-1, error);
    }

    private static (int Fd, int Error) OpenUnix(string path)
    {
        if (FileFacts.Of(path, follow: false) is { IsSocket: true } && Sockets.IsAbandoned(path))
            _ = Libc.unlink(path);
        return (Sockets.ListenUnix(path, Backlog, out var error), error);
    }

    private static Problem Failed(WebAddress address, int errno) => new(
        "web_listen_failed",
        $"the page and the metrics are not served: {address} cannot be listened on: {Errno.Text(errno)}",
        errno switch
        {
            Errno.EADDRINUSE => "another program, or another bal, already listens there",
            Errno.EADDRNOTAVAIL => "this machine does not have that address",
            Errno.EACCES or Errno.EPERM => "this user may not use that port or write in that directory",
            _ => "the address or the path is mistyped",
        },
        "correct 'web' in the configuration and run 'bal graceful', or free the address: bal tries again by itself");
}
