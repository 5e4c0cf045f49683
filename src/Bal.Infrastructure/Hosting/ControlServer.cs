using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Infrastructure.Linux;
using Bal.Infrastructure.Reacting;
using LanguageExt;

namespace Bal.Infrastructure.Hosting;

/// <summary>
/// The control socket: one line of text is the request, one JSON object the answer, then the connection is closed.
/// Served to root and the daemon's own user only. Bounded: <see cref="MaxClients"/> at once, <see cref="MaxRequest"/>
/// bytes, <see cref="Patience"/> for a client to ask and again to take its answer, whatever it does or leaves undone.
/// </summary>
internal sealed class ControlServer : IDisposable
{
    public const int MaxClients = 16;
    public const int MaxRequest = 4_096;
    public static readonly Duration Patience = new(5_000);

    private const int AcceptsInARow = 64;
    private static readonly Duration Pause = new(50);
    private static readonly Duration Stalling = new(1_000);

    private readonly Reactor reactor;
    private readonly string path;
    private readonly Action<string, Peer, Action<byte[]>> serve;
    // In the order of their coming.
    private readonly List<Client> clients = [];
    private int fd;
    private ulong tag;
    private bool listens;
    private bool isSuccessors;
    // What lies at the path because of this socket.
    private FileFacts? bound;
    // A low number, kept for a client: the limit may be lowered below what is open (prlimit(2)), and then no other one
    // can be had.
    private int spare = -1;
    // One for all: a timer each would outlive the clients that come and go, thousands a second, for as long as it runs.
    private Timers.Timer? oldest;
    private bool resting;

    private ControlServer(Reactor reactor, string path, int fd, Action<string, Peer, Action<byte[]>> serve) =>
        (this.reactor, this.path, this.fd, this.serve, bound) =
            (reactor, path, fd, serve, FileFacts.Of(path, follow: false));

    /// <summary>To be passed to a process that takes the socket over: its queue is never closed.</summary>
    public int Descriptor => fd;

    /// <summary>Opens the socket at <paramref name="path"/>, replacing one that an earlier process has left.</summary>
    /// <param name="reactor">The thread that serves.</param>
    /// <param name="path">At most 107 bytes (unix(7)).</param>
    /// <param name="serve">
    /// Gets a request, who sent it, and a function for its answer, to be called once, on this thread.
    /// </param>
    public static Either<Problem, ControlServer> Open(
        Reactor reactor, string path, Action<string, Peer, Action<byte[]>> serve)
    {
        // The PID lock is held: whatever lies here belongs to no running bal. unlink(2) follows no symbolic link.
        _ = Libc.unlink(path);
        var fd = Sockets.ListenUnix(path, MaxClients, out var error);
        if (fd < 0)
            return Failed(path, error);
        var server = new ControlServer(reactor, path, fd, serve);
        server.Listen();
        return server;
    }

    /// <summary>The socket of a process that is being replaced; nobody is served before <see cref="Listen"/>.</summary>
    public static ControlServer Adopt(
        Reactor reactor, string path, int fd, Action<string, Peer, Action<byte[]>> serve) =>
        new(reactor, path, fd, serve) { isSuccessors = true };

    /// <summary>Serves who comes from now on; the socket is this process's.</summary>
    public void Listen()
    {
        isSuccessors = false;
        if (listens)
            return;
        listens = true;
        KeepSpare();
        tag = reactor.Watch(fd, Libc.EPOLLIN, _ => Accept());
    }

    /// <summary>Leaves who comes from now on to another process; who has asked already is answered.</summary>
    public void LeaveToSuccessor()
    {
        isSuccessors = true;
        if (!listens)
            return;
        listens = false;
        reactor.Unwatch(fd, tag);
    }

    /// <summary>Closes the listening socket, which is another process's; who has asked already is answered.</summary>
    public void CloseListener()
    {
        LeaveToSuccessor();
        _ = Libc.close(fd);
        fd = -1;
    }

    /// <summary>How often the socket had to be restored.</summary>
    public int Restored { get; private set; }

    /// <summary>
    /// Opens the socket anew where somebody has removed it, or put another one there that nobody listens on. Anything
    /// else stays as it is.
    /// </summary>
    /// <returns>Whether it was restored.</returns>
    public Either<Problem, bool> Restore()
    {
        if (!listens)
            return false;
        if (FileFacts.Of(path, follow: false) is { } there)
        {
            if (bound is { } mine && mine.IsSameFile(there))
                return false;
            if (!there.IsSocket || !Sockets.IsAbandoned(path))
                return Taken(path);
            _ = Libc.unlink(path);
        }

        var again = Sockets.ListenUnix(path, MaxClients, out var error);
        if (again < 0)
            return Failed(path, error);
        reactor.Unwatch(fd, tag);
        _ = Libc.close(fd);
        (fd, tag) = (again, reactor.Watch(again, Libc.EPOLLIN, _ => Accept()));
        bound = FileFacts.Of(path, follow: false);
        Restored++;
        return true;
    }

    public void Dispose()
    {
        foreach (var client in clients.ToArray())
            client.Close();
        _ = GiveSpare();
        oldest?.Cancel();
        resting = false;
        if (listens)
            reactor.Unwatch(fd, tag);
        if (fd >= 0)
            _ = Libc.close(fd);
        // Whoever has replaced the file meanwhile keeps his.
        if (!isSuccessors && FileFacts.Of(path, follow: false) is { } there && bound is { } mine
            && mine.IsSameFile(there))
            _ = Libc.unlink(path);
    }

    private static Problem Taken(string path) => new(
        "control_socket_taken",
        $"{path} is not the control socket of this bal (pid={Environment.ProcessId}): commands do not reach it",
        "something else was put there after the socket was removed",
        $"look at it with 'ls -l {path}' and remove it: bal restores its socket");

    private static Problem Failed(string path, int error) => Directory.Exists(path)
        ? new(
            "control_socket_failed",
            $"{path} is a directory, and bal needs that name for its control socket",
            "it was created by mistake, for example by a container's volume mount",
            $"remove it with 'rmdir {path}', then start bal again")
        : new(
            "control_socket_failed",
            $"the control socket {path} cannot be opened: {Errno.Text(error)}",
            "the directory is not writable for this user, or its file system is full or does not support sockets",
            "check 'ls -ld' of the directory and 'df', or set BAL_HOME to another directory");

    // The rest of a crowd is reported again: it must not keep this thread from everything else.
    private void Accept()
    {
        for (var accepted = 0; accepted < AcceptsInARow; accepted++)
        {
            if (!CanMakeRoom())
            {
                Rest();
                return;
            }

            var client = Sockets.Accept(fd);
            if (client < 0 && Sockets.LastError == Errno.EMFILE && GiveSpare())
                client = Sockets.Accept(fd);
            if (client < 0)
            {
                // Level-triggered: a client that cannot be taken for want of a descriptor would be reported without
                // end.
                if (Sockets.LastError != Errno.EAGAIN)
                    Rest();
                return;
            }

            if (Sockets.PeerOf(client) is { } peer && IsAllowed(peer))
                Add(client, peer);
            else
                _ = Libc.close(client);
        }
    }

    // Those that ask nothing, or never read what they asked for, must not lock out one that does. Whether a request has
    // come meanwhile is looked at first, and nobody is sent away whose answer is being made: while all wait for theirs,
    // the newcomer waits in the queue of the socket.
    private bool CanMakeRoom()
    {
        if (clients.Count < MaxClients)
            return true;
        foreach (var client in clients.ToArray())
            client.Listen();
        return clients.Count < MaxClients || clients.Exists(c => c.MayGiveWay);
    }

    private void Add(int client, Peer peer)
    {
        // Who has been silent for longest gives way.
        if (clients.Count >= MaxClients)
            clients.Find(c => c.MayGiveWay)?.Close();
        clients.Add(new Client(this, client, peer));
        oldest ??= reactor.After(Patience, CloseOverdue);
    }

    private void CloseOverdue()
    {
        oldest = null;
        var now = reactor.Now;
        foreach (var overdue in clients.FindAll(c => c.Due.IsDue(now)))
            overdue.Close();
        var next = clients.Aggregate(Instant.Never, (due, client) => Instant.Min(due, client.Due));
        if (next != Instant.Never)
            oldest = reactor.After(next.Since(now), CloseOverdue);
    }

    private void KeepSpare()
    {
        if (spare < 0)
            spare = Sockets.Duplicate(reactor.Wake.Fd);
    }

    private bool GiveSpare()
    {
        if (spare < 0)
            return false;
        _ = Libc.close(spare);
        spare = -1;
        return true;
    }

    private void Rest()
    {
        resting = true;
        reactor.Rewatch(fd, 0, tag);
        reactor.After(Pause, Resume);
    }

    private void Resume()
    {
        if (!resting || !listens)
            return;
        resting = false;
        reactor.Rewatch(fd, Libc.EPOLLIN, tag);
    }

    private static bool IsAllowed(Peer peer) => peer.User == 0 || peer.User == Libc.geteuid();

    private sealed class Client
    {
        private readonly ControlServer server;
        private readonly int fd;
        private readonly Peer peer;
        private readonly ulong tag;
        private readonly RequestLine request = new(MaxRequest);
        private byte[]? answer;
        private int sent;
        private Instant lastProgress;
        private bool served;
        private bool closed;

        public Client(ControlServer server, int fd, Peer peer)
        {
            (this.server, this.fd, this.peer) = (server, fd, peer);
            Due = server.reactor.Now.Plus(Patience);
            tag = server.reactor.Watch(fd, Libc.EPOLLIN, OnEvent);
        }

        /// <summary>When it has to be done.</summary>
        public Instant Due { get; private set; }

        /// <summary>Whether it has not asked yet, or does not take its answer.</summary>
        public bool MayGiveWay => answer is null
            ? !served
            : lastProgress.Plus(Stalling).IsDue(server.reactor.Now);

        /// <summary>Takes what has come of its request.</summary>
        public void Listen()
        {
            if (!served && answer is null)
                Receive();
        }

        public void Close()
        {
            if (closed)
                return;
            closed = true;
            server.clients.Remove(this);
            server.reactor.Unwatch(fd, tag);
            _ = Libc.close(fd);
            server.KeepSpare();
            server.Resume();
        }

        private void OnEvent(uint what)
        {
            if (answer is not null)
                Send();
            else if (!served)
                Receive();
            else if ((what & (Libc.EPOLLHUP | Libc.EPOLLERR)) != 0)
                // Nothing else is expected from a client that waits for its answer. That its request can be read may be
                // an event of the same batch in which it was read already, to see who gives way.
                Close();
        }

        private void Receive()
        {
            Span<byte> chunk = stackalloc byte[1024];
            while (request.State == RequestState.Incomplete)
            {
                var read = Sockets.Receive(fd, chunk);
                if (read < 0 && Sockets.LastError == Errno.EAGAIN)
                    return;
                if (read < 0)
                {
                    Close();
                    return;
                }

                if (read == 0)
                    request.End();
                else
                    request.Take(chunk[..read]);
            }

            if (request.State == RequestState.TooLong)
                Answer("{\"error\": \"the request is longer than 4096 bytes\"}\n"u8.ToArray());
            else
                Serve(request.Text);
        }

        private void Serve(string line)
        {
            served = true;
            // How long the answer takes is for who gives it to bound: an upgrade waits for another process.
            Due = Instant.Never;
            // Only EPOLLHUP and EPOLLERR from here on, until there is something to send.
            server.reactor.Rewatch(fd, 0, tag);
            server.serve(line, peer, Answer);
        }

        private void Answer(byte[] bytes)
        {
            if (closed)
                return;
            answer = bytes;
            Due = server.reactor.Now.Plus(Patience);
            server.oldest ??= server.reactor.After(Patience, server.CloseOverdue);
            lastProgress = server.reactor.Now;
            Send();
        }

        private void Send()
        {
            while (sent < answer!.Length)
            {
                var count = Sockets.Send(fd, answer.AsSpan(sent));
                if (count < 0 && Sockets.LastError == Errno.EAGAIN)
                {
                    server.reactor.Rewatch(fd, Libc.EPOLLOUT, tag);
                    return;
                }

                if (count < 0)
                    break;
                sent += count;
                lastProgress = server.reactor.Now;
            }

            Close();
        }
    }
}
