using Bal.Domain.Control;
using Bal.Domain.Counting;
using Bal.Domain.Messages;
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
        ref var own = ref byBackend ? ref session->BytesOut : ref session->BytesIn;
        ref var bytes = ref byBackend ? ref session->Counters->BytesOut : ref session->Counters->BytesIn;

        var delivery = Deliver(session, ref origin, ref other, ref own, ref bytes);
        var unacknowledged = delivery == Delivery.Done ? Unacknowledged(other.Fd) : 0;
        var next = ResetRule.Next(delivery, unacknowledged, session->ResetUntil, now);
        if (next.IsOver)
            Abort(session, ResetReason(session));
        else if (next.GoesOn)
            MakeReady(session);
        else
            timers.Arm(session, next.LookAt);
    }

    // Like Pump, but the end of the source is never passed on as a FIN: an RST must not look like a complete answer.
    private Delivery Deliver(Session* session, ref Side from, ref Side to, ref long own, ref long bytes)
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
                own += read;
                bytes += read;
                if (!Send(ref from, ref to, (int)read))
                    return Delivery.ReceiverFailed;
            }
            else if (read == 0)
            {
                from.Flags |= SideFlags.Failed;
            }
            else if (*errno != Errno.EINTR)
            {
                Fail(ref from);
            }
        }
    }

    /// <summary>A system call on a socket has failed: takes note whether its peer is gone without a word.</summary>
    private void Fail(ref Side side) =>
        side.Flags |= ConnectErrors.IsSilence(*errno) ? SideFlags.Failed | SideFlags.Silent : SideFlags.Failed;

    private static TerminationReason ResetReason(Session* session)
    {
        ref var origin = ref session->ResetByBackend ? ref session->Backend : ref session->Client;
        // Where what it sent before could not be delivered in time, nobody has asked the socket yet.
        var silent = origin.Has(SideFlags.Failed)
            ? origin.Has(SideFlags.Silent)
            : ConnectErrors.IsSilence(Sockets.TakeError(origin.Fd));
        return ResetRule.ReasonOf(session->ResetByBackend, silent);
    }

    /// <summary>The first FIN has been passed on.</summary>
    private void BeginHalfClosed(Session* session)
    {
        session->FinAt = now;
        var limits = serviceOf(session->Service).Current.Silence;
        if (limits.HalfClosed < limits.Idle)
            timers.Arm(session, IdleRule.At(session->LastActivity, now, limits, now).LookAt);
    }

    /// <summary>The timer of a session has fired through which bytes flow, or have flowed.</summary>
    private void LookAtSilence(Session* session)
    {
        var snapshot = serviceOf(session->Service).Current;
        var step = IdleRule.At(session->LastActivity, session->FinAt, snapshot.Silence, heard.Until);
        if (step.IsOver)
        {
            // A FIN after a part of the bytes would tell the reader that this was all.
            if (session->Client.HasUnsent || session->Backend.HasUnsent)
                Abort(session, step.Reason);
            else
                CloseSession(session, step.Reason);
            return;
        }

        if (!session->KeptAlive && snapshot.Keepalive.IsOn)
        {
            session->KeptAlive = true;
            Sockets.SetKeepalive(session->Backend.Fd, snapshot.Keepalive);
        }

        if (step.LookAt != SilenceLimits.Never)
            timers.Arm(session, step.LookAt);
    }

    /// <summary>
    /// Bytes that the peer has not acknowledged (tcp(7), SIOCOUTQ); where the kernel does not say, there may be some.
    /// </summary>
    private int Unacknowledged(int fd)
    {
        var queued = 0;
        if (Libc.ioctl(fd, Libc.SIOCOUTQ, &queued) == 0)
            return queued;
        Facilities.Refused(Facility.Unacknowledged, *errno);
        return 1;
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
        if (Libc.setsockopt(fd, Libc.SOL_SOCKET, Libc.SO_LINGER, linger, 8) == 0)
            return;
        Facilities.Refused(Facility.Linger, Sockets.LastError);
        // A connect(2) to AF_UNSPEC dissolves the connection, which sends an RST, too (tcp_disconnect, tcp.c).
        var nowhere = stackalloc byte[SockAddr.MaxLength];
        new Span<byte>(nowhere, SockAddr.MaxLength).Clear();
        _ = Libc.connect(fd, nowhere, 16);
    }

    /// <summary>Ends a session: descriptors, timer, memory, counters.</summary>
    private void CloseSession(Session* session, TerminationReason reason)
    {
        timers.Disarm(session);
        DropUnsent(session, ref session->Client);
        DropUnsent(session, ref session->Backend);
        var service = serviceOf(session->Service);
        LeaveQueue(session, service);
        if (access.IsOn)
            LogEnd(session, service, reason);
        ForgetName(session);
        ForgetTried(session);
        if (session->Counters != null && session->Counters->Taken != null && session->Backend.Fd >= 0)
        {
            // Before its place is free: the backend must not see the next connection before the end of this one.
            _ = Libc.close(session->Backend.Fd);
            session->Backend.Fd = -1;
        }

        Unassign(session);
        var row = service.Rows.Of(index);
        row[ServiceRow.Ended + (int)reason]++;
        // One that is still asked who it is, or what it wants, has no service yet.
        if (session->State != SessionState.Greeting)
        {
            row[ServiceRow.EndedConnections]++;
            CountDuration(
                row, ServiceRow.ConnectionMs, ServiceRow.Lasted, DurationScale.Session, now - session->Started);
        }

        if (reason is TerminationReason.IdleTimeout or TerminationReason.HalfClosedTimeout
            or TerminationReason.PeerTimeout)
            HasNews(service);
        if (session->State is SessionState.Greeting or SessionState.Connecting)
            NoLongerConnecting(session, service);
        if (session->Listener != 0)
            LeaveGate(session);
        LeaveClient(service, session->ClientEntry);
        var left = session->IsGreeted ? service.LeaveGreeted() : service.Leave();

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

    private static void CountDuration(long* row, int sum, int first, DurationScale scale, long ms)
    {
        row[sum] += ms;
        var bucket = scale.BucketOf(ms);
        if (bucket < scale.BoundsMs.Count)
            row[first + bucket]++;
    }

    private void CutOne(int oneOf)
    {
        var open = sessions.InUse();
        var step = CutShares.Next(oneOf, open.Count, cutCarried);
        cutCarried = step.Carried;
        for (var i = 0; i < step.Cut; i++)
            Abort((Session*)open[i], TerminationReason.Cut);
    }

    private void ResetBackend(LoopCommand.Reset reset)
    {
        foreach (Session* session in sessions.InUse())
        {
            if (session->BackendId != reset.Backend || session->State == SessionState.Closed)
                continue;
            // The present table was published before this command: whoever was sent there by it may stay.
            if (!reset.All && session->ChosenBy == serviceOf(session->Service).Current.Number)
                continue;
            if (session->State != SessionState.Connecting)
            {
                Abort(session, reset.Reason);
                continue;
            }

            // After this batch, which may still hold an event of the socket that is closed for it.
            session->GivenUp = true;
            MakeReady(session);
        }
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
