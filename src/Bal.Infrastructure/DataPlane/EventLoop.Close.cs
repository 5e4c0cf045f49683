using Bal.Domain.Counting;
using Bal.Domain.Relay;
using Bal.Infrastructure.Linux;

namespace Bal.Infrastructure.DataPlane;

/// <summary>How sessions end: together, by an RST that is passed on, by silence, or cut.</summary>
internal sealed unsafe partial class EventLoop
{
    /// <summary>
    /// One side was reset. What it sent before is delivered first, for at most a second; then the other side gets an
    /// RST. What the other side still sends has no receiver any more and is dropped.
    /// </summary>
    private void BeginReset(Session* session, bool fromBackend)
    {
        session->State = SessionState.Resetting;
        session->ResetByBackend = fromBackend;
        session->ResetUntil = now + ResetRule.WaitMs;
        DropUnsent(session, ref fromBackend ? ref session->Client : ref session->Backend);
        ContinueReset(session);
    }

    private void ContinueReset(Session* session)
    {
        var byBackend = session->ResetByBackend;
        ref var origin = ref byBackend ? ref session->Backend : ref session->Client;
        ref var other = ref byBackend ? ref session->Client : ref session->Backend;
        ref var bytes = ref byBackend ? ref session->Counters->BytesOut : ref session->Counters->BytesIn;

        var delivery = Deliver(session, ref origin, ref other, ref bytes);
        var unacknowledged = delivery == Delivery.Done ? Unacknowledged(other.Fd) : 0;
        var next = ResetRule.Next(delivery, unacknowledged, session->ResetUntil, now);
        if (next.IsOver)
            Abort(session, ResetRule.ReasonOf(byBackend));
        else if (next.GoesOn)
            MakeReady(session);
        else
            timers.Arm(session, next.LookAt);
    }

    // Like Pump, but the end of the source is never passed on as a FIN: an RST must not look like a complete answer.
    private Delivery Deliver(Session* session, ref Side from, ref Side to, ref long bytes)
    {
        for (var budget = ReadBudget; ;)
        {
            if (from.HasUnsent)
            {
                if (!to.Has(SideFlags.Writable))
                    return Delivery.Waiting;
                if (!Flush(session, ref from, ref to))
                    return Delivery.ReceiverFailed;
                if (from.HasUnsent)
                    return Delivery.Waiting;
            }

            if (from.Has(SideFlags.Failed) || from.Has(SideFlags.EndOfStream))
                return Delivery.Done;
            if (budget-- == 0)
                return Delivery.More;

            var read = Libc.recv(from.Fd, buffer, BlockPool.BlockSize, 0);
            if (read > 0)
            {
                bytes += read;
                if (!Send(ref from, ref to, (int)read))
                    return Delivery.ReceiverFailed;
            }
            else if (read == 0 || *errno != Errno.EINTR)
            {
                from.Flags |= SideFlags.Failed;
            }
        }
    }

    /// <summary>
    /// Bytes that the peer has not acknowledged (tcp(7), SIOCOUTQ); zero where the kernel does not say.
    /// </summary>
    private static int Unacknowledged(int fd)
    {
        var queued = 0;
        return Libc.ioctl(fd, Libc.SIOCOUTQ, &queued) == 0 ? queued : 0;
    }

    /// <summary>Ends a session with an RST to whoever is still there.</summary>
    private void Abort(Session* session, TerminationReason reason)
    {
        ResetOnClose(session->Client.Fd);
        ResetOnClose(session->Backend.Fd);
        CloseSession(session, reason);
    }

    private static void ResetOnClose(int fd)
    {
        if (fd < 0)
            return;
        // SO_LINGER {1, 0}: close(2) sends an RST (socket(7)).
        var linger = stackalloc int[2] { 1, 0 };
        _ = Libc.setsockopt(fd, Libc.SOL_SOCKET, Libc.SO_LINGER, linger, 8);
    }

    /// <summary>Ends a session: descriptors, timer, memory, counters.</summary>
    private void CloseSession(Session* session, TerminationReason reason)
    {
        timers.Disarm(session);
        DropUnsent(session, ref session->Client);
        DropUnsent(session, ref session->Backend);
        ForgetTried(session);
        Unassign(session);
        var service = serviceOf(session->Service);
        service.Rows.Of(index)[ServiceRow.Ended + (int)reason]++;
        if (session->State == SessionState.Connecting)
            NoLongerConnecting(service);
        var left = service.Leave();

        // After the counts: who sees its connection end finds its place free, and no trace of it in the status.
        _ = Libc.close(session->Client.Fd);
        if (session->Backend.Fd >= 0)
            _ = Libc.close(session->Backend.Fd);
        session->Client.Fd = session->Backend.Fd = -1;
        session->State = SessionState.Closed;
        if (!session->InReadyList)
            PutToFree(session);
        if (left == 0 && stopping)
            mailbox.Post(LoopReportKind.AllIdle, 0);
    }

    private void PutToFree(Session* session)
    {
        session->Next = closed;
        closed = session;
    }

    // Only between batches: an event later in the same batch may still name a closed session.
    private void FreeClosed()
    {
        while (closed != null)
        {
            var session = closed;
            closed = session->Next;
            sessions.Return(session);
        }
    }
}
