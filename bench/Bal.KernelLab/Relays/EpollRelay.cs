using System.Runtime.InteropServices;
using Bal.Infrastructure.Linux;

namespace Bal.KernelLab.Relays;

/// <summary>
/// The baseline: edge-triggered epoll, one shared buffer, bytes kept only while the other side does not take them.
/// </summary>
internal unsafe class EpollRelay : Relay
{
    private const ulong ListenerId = ulong.MaxValue;
    private const ulong WakeId = ulong.MaxValue - 1;
    private const int BufferSize = 32 * 1024;
    private const int ReadBudget = 4;

    protected readonly Epoll Epoll = new();
    private readonly byte* buffer = (byte*)NativeMemory.Alloc(BufferSize);
    private readonly List<Endpoint?> endpoints = [];
    private readonly Stack<int> freeIds = new();
    private readonly List<int> retired = [];
    private List<Session> ready = [];
    private List<Session> readyBefore = [];
    private List<Endpoint> polled = [];
    private List<Endpoint> polledBefore = [];

    public EpollRelay(int port, int backendPort)
        : base(port, backendPort)
    {
        _ = Epoll.Add(Listener, Libc.EPOLLIN, ListenerId);
        _ = Epoll.Add(Wake, Libc.EPOLLIN, WakeId);
    }

    /// <summary>What epoll watches of a new socket; never changed by the baseline.</summary>
    protected const uint Everything = Libc.EPOLLIN | Libc.EPOLLOUT | Libc.EPOLLRDHUP | Libc.EPOLLET;

    protected override void Run()
    {
        while (!Stopping)
        {
            var timeout = ready.Count > 0 ? 0 : polled.Count > 0 ? 1 : -1;
            var count = Epoll.Wait(timeout);
            for (var i = 0; i < count; i++)
                Dispatch(Epoll.Whom(i), Epoll.What(i));
            RunReady();
            RunPolled();

            // Only now: an event later in the same batch may still name a closed endpoint.
            foreach (var id in retired)
                freeIds.Push(id);
            retired.Clear();
        }
    }

    /// <summary>Both sides are connected: the moment to hand a session over.</summary>
    protected virtual void OnOpen(Session session)
    {
    }

    /// <summary>An event of a descriptor that is no session's.</summary>
    protected virtual void OnOther(ulong id)
    {
    }

    /// <summary>A session is about to lose its descriptors.</summary>
    protected virtual void OnClosing(Session session)
    {
    }

    /// <summary>Bytes from this endpoint that the kernel took past the relay.</summary>
    protected virtual long Redirected(Endpoint from) => 0;

    /// <summary>Looks at an endpoint again in a millisecond: for what no event tells.</summary>
    protected void Poll(Endpoint endpoint)
    {
        if (endpoint.Polled)
            return;
        endpoint.Polled = true;
        polled.Add(endpoint);
    }

    /// <summary>The millisecond is over.</summary>
    protected virtual void OnPoll(Endpoint endpoint)
    {
        if (endpoint.Owner.State == SessionState.Resetting)
            ContinueReset(endpoint.Owner);
    }

    /// <summary>Moves what can be moved from one socket to the other.</summary>
    protected virtual void Pump(Endpoint from)
    {
        if (!Flush(from))
            return;
        for (var budget = ReadBudget; from.Readable && !from.EndOfStream;)
        {
            if (budget-- == 0)
            {
                MakeReady(from.Owner);
                return;
            }

            var read = (int)Libc.recv(from.Fd, buffer, BufferSize, 0);
            if (read > 0)
            {
                from.Received += read;
                // A short read has emptied the socket, unless a FIN waits behind it.
                from.Readable = read == BufferSize || from.HungUp;
                if (!Forward(from, buffer, read))
                    return;
            }
            else if (read == 0)
            {
                from.EndOfStream = true;
            }
            else
            {
                from.Readable = false;
                from.Failed = Sockets.LastError != Errno.EAGAIN;
            }
        }

        if (from.Failed)
            BeginReset(from);
        else if (from.EndOfStream && !from.Other.FinSent)
            PassFin(from);
    }

    protected virtual void PassFin(Endpoint from)
    {
        from.Other.FinSent = true;
        _ = Libc.shutdown(from.Other.Fd, Libc.SHUT_WR);
        if (from.FinSent)
            Close(from.Owner);
    }

    protected void BeginReset(Endpoint from)
    {
        var session = from.Owner;
        if (session.State != SessionState.Open)
            return;
        session.State = SessionState.Resetting;
        session.ResetBy = from;
        session.ResetUntil = Environment.TickCount64 + ResetWaitMs;
        ContinueReset(session);
    }

    /// <summary>Whether everything that this endpoint received has reached the send queue of the other.</summary>
    protected virtual bool HandedOver(Endpoint from) => from.UnsentCount == 0;

    protected void Abort(Session session)
    {
        ResetOnClose(session.Client.Fd);
        ResetOnClose(session.Server.Fd);
        Close(session);
    }

    private void Dispatch(ulong id, uint what)
    {
        if (id == ListenerId)
            Accept();
        else if (id < (ulong)endpoints.Count)
        {
            if (endpoints[(int)id] is { } endpoint)
                OnEvent(endpoint, what);
        }
        else if (id != WakeId)
            OnOther(id);
    }

    private void OnEvent(Endpoint endpoint, uint what)
    {
        var session = endpoint.Owner;
        if (session.State == SessionState.Connecting)
        {
            if (endpoint != session.Server)
            {
                Remember(endpoint, what);
                return;
            }

            if ((what & (Libc.EPOLLERR | Libc.EPOLLHUP)) != 0)
            {
                Abort(session);
                return;
            }

            session.State = SessionState.Open;
            Remember(endpoint, what);
            OnOpen(session);
        }
        else
            Remember(endpoint, what);

        if ((what & Libc.EPOLLERR) != 0)
            BeginReset(endpoint);
        Advance(session);
    }

    private static void Remember(Endpoint endpoint, uint what)
    {
        if ((what & (Libc.EPOLLRDHUP | Libc.EPOLLERR | Libc.EPOLLHUP)) != 0)
            endpoint.HungUp = endpoint.Readable = true;
        if ((what & Libc.EPOLLIN) != 0)
            endpoint.Readable = true;
        if ((what & Libc.EPOLLOUT) != 0)
            endpoint.Writable = true;
    }

    protected void Advance(Session session)
    {
        if (session.State == SessionState.Open)
            Pump(session.Client);
        if (session.State == SessionState.Open)
            Pump(session.Server);
    }

    private void Accept()
    {
        for (int fd, taken = 0; taken < 64 && (fd = Sockets.Accept(Listener)) >= 0; taken++)
        {
            CountAccepted();
            var session = new Session();
            Register(session.Client, fd);
            var server = Sockets.BeginConnect(Backend, out _);
            if (server < 0)
            {
                Abort(session);
                continue;
            }

            Sockets.SetOption(server, Libc.IPPROTO_TCP, Libc.TCP_NODELAY, 1);
            Register(session.Server, server);
        }
    }

    private void Register(Endpoint endpoint, int fd)
    {
        if (!freeIds.TryPop(out endpoint.Id))
        {
            endpoint.Id = endpoints.Count;
            endpoints.Add(null);
        }

        endpoints[endpoint.Id] = endpoint;
        endpoint.Fd = fd;
        endpoint.Interest = Everything;
        _ = Epoll.Add(fd, Everything, (ulong)endpoint.Id);
    }

    /// <summary>False where the session is over or bytes had to be kept.</summary>
    private bool Forward(Endpoint from, byte* bytes, int count)
    {
        var sent = Send(from.Other, bytes, count);
        if (sent < 0)
        {
            BeginReset(from.Other);
            return false;
        }

        if (sent == count)
            return true;
        from.Unsent = (nint)NativeMemory.Alloc(BufferSize);
        from.UnsentFrom = 0;
        from.UnsentCount = count - sent;
        Buffer.MemoryCopy(bytes + sent, (byte*)from.Unsent, BufferSize, from.UnsentCount);
        // Whatever the short read said, the socket was not read to its end now.
        from.Readable = true;
        return false;
    }

    private bool Flush(Endpoint from)
    {
        if (from.UnsentCount == 0)
            return true;
        var sent = Send(from.Other, (byte*)from.Unsent + from.UnsentFrom, from.UnsentCount);
        if (sent < 0)
        {
            BeginReset(from.Other);
            return false;
        }

        from.UnsentFrom += sent;
        from.UnsentCount -= sent;
        if (from.UnsentCount > 0)
            return false;
        NativeMemory.Free((void*)from.Unsent);
        from.Unsent = 0;
        return true;
    }

    /// <summary>Bytes taken, zero for none, -1 where the connection is broken.</summary>
    private static int Send(Endpoint to, byte* bytes, int count)
    {
        if (!to.Writable)
            return 0;
        var sent = (int)Libc.send(to.Fd, bytes, (nuint)count, Libc.MSG_NOSIGNAL);
        if (sent < 0)
        {
            to.Writable = false;
            return Sockets.LastError == Errno.EAGAIN ? 0 : -1;
        }

        to.Sent += sent;
        // An edge that came between the refusal and here has been remembered by the next event.
        to.Writable = sent == count;
        return sent;
    }

    private void ContinueReset(Session session)
    {
        var from = session.ResetBy!;
        if (Flush(from) && !from.Failed && !from.EndOfStream)
        {
            var read = (int)Libc.recv(from.Fd, buffer, BufferSize, 0);
            if (read > 0)
            {
                from.Received += read;
                _ = Forward(from, buffer, read);
            }
            else
                from.Failed = true;
        }

        var queued = 0;
        var delivered = (from.Failed || from.EndOfStream) && HandedOver(from)
            && (Libc.ioctl(from.Other.Fd, Libc.SIOCOUTQ, &queued) != 0 || queued == 0);
        if (delivered || Environment.TickCount64 >= session.ResetUntil)
            Abort(session);
        else
            Poll(from);
    }

    private void Close(Session session)
    {
        session.State = SessionState.Closed;
        OnClosing(session);
        CountClosed(
            session.Client.Received + Redirected(session.Client), session.Server.Received + Redirected(session.Server));
        Release(session.Client);
        Release(session.Server);
    }

    private void Release(Endpoint endpoint)
    {
        if (endpoint.Fd < 0)
            return;
        NativeMemory.Free((void*)endpoint.Unsent);
        endpoint.Unsent = 0;
        endpoints[endpoint.Id] = null;
        retired.Add(endpoint.Id);
        _ = Libc.close(endpoint.Fd);
        endpoint.Fd = -1;
    }

    private void MakeReady(Session session)
    {
        if (session.InReady)
            return;
        session.InReady = true;
        ready.Add(session);
    }

    private void RunReady()
    {
        (ready, readyBefore) = (readyBefore, ready);
        foreach (var session in readyBefore)
        {
            session.InReady = false;
            Advance(session);
        }

        readyBefore.Clear();
    }

    private void RunPolled()
    {
        (polled, polledBefore) = (polledBefore, polled);
        foreach (var endpoint in polledBefore)
        {
            endpoint.Polled = false;
            if (endpoint.Owner.State != SessionState.Closed)
                OnPoll(endpoint);
        }

        polledBefore.Clear();
    }
}
