using System.Runtime.InteropServices;
using Bal.Infrastructure.Linux;
using Bal.KernelLab.Relays;

namespace Bal.KernelLab.Uring;

/// <summary>
/// The relay over io_uring: multishot accept, and connect, recv, send and close as operations. Each direction has one
/// buffer and at
/// most one recv or send under way, so nothing is shared that a slow receiver could hold, and a session is closed only
/// when
/// none of its operations can complete any more. The price is memory: a buffer for each direction, also of an idle
/// session.
/// </summary>
internal sealed unsafe class UringRelay(int port, int backendPort) : Relay(port, backendPort)
{
    private const byte PollAdd = 6, Timeout = 11, AcceptOp = 13, Cancel = 14, ConnectOp = 16;
    private const byte CloseOp = 19, SendOp = 26, RecvOp = 27;
    private const ushort Multishot = 1;
    private const uint MSG_DONTWAIT = 0x40;
    private const int BufferSize = 16 * 1024;
    private const int SocketFlags = Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC;

    // The low three bits of what a completion carries; the rest is the number of the endpoint.
    private enum Kind : ulong
    {
        Other,
        Connect,
        Receive,
        Send,
        Space,
        Watch,
        Look,
        Accept,
    }

    private readonly List<Direction> directions = [];
    private readonly Stack<int> free = new();
    private readonly byte* address = (byte*)NativeMemory.Alloc(SockAddr.MaxLength);
    private readonly long* lookAgain = (long*)NativeMemory.AllocZeroed(16);
    private Ring ring = null!;

    protected override void Run()
    {
        ring = new Ring();
        Backend.CopyTo(new Span<byte>(address, SockAddr.MaxLength));
        lookAgain[1] = 4_000_000;
        ring.Add(PollAdd, Wake, null, 0, 0, Libc.EPOLLIN, 0);
        AcceptMore();
        while (!Stopping)
        {
            ring.Wait();
            while (ring.Next(out var whom, out var result, out var more))
                Complete((int)(whom >> 3), (Kind)(whom & 7), result, more);
        }

        ring.Close();
    }

    /// <summary>
    /// What is read from one socket and sent to the other. Session and endpoints are those of the other relays.
    /// </summary>
    private sealed class Direction
    {
        public int Id;
        public Endpoint From = null!;
        public byte* Buffer;
        public int Pending;
        public bool Watching;
    }

    private Direction Of(Endpoint from) => directions[from.Id];

    private void AcceptMore() =>
        ring.Add(AcceptOp, Listener, null, 0, 0, SocketFlags, (ulong)Kind.Accept, Multishot);

    private void Complete(int id, Kind kind, int result, bool more)
    {
        switch (kind)
        {
            case Kind.Other:
                return;
            case Kind.Accept:
                if (result >= 0)
                    Begin(result);
                if (!more)
                    AcceptMore();
                return;
        }

        var direction = directions[id];
        var from = direction.From;
        var session = from.Owner;
        direction.Pending--;
        if (kind == Kind.Watch)
            direction.Watching = false;
        if (session.State == SessionState.Closed)
        {
            Finish(session);
            return;
        }

        switch (kind)
        {
            case Kind.Connect when result < 0:
                Abort(session);
                break;
            case Kind.Connect:
                session.State = SessionState.Open;
                Receive(session.Client);
                Receive(session.Server);
                break;
            case Kind.Receive:
                OnReceived(from, result);
                break;
            case Kind.Send:
                OnSent(from, result);
                break;
            case Kind.Space:
                Send(from);
                break;
            case Kind.Watch when session.State == SessionState.Open && result > 0 && (result & Libc.EPOLLERR) != 0:
                BeginReset(from);
                break;
            case Kind.Look:
                Look(session);
                break;
        }
    }

    private void Begin(int client)
    {
        CountAccepted();
        var session = new Session();
        Register(session.Client, client);
        var server = Libc.socket(Libc.AF_INET, Libc.SOCK_STREAM | SocketFlags, 0);
        Sockets.SetOption(server, Libc.IPPROTO_TCP, Libc.TCP_NODELAY, 1);
        Register(session.Server, server);
        Queue(ConnectOp, session.Server, Kind.Connect, server, address, 0, 16, 0);
    }

    private void Register(Endpoint endpoint, int fd)
    {
        if (!free.TryPop(out var id))
        {
            id = directions.Count;
            directions.Add(new Direction { Id = id, Buffer = (byte*)NativeMemory.Alloc(BufferSize) });
        }

        endpoint.Id = id;
        endpoint.Fd = fd;
        directions[id].From = endpoint;
    }

    private void Receive(Endpoint from) =>
        Queue(RecvOp, from, Kind.Receive, from.Fd, Of(from).Buffer, BufferSize, 0, 0);

    private void OnReceived(Endpoint from, int result)
    {
        if (result > 0)
        {
            from.Received += result;
            from.UnsentFrom = 0;
            from.UnsentCount = result;
            Send(from);
        }
        else if (result < 0 || from.Failed)
        {
            from.EndOfStream = true;
            BeginReset(from);
        }
        else
        {
            from.EndOfStream = from.Other.FinSent = true;
            // Not as an operation: the kernel leaves IORING_OP_SHUTDOWN to a worker, which may find the descriptor
            // closed and reused.
            _ = Libc.shutdown(from.Other.Fd, Libc.SHUT_WR);
            if (from.FinSent)
                Close(from.Owner);
        }
    }

    // Without waiting: a send that waited in the kernel would hide an RST of the side that it was read from.
    private void Send(Endpoint from) => Queue(
        SendOp, from, Kind.Send, from.Other.Fd, Of(from).Buffer + from.UnsentFrom, (uint)from.UnsentCount, 0,
        Libc.MSG_NOSIGNAL | MSG_DONTWAIT);

    private void OnSent(Endpoint from, int result)
    {
        if (result == -Errno.EAGAIN)
        {
            Queue(PollAdd, from, Kind.Space, from.Other.Fd, null, 0, 0, Libc.EPOLLOUT);
            var direction = Of(from);
            if (!direction.Watching && from.Owner.State == SessionState.Open)
            {
                direction.Watching = true;
                Queue(PollAdd, from, Kind.Watch, from.Fd, null, 0, 0, Libc.EPOLLERR);
            }
        }
        else if (result < 0)
        {
            // The other is broken: what it sent before is still to come, and then its own recv says so.
            from.UnsentCount = 0;
            from.Other.Failed = true;
        }
        else
        {
            from.UnsentFrom += result;
            from.UnsentCount -= result;
            if (from.UnsentCount > 0)
                Send(from);
            else
                Receive(from);
        }
    }

    private void BeginReset(Endpoint from)
    {
        var session = from.Owner;
        if (session.State == SessionState.Open)
        {
            session.State = SessionState.Resetting;
            session.ResetBy = from;
            session.ResetUntil = Environment.TickCount64 + ResetWaitMs;
        }

        Look(session);
    }

    private void Look(Session session)
    {
        if (session.State != SessionState.Resetting)
            return;
        var from = session.ResetBy!;
        var queued = 0;
        var delivered = from.EndOfStream && from.UnsentCount == 0
            && (Libc.ioctl(from.Other.Fd, Libc.SIOCOUTQ, &queued) != 0 || queued == 0);
        if (delivered || Environment.TickCount64 >= session.ResetUntil)
            Abort(session);
        else
            Queue(Timeout, from, Kind.Look, -1, lookAgain, 1, 0, 0);
    }

    private void Abort(Session session)
    {
        ResetOnClose(session.Client.Fd);
        ResetOnClose(session.Server.Fd);
        Close(session);
    }

    private void Close(Session session)
    {
        session.State = SessionState.Closed;
        foreach (var direction in (Direction[])[Of(session.Client), Of(session.Server)])
        {
            for (var kind = Kind.Connect; direction.Pending > 0 && kind <= Kind.Look; kind++)
                ring.Add(Cancel, -1, (void*)Name(direction.Id, kind), 0, 0, 0, 0);
        }

        Finish(session);
    }

    // A completion that is already queued names the session: its memory and descriptors go when none can be.
    private void Finish(Session session)
    {
        if (Of(session.Client).Pending + Of(session.Server).Pending > 0)
            return;
        ring.Add(CloseOp, session.Client.Fd, null, 0, 0, 0, 0);
        ring.Add(CloseOp, session.Server.Fd, null, 0, 0, 0, 0);
        free.Push(session.Client.Id);
        free.Push(session.Server.Id);
        CountClosed(session.Client.Received, session.Server.Received);
    }

    private void Queue(
        byte code, Endpoint from, Kind kind, int fd, void* bytes, uint length, ulong offset, uint flags)
    {
        Of(from).Pending++;
        ring.Add(code, fd, bytes, length, offset, flags, Name(from.Id, kind));
    }

    private static ulong Name(int id, Kind kind) => (ulong)id << 3 | (ulong)kind;
}
