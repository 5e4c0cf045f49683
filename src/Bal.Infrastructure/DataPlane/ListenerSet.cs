using System.Net;
using System.Net.Sockets;
using Bal.Domain.Config;
using Bal.Domain.Diagnostics;
using Bal.Infrastructure.Diagnosis;
using Bal.Infrastructure.Linux;
using LanguageExt;

namespace Bal.Infrastructure.DataPlane;

/// <summary>The listening sockets of one service: one for each loop, on the same address by SO_REUSEPORT (socket(7)).</summary>
/// <param name="Listener">The address as configured.</param>
/// <param name="Descriptors">One a loop; the loops close them.</param>
/// <param name="Tag">Names the set to the loops.</param>
internal sealed record ListenerSet(Listener Listener, int[] Descriptors, int Tag)
{
    /// <summary>
    /// Opens <paramref name="count"/> sockets that listen on one address. A port that any other process holds is an error,
    /// even where SO_REUSEPORT would let both in: the first socket binds without that option, and gets it afterwards.
    /// </summary>
    /// <param name="listener">The address.</param>
    /// <param name="backlog">See listen(2).</param>
    /// <param name="count">How many.</param>
    /// <param name="tag">Names the set.</param>
    /// <param name="shareWithOwn">This process holds an overlapping address that is about to go.</param>
    public static Either<Problem, ListenerSet> Open(
        Listener listener, int backlog, int count, int tag, bool shareWithOwn) =>
        Resolve(listener).Bind(address =>
        {
            var sockets = new List<int>();
            for (var i = 0; i < count; i++)
            {
                var error = OpenOne(address, listener.Port, sockets, shared: i > 0 || shareWithOwn);
                if (error == 0)
                    continue;
                Close(sockets);
                return ProblemOf(listener, address, error);
            }

            // Listening comes last and together: a socket that listens alone would take every client for a moment.
            foreach (var socket in sockets)
            {
                if (Libc.listen(socket, backlog) == 0)
                    continue;
                var error = Sockets.LastError;
                Close(sockets);
                return ProblemOf(listener, address, error);
            }

            return Either<Problem, ListenerSet>.Right(new ListenerSet(listener, [.. sockets], tag));
        });

    /// <summary>Changes the backlog of sockets that listen already.</summary>
    public void SetBacklog(int backlog)
    {
        foreach (var socket in Descriptors)
            _ = Libc.listen(socket, backlog);
    }

    /// <summary>Closes sockets that no loop has seen.</summary>
    public void Discard() => Close(Descriptors);

    private static void Close(IEnumerable<int> sockets)
    {
        foreach (var socket in sockets)
            _ = Libc.close(socket);
    }

    private static int OpenOne(IPAddress address, int port, List<int> sockets, bool shared)
    {
        var bytes = SockAddr.Of(address, port);
        var fd = Libc.socket(
            SockAddr.FamilyOf(bytes), Libc.SOCK_STREAM | Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC, 0);
        if (fd < 0)
            return Sockets.LastError;
        sockets.Add(fd);
        Sockets.SetOption(fd, Libc.SOL_SOCKET, Libc.SO_REUSEADDR, 1);
        // Accepted sockets inherit it: one system call less for each connection.
        Sockets.SetOption(fd, Libc.IPPROTO_TCP, Libc.TCP_NODELAY, 1);
        if (address.Equals(IPAddress.IPv6Any))
            Sockets.SetOption(fd, Libc.IPPROTO_IPV6, Libc.IPV6_V6ONLY, 0);
        if (shared)
            Sockets.SetOption(fd, Libc.SOL_SOCKET, Libc.SO_REUSEPORT, 1);
        var error = Sockets.Bind(fd, bytes);
        if (!shared)
            Sockets.SetOption(fd, Libc.SOL_SOCKET, Libc.SO_REUSEPORT, 1);
        return error;
    }

    private static Either<Problem, IPAddress> Resolve(Listener listener)
    {
        if (listener.BindAddress is Bal.Domain.Primitives.Host.Address literal)
            return literal.Value;
        try
        {
            return Dns.GetHostAddresses(listener.BindAddress.ToString())[0];
        }
        catch (SocketException e)
        {
            return Faulty(listener, new BindOutcome.Unresolved(e.Message));
        }
    }

    private static Problem ProblemOf(Listener listener, IPAddress address, int error) => Faulty(listener, error switch
    {
        Errno.EADDRINUSE => new BindOutcome.HeldByOther(
            SocketTable.HolderOf(SocketTable.ListenersOn(new IPEndPoint(address, listener.Port)))),
        Errno.EACCES => new BindOutcome.NotPermitted(1024),
        Errno.EADDRNOTAVAIL => new BindOutcome.NotLocal(),
        _ => new BindOutcome.Failed(Errno.Text(error)),
    });

    // The same words as doctor's, since it is the same fault.
    private static Problem Faulty(Listener listener, BindOutcome outcome) =>
        BindCheck.Of(new BindFact(listener, outcome)).Problem.IfNone(
            () => throw new System.Diagnostics.UnreachableException());
}
