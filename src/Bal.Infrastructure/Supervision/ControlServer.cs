using System.Runtime.InteropServices;
using System.Text;
using Bal.Domain.Diagnostics;
using Bal.Infrastructure.Linux;
using LanguageExt;

namespace Bal.Infrastructure.Supervision;

/// <summary>
/// The control socket: one line of text is the request, one JSON object the answer, then the connection is closed.
/// Served to root and the daemon's own user only. Bounded: <see cref="MaxClients"/> at once, <see cref="MaxRequest"/>
/// bytes, <see cref="Patience"/> for the whole exchange, whatever a client does or leaves undone.
/// </summary>
internal sealed class ControlServer : IDisposable
{
    public const int MaxClients = 16;
    public const int MaxRequest = 4_096;
    public static readonly Duration Patience = new(5_000);

    private static readonly Duration Pause = new(50);

    private readonly Reactor reactor;
    private readonly string path;
    private readonly Action<string, Action<byte[]>> serve;
    // In the order of their coming.
    private readonly List<Client> clients = [];
    private readonly int fd;
    private readonly ulong tag;

    private ControlServer(Reactor reactor, string path, int fd, Action<string, Action<byte[]>> serve)
    {
        (this.reactor, this.path, this.fd, this.serve) = (reactor, path, fd, serve);
        tag = reactor.Watch(fd, Libc.EPOLLIN, _ => Accept());
    }

    /// <summary>Opens the socket at <paramref name="path"/>, replacing one that an earlier process has left.</summary>
    /// <param name="reactor">The thread that serves.</param>
    /// <param name="path">At most 107 bytes (unix(7)).</param>
    /// <param name="serve">Gets a request and a function for its answer, to be called once, on this thread.</param>
    public static Either<Problem, ControlServer> Open(
        Reactor reactor, string path, Action<string, Action<byte[]>> serve)
    {
        // The PID lock is held: whatever lies here belongs to no running bal. unlink(2) follows no symbolic link.
        _ = Libc.unlink(path);
        var fd = Sockets.ListenUnix(path, MaxClients, out var error);
        return fd >= 0 ? new ControlServer(reactor, path, fd, serve) : Failed(path, error);
    }

    public void Dispose()
    {
        foreach (var client in clients.ToArray())
            client.Close();
        reactor.Unwatch(fd, tag);
        _ = Libc.close(fd);
        _ = Libc.unlink(path);
    }

    private static Problem Failed(string path, int error) => new(
        "control_socket_failed",
        $"the control socket {path} cannot be opened: {Errno.Text(error)}",
        "the directory is not writable for this user, or its file system has no room or no sockets",
        $"check 'ls -ld' of the directory and 'df', or set BAL_HOME to another directory");

    private void Accept()
    {
        while (true)
        {
            var client = Sockets.Accept(fd);
            if (client < 0)
            {
                // Level-triggered: a client that cannot be taken for want of a descriptor would be reported without end.
                if (Sockets.LastError != Errno.EAGAIN)
                    Rest();
                return;
            }

            if (!IsAllowed(client) || !HasRoom())
                _ = Libc.close(client);
            else
                clients.Add(new Client(this, client));
        }
    }

    // Who has been silent for longest gives way: those that ask nothing must not lock out one that does.
    private bool HasRoom()
    {
        if (clients.Count >= MaxClients)
            clients.Find(c => !c.IsServed)?.Close();
        return clients.Count < MaxClients;
    }

    private void Rest()
    {
        reactor.Rewatch(fd, 0, tag);
        reactor.After(Pause, () => reactor.Rewatch(fd, Libc.EPOLLIN, tag));
    }

    private static bool IsAllowed(int client) =>
        Sockets.PeerUser(client) is { } user && (user == 0 || user == Libc.geteuid());

    private sealed class Client
    {
        private readonly ControlServer server;
        private readonly int fd;
        private readonly ulong tag;
        private readonly Reactor.Timer timer;
        private readonly List<byte> request = [];
        private byte[]? answer;
        private int sent;
        private bool served;
        private bool closed;

        public Client(ControlServer server, int fd)
        {
            (this.server, this.fd) = (server, fd);
            tag = server.reactor.Watch(fd, Libc.EPOLLIN, OnEvent);
            timer = server.reactor.After(Patience, Close);
        }

        /// <summary>Whether its request is complete.</summary>
        public bool IsServed => served || answer is not null;

        public void Close()
        {
            if (closed)
                return;
            closed = true;
            timer.Cancel();
            server.clients.Remove(this);
            server.reactor.Unwatch(fd, tag);
            _ = Libc.close(fd);
        }

        private void OnEvent(uint what)
        {
            if (answer is not null)
                Send();
            else if (!served)
                Receive();
            else
                // Nothing is expected from a client that waits for its answer; it has gone, or talks out of turn.
                Close();
        }

        private void Receive()
        {
            Span<byte> chunk = stackalloc byte[1024];
            while (true)
            {
                var read = Sockets.Receive(fd, chunk);
                if (read < 0 && Sockets.LastError == Errno.EAGAIN)
                    return;
                if (read < 0)
                {
                    Close();
                    return;
                }

                request.AddRange(chunk[..read]);
                var end = request.IndexOf((byte)'\n');
                if (end < 0 && request.Count > MaxRequest)
                {
                    Answer("{\"error\": \"the request is longer than 4096 bytes\"}\n"u8.ToArray());
                    return;
                }

                if (end < 0 && read > 0)
                    continue;
                Serve(Encoding.UTF8.GetString(CollectionsMarshal.AsSpan(request)[..(end < 0 ? request.Count : end)]));
                return;
            }
        }

        private void Serve(string line)
        {
            served = true;
            // Only EPOLLHUP and EPOLLERR from here on, until there is something to send.
            server.reactor.Rewatch(fd, 0, tag);
            server.serve(line.Trim(), Answer);
        }

        private void Answer(byte[] bytes)
        {
            if (closed)
                return;
            answer = bytes;
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
            }

            Close();
        }
    }
}
