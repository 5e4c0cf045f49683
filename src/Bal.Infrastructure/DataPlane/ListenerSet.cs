using System.Net;
using Bal.Domain.Config;
using Bal.Domain.Doctor;
using Bal.Domain.Messages;
using Bal.Infrastructure.Linux;
using LanguageExt;

namespace Bal.Infrastructure.DataPlane;

/// <summary>The listening sockets of one service: one for each loop, on the same address by SO_REUSEPORT (socket(7)).</summary>
/// <param name="Listener">The address as configured.</param>
/// <param name="Descriptors">At least one a loop; the loops close them.</param>
/// <param name="Tag">Names the set to the loops.</param>
internal sealed record ListenerSet(Listener Listener, int[] Descriptors, int Tag)
{
    /// <summary>The descriptors that are sockets of their own; what follows are duplicates of them.</summary>
    public int[] Distinct { get; init; } = Descriptors;

    /// <summary>A service manager keeps them open, so that nothing may be changed that would stay.</summary>
    public bool OutlivesBal { get; init; }

    /// <summary>
    /// Opens <paramref name="count"/> sockets that listen on one address. A port that any other process holds is an error,
    /// even where SO_REUSEPORT would let both in: the first socket binds without that option, and gets it afterwards.
    /// Where bal itself holds an overlapping address that is about to go, or still going, it is shared.
    /// </summary>
    /// <param name="listener">The address.</param>
    /// <param name="backlog">See listen(2).</param>
    /// <param name="count">How many.</param>
    /// <param name="tag">Names the set.</param>
    public static Either<Problem, ListenerSet> Open(Listener listener, int backlog, int count, int tag) =>
        Resolve(listener).Bind(address =>
        {
            var sockets = new List<int>();
            for (var i = 0; i < count; i++)
            {
                var error = OpenOne(address, listener.Port, sockets, shared: i > 0);
                if (error == Errno.EADDRINUSE && i == 0)
                    error = OpenBesideOwn(address, listener.Port, sockets);
                if (error == 0)
                    continue;
                Close(sockets);
                return ProblemOf(listener, address, error);
            }

            // Listening comes last and together, so that the first one takes every client for a moment only.
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

    /// <summary>
    /// Why an address could not be opened beside what bal itself holds; none where it could. It is bound for a moment and
    /// never listens, so that no client is taken.
    /// </summary>
    public static Option<Problem> Rehearse(Listener listener) => Resolve(listener).Match(
        Right: address =>
        {
            var wanted = new IPEndPoint(address, listener.Port);
            var error = BindOnce(SockAddr.Of(address, listener.Port));
            return error == 0 || (error == Errno.EADDRINUSE && SocketTable.OthersOn(wanted).Count == 0)
                ? Option<Problem>.None
                : ProblemOf(listener, address, error);
        },
        Left: problem => problem);

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

    /// <summary>Opens one socket of a group; zero or errno.</summary>
    internal static int OpenOne(IPAddress address, int port, List<int> sockets, bool shared)
    {
        var bytes = SockAddr.Of(address, port);
        var fd = Libc.socket(
            SockAddr.FamilyOf(bytes), Libc.SOCK_STREAM | Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC, 0);
        if (fd < 0)
            return Sockets.LastError;
        Sockets.SetOption(fd, Libc.SOL_SOCKET, Libc.SO_REUSEADDR, 1);
        // Accepted sockets inherit it: one system call less for each connection.
        Sockets.SetOption(fd, Libc.IPPROTO_TCP, Libc.TCP_NODELAY, 1);
        LoopbackSockets.Prepare(fd, bytes);
        if (address.Equals(IPAddress.IPv6Any))
            Sockets.SetOption(fd, Libc.IPPROTO_IPV6, Libc.IPV6_V6ONLY, 0);
        if (shared)
            Sockets.SetOption(fd, Libc.SOL_SOCKET, Libc.SO_REUSEPORT, 1);
        var error = Sockets.Bind(fd, bytes);
        // Two processes that start at the same moment can both bind, with SO_REUSEADDR, as long as neither listens; of
        // two that listen without SO_REUSEPORT the second fails.
        if (error == 0 && !shared && Libc.listen(fd, 1) != 0)
            error = Sockets.LastError;
        if (error != 0)
        {
            _ = Libc.close(fd);
            return error;
        }

        sockets.Add(fd);
        if (!shared)
            Sockets.SetOption(fd, Libc.SOL_SOCKET, Libc.SO_REUSEPORT, 1);
        return 0;
    }

    private static int BindOnce(byte[] address)
    {
        var fd = Libc.socket(
            SockAddr.FamilyOf(address), Libc.SOCK_STREAM | Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC, 0);
        if (fd < 0)
            return Sockets.LastError;
        Sockets.SetOption(fd, Libc.SOL_SOCKET, Libc.SO_REUSEADDR, 1);
        var error = Sockets.Bind(fd, address);
        _ = Libc.close(fd);
        return error;
    }

    private static Either<Problem, IPAddress> Resolve(Listener listener)
    {
        if (listener.BindAddress is Bal.Domain.Primitives.Host.Address literal)
            return literal.Value;
        return BindNames.AddressOf(listener.BindAddress.ToString())
            .MapLeft(why => Faulty(listener, new BindOutcome.Unresolved(why)));
    }

    private static Problem ProblemOf(Listener listener, IPAddress address, int error) => Faulty(listener, error switch
    {
        Errno.EADDRINUSE => new BindOutcome.HeldByOther(
            SocketTable.HolderOf(SocketTable.OthersOn(new IPEndPoint(address, listener.Port)))),
        Errno.EACCES => new BindOutcome.NotPermitted(MachineFacts.FirstUnprivilegedPort()),
        Errno.EADDRNOTAVAIL => new BindOutcome.NotLocal(),
        _ => new BindOutcome.Failed(Errno.Text(error)),
    });

    // With SO_REUSEPORT bind(2) would pass over another process's sockets in silence, so they are looked for first. Where
    // there are none at all, bal's own have gone meanwhile.
    private static int OpenBesideOwn(IPAddress address, int port, List<int> sockets)
    {
        var wanted = new IPEndPoint(address, port);
        return SocketTable.OthersOn(wanted).Count > 0
            ? Errno.EADDRINUSE
            : OpenOne(address, port, sockets, shared: SocketTable.ListenersOn(wanted).Count > 0);
    }

    // The same words as doctor's, since it is the same fault.
    private static Problem Faulty(Listener listener, BindOutcome outcome) =>
        BindCheck.Of(new BindFact(listener, outcome)).Problem.IfNone(
            () => throw new System.Diagnostics.UnreachableException());
}
