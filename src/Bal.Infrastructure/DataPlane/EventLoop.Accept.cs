using Bal.Domain.Admission;
using Bal.Domain.Counting;
using Bal.Domain.Relay;
using Bal.Infrastructure.Linux;

namespace Bal.Infrastructure.DataPlane;

/// <summary>
/// Listeners: accepting in batches, the connection limit, and running out of descriptors without a spin.
/// </summary>
internal sealed unsafe partial class EventLoop
{
    /// <summary>
    /// Connections taken from one listener before other events get their turn; what is left is reported again.
    /// </summary>
    private const int AcceptBatch = 64;

    /// <summary>How long listeners rest where accepting fails for want of memory or descriptors.</summary>
    private const int PauseMs = 50;

    // Descriptors belong to the process: while they are exhausted the loops accept one after the other. Or one takes
    // the reserve that another has just given up, and the clients of the robbed one wait without an answer.
    private static readonly Lock Exhausted = new();
    private static long exhaustedUntil;

    /// <summary>How long handshakes may take to complete on a listener that has been succeeded.</summary>
    private const int HandshakeMs = 10;

    /// <summary>The least time between two reports of connections that were not served.</summary>
    private const int RefusalReportMs = 1_000;

    private readonly List<Listener> listeners = [];
    private readonly Stack<int> freeSlots = new();
    private readonly Dictionary<int, List<int>> slotsByTag = [];

    // Services with refusals that have not been reported; each stands here once (ServiceRow.Unreported).
    private readonly List<int> unreported = [];
    private long listenersPausedUntil;
    private bool resting;
    private long lastRefusalReport = long.MinValue / 2;

    // Given up for a moment to accept and close a connection when no other descriptor is left: the client then gets an
    // answer, and a level-triggered listener does not spin.
    private int reserve;

    // The listeners that have been succeeded, and when they are closed; zero where there is none.
    private readonly List<int> retired = [];
    private long retiredUntil;

    private sealed record Listener(int Fd, int Service, int Tag, bool Retired = false);

    private static int OpenReserve() => Libc.eventfd(0, Libc.EFD_CLOEXEC);

    private void AddListener(int fd, int service, int tag)
    {
        if (stopping)
        {
            _ = Libc.close(fd);
            return;
        }

        var listener = new Listener(fd, service, tag);
        if (freeSlots.TryPop(out var slot))
        {
            listeners[slot] = listener;
        }
        else
        {
            slot = listeners.Count;
            listeners.Add(listener);
        }

        if (!slotsByTag.TryGetValue(tag, out var slots))
            slotsByTag[tag] = slots = [];
        slots.Add(slot);
        // At rest the event would come again and again, since nobody accepts. Resume watches every listener.
        if (!resting)
            epoll.Add(fd, Libc.EPOLLIN, WatchTag.OfListener(slot));
    }

    private void ReassignListener(int tag, int service)
    {
        foreach (var slot in slotsByTag.GetValueOrDefault(tag, []))
            listeners[slot] = listeners[slot] with { Service = service };
    }

    /// <summary>
    /// Lets handshakes that have begun complete on a listener that goes, and begins none: a connection that completes
    /// between the last accept(2) and close(2) would be reset. A client whose SYN is dropped meanwhile sends it again
    /// after a second, and meets a listener that has succeeded this one, or a refusal.
    /// </summary>
    private void RetireListener(int tag)
    {
        foreach (var slot in slotsByTag.GetValueOrDefault(tag, []))
        {
            if (!Sockets.DropNewHandshakes(listeners[slot].Fd))
                break;
            listeners[slot] = listeners[slot] with { Retired = true };
        }

        if (slotsByTag.TryGetValue(tag, out var slots) && slots.TrueForAll(slot => listeners[slot].Retired))
        {
            retired.Add(tag);
            retiredUntil = now + HandshakeMs;
        }
        else
        {
            RemoveListener(tag);
        }
    }

    private void CloseRetired()
    {
        if (retiredUntil == 0 || now < retiredUntil)
            return;
        retiredUntil = 0;
        foreach (var tag in retired)
            RemoveListener(tag);
        retired.Clear();
    }

    private void RemoveListener(int tag)
    {
        slotsByTag.Remove(tag, out var slots);
        foreach (var slot in slots ?? [])
        {
            // Closing a listener resets what waits in its queue, so it is emptied first; at rest another process serves
            // it.
            while ((!resting || listeners[slot].Retired) && AcceptOne(listeners[slot]))
            {
            }

            // Where another process has the same listener, closing it here does not end the watch (epoll(7)).
            epoll.Remove(listeners[slot].Fd);
            _ = Libc.close(listeners[slot].Fd);
            listeners[slot] = listeners[slot] with { Fd = -1 };
            freeSlots.Push(slot);
        }

        mailbox.Post(LoopReportKind.Unlistened, tag);
    }

    private void RemoveAllListeners()
    {
        foreach (var tag in slotsByTag.Keys.ToArray())
            RemoveListener(tag);
    }

    /// <summary>Accepts nothing from now on; what comes waits in the queues.</summary>
    private void Rest()
    {
        resting = true;
        listenersPausedUntil = 0;
        foreach (var listener in listeners.Where(l => l.Fd >= 0))
            epoll.Remove(listener.Fd);
    }

    private void Resume()
    {
        resting = false;
        for (var i = 0; i < listeners.Count; i++)
        {
            if (listeners[i].Fd >= 0)
                epoll.Add(listeners[i].Fd, Libc.EPOLLIN, WatchTag.OfListener(i));
        }
    }

    private void CloseListenersNow()
    {
        foreach (var listener in listeners)
        {
            if (listener.Fd >= 0)
                _ = Libc.close(listener.Fd);
        }

        if (reserve >= 0)
            _ = Libc.close(reserve);
    }

    private void AcceptFrom(int slot)
    {
        // The listener may have been closed earlier in this batch.
        if (resting || slot >= listeners.Count || listeners[slot].Fd < 0)
            return;
        for (var i = 0; i < AcceptBatch; i++)
        {
            if (!AcceptOne(listeners[slot]))
                return;
        }
    }

    /// <summary>Takes one connection; false where there is none, or none can be taken now.</summary>
    private bool AcceptOne(Listener listener)
    {
        if (now >= Volatile.Read(ref exhaustedUntil))
            return TakeOne(listener);
        lock (Exhausted)
            return TakeOne(listener);
    }

    private bool TakeOne(Listener listener)
    {
        var fd = Libc.accept4(listener.Fd, null, null, Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC);
        if (fd >= descriptorCeiling)
        {
            // Descriptor numbers are given out lowest first: what is left is for probes, the control socket and the
            // log.
            Refuse(serviceOf(listener.Service), Refusal.Descriptors);
            CloseWithReset(fd);
            return true;
        }

        if (fd >= 0)
        {
            Admit(fd, serviceOf(listener.Service));
            return true;
        }

        switch (*errno)
        {
            case Errno.EAGAIN:
                return false;
            case Errno.EMFILE or Errno.ENFILE:
                Volatile.Write(ref exhaustedUntil, now + 2 * PauseMs);
                lock (Exhausted)
                    return AcceptWithReserve(listener);
            case Errno.ENOBUFS or Errno.ENOMEM:
                PauseListeners();
                return false;
            case Errno.EBADF or Errno.EINVAL or Errno.ENOTSOCK:
                // This listener is none: asking again would never end.
                return false;
            default:
                // ECONNABORTED, EPROTO, EINTR and the network errors of accept(2) concern one connection that is gone.
                return true;
        }
    }

    private bool AcceptWithReserve(Listener listener)
    {
        Refuse(serviceOf(listener.Service), Refusal.Descriptors);
        if (reserve >= 0)
            _ = Libc.close(reserve);
        var fd = Libc.accept4(listener.Fd, null, null, Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC);
        if (fd >= 0)
            CloseWithReset(fd);
        reserve = OpenReserve();
        if (fd >= 0 && reserve >= 0)
            return true;
        PauseListeners();
        return false;
    }

    private void PauseListeners()
    {
        listenersPausedUntil = now + PauseMs;
        for (var i = 0; i < listeners.Count; i++)
        {
            if (listeners[i].Fd >= 0)
                epoll.Modify(listeners[i].Fd, 0, WatchTag.OfListener(i));
        }
    }

    private void ResumeListeners()
    {
        if (listenersPausedUntil == 0 || now < listenersPausedUntil)
            return;
        listenersPausedUntil = 0;
        lock (Exhausted)
        {
            if (reserve < 0)
                reserve = OpenReserve();
        }

        for (var i = 0; i < listeners.Count; i++)
        {
            if (listeners[i].Fd >= 0)
                epoll.Modify(listeners[i].Fd, Libc.EPOLLIN, WatchTag.OfListener(i));
        }
    }

    // The supervisor reads the total itself; it is woken at most once a second for it, and after the last one too.
    private bool HasUnreported => unreported.Count > 0;

    private void ReportRefusals()
    {
        if (!HasUnreported || now - lastRefusalReport < RefusalReportMs)
            return;
        lastRefusalReport = now;
        foreach (var service in unreported)
            ReportRefusals(service);
        unreported.Clear();
    }

    private void ReportRefusals(int service)
    {
        var row = serviceOf(service).Rows.Of(index);
        if ((row[ServiceRow.Unreported] & BitOf(Refusal.Limit)) != 0)
            mailbox.Post(LoopReportKind.LimitReached, service);
        if ((row[ServiceRow.Unreported] & BitOf(Refusal.Descriptors)) != 0)
            mailbox.Post(LoopReportKind.DescriptorsExhausted, service);
        row[ServiceRow.Unreported] = 0;
    }

    private void ReportRefusalsOf(int service)
    {
        if (unreported.Remove(service))
            ReportRefusals(service);
    }

    private static long BitOf(Refusal reason) => 1L << (int)reason;

    private void Refuse(ServicePlane service, Refusal reason)
    {
        var row = service.Rows.Of(index);
        row[ServiceRow.Refused + (int)reason]++;
        if (row[ServiceRow.Unreported] == 0)
            unreported.Add(service.Index);
        row[ServiceRow.Unreported] |= BitOf(reason);
    }

    private void Admit(int fd, ServicePlane service)
    {
        if (service.TryAdmit(service.Current.Table.Service.Tuning.MaxConcurrentConnections) is { } refusal)
        {
            // Before the client can know: whoever was rejected and asks finds itself counted.
            Refuse(service, refusal);
            CloseWithReset(fd);
            return;
        }

        service.Rows.Of(index)[ServiceRow.Connecting]++;

        var session = sessions.Rent();
        session->State = SessionState.Connecting;
        session->Service = service.Index;
        session->Client.Fd = fd;
        session->Backend.Fd = -1;
        session->LastActivity = now;
        session->Turn = service.TakeTurn();
        if (!epoll.Add(fd, SideInterest, WatchTag.OfSocket((ulong)session, isBackend: false)))
        {
            Abort(session, TerminationReason.LocalFailure);
            return;
        }

        ConnectNext(session);
    }

    private static void CloseWithReset(int fd)
    {
        ResetOnClose(fd);
        _ = Libc.close(fd);
    }
}
