using Bal.Domain.Admission;
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

    // Descriptors belong to the process: while they are exhausted the loops accept one after the other. Otherwise
    // one loop takes the reserve that another has just freed, whose clients then wait without an answer.
    private static readonly Lock Exhausted = new();
    private static long exhaustedUntil;

    /// <summary>How long handshakes may take to complete on a listener that has been succeeded.</summary>
    private const int HandshakeMs = 10;

    /// <summary>The least time between two reports of clients that were not served or ended by silence.</summary>
    private const int RefusalReportMs = 1_000;

    private readonly List<Listener> listeners = [];
    private readonly Stack<int> freeSlots = new();
    private readonly Dictionary<int, List<int>> slotsByTag = [];

    // Services with news that has not been reported; each stands here once (ServiceRow.Unreported).
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

    private sealed record Listener(int Fd, int Service, int Tag, bool HasNames, bool Retired = false);

    private static int OpenReserve() => Libc.eventfd(0, Libc.EFD_CLOEXEC);

    private void AddListener(LoopCommand.Listen added)
    {
        var (fd, tag) = (added.Fd, added.Tag);
        if (stopping)
        {
            _ = Libc.close(fd);
            return;
        }

        var listener = new Listener(fd, added.Service, tag, added.Names is not null);
        SetGate(tag, added.Service, added.Names);
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

    private void ReassignListener(LoopCommand.Reassign to)
    {
        SetGate(to.Tag, to.Service, to.Names);
        foreach (var slot in slotsByTag.GetValueOrDefault(to.Tag, []))
            listeners[slot] = listeners[slot] with { Service = to.Service, HasNames = to.Names is not null };
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

        CloseGate(tag);
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
        // The address is asked for only where somebody wants to know it.
        var service = serviceOf(listener.Service);
        var asks = service.Current.AsksWho || access.IsOn;
        var length = (uint)SockAddr.MaxLength;
        var fd = Libc.accept4(
            listener.Fd, asks ? buffer : null, asks ? &length : null, Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC);
        if (fd >= ceiling.Value)
        {
            // Descriptor numbers are given out lowest first: what is left is for probes, the control socket and the
            // log.
            Refuse(service, Refusal.Descriptors);
            CloseWithReset(fd);
            return true;
        }

        if (fd >= 0)
        {
            Admit(fd, listener, asks ? SockAddr.Read(buffer, length) : InetEndpoint.None);
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
            // What accept(2) names as the errors of one connection, which is gone.
            case Errno.ECONNABORTED or Errno.EPROTO or Errno.EINTR or Errno.ECONNRESET or Errno.ETIMEDOUT
                or Errno.ENETDOWN or Errno.ENETUNREACH or Errno.EHOSTDOWN or Errno.EHOSTUNREACH
                or Errno.ENOPROTOOPT or Errno.ENONET or Errno.EOPNOTSUPP:
                return true;
            case Errno.EBADF or Errno.EINVAL or Errno.ENOTSOCK:
                // Not a listening socket: retrying would loop forever.
                return false;
            default:
                // ENOBUFS, ENOMEM, or what a sandbox answers: the clients wait, and so does the loop.
                Refuse(serviceOf(listener.Service), Refusal.AcceptFailed);
                PauseListeners();
                return false;
        }
    }

    private bool AcceptWithReserve(Listener listener)
    {
        if (reserve >= 0)
            _ = Libc.close(reserve);
        var fd = Libc.accept4(listener.Fd, null, null, Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC);
        // Without a descriptor accept(2) fails even where nobody waits.
        if (fd >= 0 || *errno != Errno.EAGAIN)
            Refuse(serviceOf(listener.Service), Refusal.Descriptors);
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
        serviceOf(service).Rows.Of(index)[ServiceRow.Unreported] = 0;
        mailbox.Post(LoopReportKind.News, service);
    }

    private void ReportRefusalsOf(int service)
    {
        if (unreported.Remove(service))
            ReportRefusals(service);
    }

    private void Refuse(ServicePlane service, Refusal reason)
    {
        service.Rows.Of(index)[ServiceRow.Refused + (int)reason]++;
        HasNews(service);
    }

    /// <summary>Has the supervisor look at the counters of a service.</summary>
    private void HasNews(ServicePlane service)
    {
        var row = service.Rows.Of(index);
        if (row[ServiceRow.Unreported] != 0)
            return;
        row[ServiceRow.Unreported] = 1;
        unreported.Add(service.Index);
    }

    private static void CloseWithReset(int fd)
    {
        ResetOnClose(fd);
        _ = Libc.close(fd);
    }
}
