using Bal.Infrastructure.Linux;
using Bal.KernelLab.Bpf;

namespace Bal.KernelLab.Relays;

/// <summary>
/// Redirection in the kernel with a protocol that decides every hand-over by counts of bytes:
/// the program leaves bytes to the relay until the relay has confirmed that it forwarded all that it was left; it
/// redirects up to a credit, because
/// the kernel's own queue has no bound; and at the end of a stream or of the credit the relay waits until the other
/// socket
/// has taken as many bytes as were redirected, before it sends or passes on a FIN.
/// </summary>
internal sealed unsafe class SockmapRelay : EpollRelay
{
    private const ulong SignalsId = ulong.MaxValue - 2;
    private const ulong Credit = 1 << 20;

    /// <summary>In the place of <see cref="Endpoint.ReceivedBefore"/>: the map did not take both sockets.</summary>
    private const long Refused = long.MaxValue;
    private const int SO_COOKIE = 57;
    private const int TCP_INFO = 11;

    private readonly Redirector redirector;
    private readonly int engageAfter;
    private readonly Endpoint?[] bySlot = new Endpoint?[Redirector.Sockets];
    private readonly Stack<int> freePairs = new();
    private int nextPair;

    /// <param name="port">Where to listen; 0 for a port of the kernel's choice.</param>
    /// <param name="backendPort">Where to connect.</param>
    /// <param name="engageAfter">Bytes that a session has moved before it is handed over: not worth it for a short
    /// one.</param>
    public SockmapRelay(int port, int backendPort, int engageAfter)
        : base(port, backendPort)
    {
        this.engageAfter = engageAfter;
        redirector = new Redirector(counted: true, parser: false);
        _ = Epoll.Add(redirector.Signals.Fd, Libc.EPOLLIN, SignalsId);
    }

    protected override void OnOpen(Session session)
    {
        if (engageAfter == 0)
            Engage(session);
    }

    protected override void OnOther(ulong id)
    {
        for (int slot; (slot = redirector.Signals.Next()) >= 0;)
        {
            if (bySlot[slot] is { Phase: Phase.Redirecting } endpoint)
                Renew(endpoint);
        }
    }

    protected override void OnPoll(Endpoint endpoint)
    {
        if (endpoint.Owner.State != SessionState.Open)
            base.OnPoll(endpoint);
        else if (endpoint.Phase == Phase.Redirecting)
            Renew(endpoint);
        else
            Advance(endpoint.Owner);
    }

    protected override void Pump(Endpoint from)
    {
        if (from.Phase == Phase.Redirecting)
        {
            if (!from.HungUp)
                return;
            BeginDrain(from);
        }

        if (from.Phase == Phase.Draining)
        {
            if (!HandedOver(from))
            {
                Poll(from);
                return;
            }

            from.Phase = Phase.Copying;
            from.Readable = true;
            Watch(from.Owner);
        }

        base.Pump(from);
        if (from.Owner.State != SessionState.Open)
            return;
        if (from.Slot < 0 && engageAfter > 0 && from.Received >= engageAfter && Quiet(from) && Quiet(from.Other))
            Engage(from.Owner);
        if (from.Slot >= 0 && Quiet(from))
            Confirm(from);
    }

    protected override bool HandedOver(Endpoint from)
    {
        if (from.Phase == Phase.Redirecting)
            BeginDrain(from);
        return base.HandedOver(from) && Written(from.Other) >= from.Other.Sent + Redirected(from);
    }

    protected override long Redirected(Endpoint from) =>
        from.Slot < 0 || from.ReceivedBefore == Refused ? 0 : (long)Volatile.Read(ref redirector[from.Slot].Redirected);

    protected override void OnClosing(Session session)
    {
        if (session.Client.Cookie != 0)
            redirector.Forget(session.Client.Cookie);
        if (session.Server.Cookie != 0)
            redirector.Forget(session.Server.Cookie);
        if (session.Client.Slot < 0)
            return;
        bySlot[session.Client.Slot] = bySlot[session.Server.Slot] = null;
        freePairs.Push(session.Client.Slot / 2);
    }

    /// <summary>Nothing is under way through the relay, and the stream goes on.</summary>
    private static bool Quiet(Endpoint from) =>
        !from.Readable && from.UnsentCount == 0 && !from.HungUp && from.Phase == Phase.Copying;

    private void Engage(Session session)
    {
        if (!freePairs.TryPop(out var pair))
            pair = nextPair++;
        if (!Insert(session.Client, 2 * pair) || !Insert(session.Server, 2 * pair + 1))
        {
            // A socket that has had its FIN is refused. The pair stays with the session, which goes on copying.
            session.Client.ReceivedBefore = session.Server.ReceivedBefore = Refused;
        }

        session.Client.Slot = 2 * pair;
        session.Server.Slot = 2 * pair + 1;
        bySlot[session.Client.Slot] = session.Client;
        bySlot[session.Server.Slot] = session.Server;
        // What arrived between the last read and the insertion waits without an event.
        session.Client.Readable = session.Server.Readable = true;
    }

    private bool Insert(Endpoint endpoint, int slot)
    {
        ulong cookie;
        var length = (uint)sizeof(ulong);
        _ = Libc.getsockopt(endpoint.Fd, Libc.SOL_SOCKET, SO_COOKIE, &cookie, &length);
        endpoint.Cookie = cookie;
        endpoint.ReceivedBefore = endpoint.Received;
        return redirector.Insert(endpoint.Fd, cookie, slot) == 0;
    }

    /// <summary>Lets the kernel redirect from here on, unless it has left more to the relay meanwhile.</summary>
    private void Confirm(Endpoint from)
    {
        if (from.ReceivedBefore == Refused)
            return;
        ref var direction = ref redirector[from.Slot];
        var forwarded = (ulong)(from.Received - from.ReceivedBefore);
        if (Volatile.Read(ref direction.Passed) != forwarded)
        {
            from.Readable = true;
            return;
        }

        GrantCredit(from, ref direction);
        Volatile.Write(ref direction.Confirmed, forwarded);
        // Any call that takes the lock of the socket: a run of the program that had still seen the old value is over
        // after it.
        _ = Written(from);
        if (Volatile.Read(ref direction.Passed) != forwarded)
        {
            from.Readable = true;
            return;
        }

        from.Phase = Phase.Redirecting;
        Watch(from.Owner);
    }

    private void Renew(Endpoint from)
    {
        ref var direction = ref redirector[from.Slot];
        if (Volatile.Read(ref direction.Passed) != direction.Confirmed)
        {
            BeginDrain(from);
            Advance(from.Owner);
            return;
        }

        GrantCredit(from, ref direction);
        if (Volatile.Read(ref direction.Redirected) >= direction.Low)
            Poll(from);
    }

    private static void GrantCredit(Endpoint from, ref Direction direction)
    {
        var taken = (ulong)(Written(from.Other) - from.Other.Sent);
        direction.Low = taken + Credit / 2;
        Volatile.Write(ref direction.Credit, taken + Credit);
    }

    /// <summary>Stops redirecting, so that the count of redirected bytes is final.</summary>
    private void BeginDrain(Endpoint from)
    {
        Volatile.Write(ref redirector[from.Slot].Confirmed, Redirector.Never);
        _ = Written(from);
        from.Phase = Phase.Draining;
    }

    /// <summary>
    /// Bytes that this socket was ever given to send, by the relay and by the kernel's workers (TCP_INFO, tcp(7)).
    /// </summary>
    private static long Written(Endpoint to)
    {
        const int notSent = 144, bytesSent = 200, bytesRetransmitted = 208, size = 232;
        var info = stackalloc byte[size];
        var length = (uint)size;
        if (Libc.getsockopt(to.Fd, Libc.IPPROTO_TCP, TCP_INFO, info, &length) != 0)
            return 0;
        return *(long*)(info + bytesSent) - *(long*)(info + bytesRetransmitted) + *(uint*)(info + notSent);
    }

    /// <summary>Watches for bytes only what the relay copies: the kernel would announce redirected ones too.</summary>
    private void Watch(Session session)
    {
        Watch(session.Client);
        Watch(session.Server);
    }

    private void Watch(Endpoint endpoint)
    {
        var interest = Libc.EPOLLRDHUP | Libc.EPOLLET
            | (endpoint.Phase == Phase.Copying ? Libc.EPOLLIN : 0)
            | (endpoint.Other.Phase == Phase.Redirecting ? 0 : Libc.EPOLLOUT);
        if (interest == endpoint.Interest)
            return;
        endpoint.Interest = interest;
        _ = Epoll.Modify(endpoint.Fd, interest, (ulong)endpoint.Id);
    }
}
