using System.Net;
using Bal.Domain.Config;
using Bal.Domain.Doctor;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Relay;
using Bal.Infrastructure.Linux;
using LanguageExt;

namespace Bal.Infrastructure.DataPlane;

/// <summary>The listening sockets of one address: one for each loop, by SO_REUSEPORT (socket(7)).</summary>
/// <param name="descriptors">At least one a loop; the loops close them.</param>
/// <param name="tag">Names the set to the loops.</param>
internal sealed class ListenerSet(int[] descriptors, int tag)
{
    /// <summary>The descriptors, the loops' as soon as they know of them.</summary>
    public int[] Descriptors { get; } = descriptors;

    /// <summary>What the loops call it.</summary>
    public int Tag => tag;

    /// <summary>The descriptors that are sockets of their own; what follows are duplicates of them.</summary>
    public int[] Distinct { get; init; } = descriptors;

    /// <summary>A service manager keeps them open, so that nothing may be changed that would stay.</summary>
    public bool OutlivesBal { get; init; }

    /// <summary>The file of a Unix socket that ends with bal; null for addresses of IP.</summary>
    public SocketFile? File { get; private set; }

    /// <summary>Whether they are Unix sockets.</summary>
    public bool IsUnix { get; init; }

    /// <summary>Whether this process has made the file, and no other one has it.</summary>
    public bool IsNew { get; private init; }

    /// <summary>What permits clients to connect to the file; null where it has yet to be said.</summary>
    private int? mode;

    /// <summary>The queue that was asked for.</summary>
    public int Backlog { get; private set; }

    /// <summary>How peers are looked after; null where it has yet to be said.</summary>
    public Keepalive? Keepalive { get; private set; }

    /// <summary>
    /// The service whose clients come by it, until they say which of <see cref="Services"/> they want; null until the
    /// loops know of it.
    /// </summary>
    public ServicePlane? Owner { get; set; }

    /// <summary>Every service whose clients come by it.</summary>
    public IReadOnlyList<ServicePlane> Services { get; set; } = [];

    /// <summary>Whether its clients are asked for names.</summary>
    public bool HasNames { get; set; }

    /// <summary>
    /// Opens <paramref name="count"/> sockets that listen on one address. A port that any other process holds is an
    /// error, even where SO_REUSEPORT would let both in: the first socket binds without that option, and gets it
    /// afterwards. Where bal itself holds an overlapping address that is about to go, or still going, it is shared.
    /// </summary>
    /// <param name="address">The address.</param>
    /// <param name="backlog">See listen(2).</param>
    /// <param name="count">How many.</param>
    /// <param name="tag">Names the set.</param>
    /// <param name="freebind">See <see cref="Service.Freebind"/>.</param>
    /// <param name="mode">See <see cref="Service.SocketMode"/>.</param>
    public static Either<Problem, ListenerSet> Open(
        BoundAddress address, int backlog, int count, int tag, bool freebind = false,
        int mode = Service.DefaultSocketMode)
    {
        if (address.Path is not null)
            return OpenUnix(address, backlog, count, tag, mode);
        var sockets = new List<int>();
        for (var i = 0; i < count; i++)
        {
            var error = OpenOne(address, sockets, shared: i > 0, freebind);
            if (error == Errno.EADDRINUSE && i == 0)
                error = OpenBesideOwn(address, sockets, freebind);
            if (error != 0)
            {
                Close(sockets);
                return ProblemOf(address, error);
            }

            if (!IsShared(sockets[0]))
                break;
        }

        // Without SO_REUSEPORT there is one, and every loop accepts from it.
        int[] distinct = [.. sockets];
        Sockets.DuplicateUpTo(count, sockets);

        // Listening comes last and together, so that the first one takes every client for a moment only.
        foreach (var socket in sockets)
        {
            if (Libc.listen(socket, backlog) == 0)
                continue;
            var error = Sockets.LastError;
            Close(sockets);
            return ProblemOf(address, error);
        }

        return new ListenerSet([.. sockets], tag) { Backlog = backlog, Distinct = distinct };
    }

    // One socket, of which every loop has a descriptor.
    private static Either<Problem, ListenerSet> OpenUnix(
        BoundAddress address, int backlog, int count, int tag, int mode) =>
        UnixSockets.Listen(address.Path!, backlog, mode)
            .MapLeft(outcome => Faulty(new Listener(address.Endpoint.Host, 0), outcome))
            .Map(opened =>
            {
                var sockets = new List<int> { opened.Fd };
                Sockets.DuplicateUpTo(count, sockets);
                return new ListenerSet([.. sockets], tag)
                {
                    Backlog = backlog,
                    Distinct = [opened.Fd],
                    IsUnix = true,
                    IsNew = true,
                    File = opened.File,
                    mode = mode,
                };
            });

    /// <summary>
    /// Why an address could not be opened beside what bal itself holds; none where it could. It is bound for a moment
    /// and never listens, so that no client is taken.
    /// </summary>
    public static Option<Problem> Rehearse(BoundAddress address, bool freebind)
    {
        if (address.Path is not null)
        {
            var outcome = UnixSockets.RoomFor(address.Path);
            return outcome is BindOutcome.Free
                ? Option<Problem>.None
                : Faulty(new Listener(address.Endpoint.Host, 0), outcome);
        }

        var error = BindOnce(address, freebind);
        return error == 0 || (error == Errno.EADDRINUSE && SocketTable.OthersOn(address.EndPoint).Count == 0)
            ? Option<Problem>.None
            : ProblemOf(address, error);
    }

    /// <summary>Changes the backlog of sockets that listen already.</summary>
    public void SetBacklog(int backlog)
    {
        if (backlog == Backlog)
            return;
        Backlog = backlog;
        foreach (var socket in Distinct)
            _ = Libc.listen(socket, backlog);
    }

    /// <summary>Changes how the peers of connections are looked after that are accepted from now on.</summary>
    public void SetKeepalive(Keepalive keepalive)
    {
        if (keepalive == Keepalive || IsUnix)
            return;
        Keepalive = keepalive;
        foreach (var socket in Distinct)
            Sockets.SetKeepalive(socket, keepalive);
    }

    /// <summary>Changes who may connect to the file.</summary>
    public void SetMode(int wanted)
    {
        if (File is not { } file || wanted == mode)
            return;
        mode = wanted;
        _ = file.SetMode(wanted);
    }

    /// <summary>
    /// Removes the file, so that nobody comes any more; before the sockets are closed, or clients would be refused that
    /// could find the next one.
    /// </summary>
    public void RemoveFile()
    {
        File?.Unlink();
        File = null;
    }

    /// <summary>The file is another's from now on.</summary>
    public void LeaveFile() => File = null;

    /// <summary>The file is this process's from now on.</summary>
    public void TakeFile(string path) => File = SocketFile.At(path);

    /// <summary>Closes sockets that no loop has seen.</summary>
    public void Discard()
    {
        if (IsNew)
            RemoveFile();
        Close(Descriptors);
    }

    /// <summary>Opens one socket of a group; zero or errno.</summary>
    internal static int OpenOne(BoundAddress address, List<int> sockets, bool shared, bool freebind)
    {
        var fd = NewSocket(address, freebind, out var bytes);
        if (fd < 0)
            return Sockets.LastError;
        // Accepted sockets inherit it: one system call less for each connection.
        Sockets.SetOption(fd, Libc.IPPROTO_TCP, Libc.TCP_NODELAY, 1);
        LoopbackSockets.Prepare(fd, bytes);
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
            _ = Sockets.SetOption(fd, Libc.SOL_SOCKET, Libc.SO_REUSEPORT, 1, Facility.ReusePort);
        return 0;
    }

    /// <summary>Whether others may be bound beside it.</summary>
    internal static bool IsShared(int socket) =>
        Sockets.GetOption(socket, Libc.SOL_SOCKET, Libc.SO_REUSEPORT) == 1;

    private static int BindOnce(BoundAddress address, bool freebind)
    {
        var fd = NewSocket(address, freebind, out var bytes);
        if (fd < 0)
            return Sockets.LastError;
        var error = Sockets.Bind(fd, bytes);
        _ = Libc.close(fd);
        return error;
    }

    private static int NewSocket(BoundAddress address, bool freebind, out byte[] bytes)
    {
        bytes = address.Bytes;
        var fd = Libc.socket(
            SockAddr.FamilyOf(bytes), Libc.SOCK_STREAM | Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC, 0);
        if (fd < 0)
            return fd;
        _ = Sockets.SetOption(fd, Libc.SOL_SOCKET, Libc.SO_REUSEADDR, 1, Facility.ReuseAddress);
        if (address.Address.Equals(IPAddress.IPv6Any))
            Sockets.SetOption(fd, Libc.IPPROTO_IPV6, Libc.IPV6_V6ONLY, address.V6Only ? 1 : 0);
        if (freebind)
            Sockets.SetFreebind(fd, SockAddr.FamilyOf(bytes));
        return fd;
    }

    private static void Close(IEnumerable<int> sockets)
    {
        foreach (var socket in sockets)
            _ = Libc.close(socket);
    }

    // With SO_REUSEPORT bind(2) would pass over another process's sockets in silence, so they are looked for first.
    // Where there are none at all, bal's own have gone meanwhile.
    private static int OpenBesideOwn(BoundAddress address, List<int> sockets, bool freebind) =>
        SocketTable.OthersOn(address.EndPoint).Count > 0
            ? Errno.EADDRINUSE
            : OpenOne(address, sockets, shared: SocketTable.ListenersOn(address.EndPoint).Count > 0, freebind);

    private static Problem ProblemOf(BoundAddress address, int error) =>
        Faulty(new Listener(new Host.Address(address.Address), address.Port), error switch
        {
            Errno.EADDRINUSE => new BindOutcome.HeldByOther(
                SocketTable.HolderOf(SocketTable.OthersOn(address.EndPoint))),
            Errno.EACCES => new BindOutcome.NotPermitted(MachineFacts.FirstUnprivilegedPort()),
            Errno.EADDRNOTAVAIL => new BindOutcome.NotLocal(),
            _ => new BindOutcome.Failed(Errno.Text(error)),
        });

    /// <summary>The same words as doctor's, since it is the same fault.</summary>
    internal static Problem Faulty(Listener listener, BindOutcome outcome) =>
        BindCheck.Of(new BindFact(listener, outcome)).Problem.IfNone(
            () => throw new System.Diagnostics.UnreachableException());
}
