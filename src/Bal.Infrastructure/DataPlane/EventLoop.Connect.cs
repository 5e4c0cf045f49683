using System.Runtime.InteropServices;
using Bal.Domain.Backend;
using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.Counting;
using Bal.Domain.Relay;
using Bal.Infrastructure.Linux;

namespace Bal.Infrastructure.DataPlane;

/// <summary>
/// Finding a backend for a client: no byte has been relayed yet, so the client notices nothing of a failure.
/// </summary>
internal sealed unsafe partial class EventLoop
{
    private const uint SideInterest = Libc.EPOLLIN | Libc.EPOLLPRI | Libc.EPOLLOUT | Libc.EPOLLRDHUP | Libc.EPOLLET;

    /// <summary>Chooses the next candidate and starts connecting; ends the session where there is none.</summary>
    private void ConnectNext(Session* session)
    {
        while (true)
        {
            // The table is read anew for each try: what is best may have changed while the last one was failing.
            var snapshot = serviceOf(session->Service).Current;
            var tried = new ReadOnlySpan<int>(session->Tried, session->TriedCount);
            var next = Selection.Next(snapshot.Table, session->Turn, tried, session->LastResorts);
            if (!next.IsSome)
            {
                GiveUp(session);
                return;
            }

            var candidate = (Candidate)next;
            if (candidate.Tier != Tier.Up)
                session->LastResorts++;
            var target = snapshot.Of(candidate);
            Assign(session, target);
            if (ConnectTo(session, target, snapshot.Table.Service.Tuning.ConnectTimeout.Milliseconds))
                return;
        }
    }

    /// <summary>
    /// Starts a connect to the current or a later address of the backend; false where none could be started.
    /// </summary>
    private bool ConnectTo(Session* session, RouteTarget target, long timeoutMs)
    {
        var failure = FailureKind.Other;
        for (; session->AddressIndex < target.Addresses.Length; session->AddressIndex++)
        {
            var error = StartConnect(session, target.Addresses[session->AddressIndex]);
            if (error == 0)
            {
                timers.Arm(session, now + timeoutMs);
                return true;
            }

            failure = KindOf(error);
        }

        FailBackend(session, failure);
        return false;
    }

    /// <summary>Zero, or the errno with which the connect could not even begin.</summary>
    private int StartConnect(Session* session, byte[] address)
    {
        var fd = Libc.socket(
            SockAddr.FamilyOf(address), Libc.SOCK_STREAM | Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC, 0);
        if (fd < 0)
            return *errno;
        if (fd >= descriptorCeiling)
        {
            _ = Libc.close(fd);
            return Errno.EMFILE;
        }

        var on = 1;
        _ = Libc.setsockopt(fd, Libc.IPPROTO_TCP, Libc.TCP_NODELAY, &on, sizeof(int));
        LoopbackSockets.Prepare(fd, address);
        int result;
        fixed (byte* bytes = address)
            result = Libc.connect(fd, bytes, (uint)address.Length);
        var error = result == 0 || *errno == Errno.EINPROGRESS ? 0 : *errno;
        if (error == 0 && !epoll.Add(fd, SideInterest, WatchTag.OfSocket((ulong)session, isBackend: true)))
            error = *errno;
        if (error != 0)
        {
            _ = Libc.close(fd);
            return error;
        }

        session->Backend = default;
        session->Backend.Fd = fd;
        return 0;
    }

    private void OnConnectingEvent(Session* session, bool fromBackend, SocketEvents what)
    {
        if (!fromBackend)
        {
            // A FIN is a half-close and is passed on later; an RST means that nobody is there any more. What came
            // before it is passed on all the same, by the relay.
            if (EventRule.ClientMayBeGone(what) && Unread(session->Client.Fd) == 0)
                CloseSession(session, TerminationReason.ClientAborted);
            return;
        }

        switch (EventRule.OfBackend(what))
        {
            case ConnectMeaning.Failed:
                TryElsewhere(session, KindOf(Sockets.TakeError(session->Backend.Fd)));
                break;
            // Nobody listens there: what a refusal would have said.
            case ConnectMeaning.Connected when IsOwnEcho(session):
                TryElsewhere(session, FailureKind.Refused);
                break;
            case ConnectMeaning.Connected:
                Established(session);
                break;
            default:
                break;
        }
    }

    /// <summary>Bytes that can be read at once (tcp(7), SIOCINQ), also after an RST.</summary>
    private static int Unread(int fd)
    {
        var queued = 0;
        return Libc.ioctl(fd, Libc.SIOCINQ, &queued) == 0 ? queued : 0;
    }

    // Costs a system call, and so is asked only of ports that the kernel may choose as a source.
    private bool IsOwnEcho(Session* session)
    {
        return TargetOf(session) is { } target
            && session->AddressIndex < target.Addresses.Length
            && EphemeralPorts.Contains(SockAddr.PortOf(target.Addresses[session->AddressIndex]))
            && Sockets.IsConnectedToItself(session->Backend.Fd, target.Addresses[session->AddressIndex]);
    }

    private void OnConnectTimeout(Session* session) => TryElsewhere(session, FailureKind.Timeout);

    /// <summary>The current address has failed: on to the next one, or to the next backend.</summary>
    private void TryElsewhere(Session* session, FailureKind failure)
    {
        timers.Disarm(session);
        _ = Libc.close(session->Backend.Fd);
        session->Backend.Fd = -1;
        session->AddressIndex++;
        // A reload may have removed the backend meanwhile; then its other addresses are no candidates either.
        if (TargetOf(session) is { } target && session->AddressIndex < target.Addresses.Length)
        {
            var timeout = serviceOf(session->Service).Current.Table.Service.Tuning.ConnectTimeout;
            if (ConnectTo(session, target, timeout.Milliseconds))
                return;
        }
        else
        {
            FailBackend(session, failure);
        }

        ConnectNext(session);
    }

    private void FailBackend(Session* session, FailureKind failure)
    {
        if (failure == FailureKind.Local)
            session->LocalFailure = true;
        else
            mailbox.Post(LoopReportKind.ConnectFailed, session->BackendId, failure);
        Remember(session, session->BackendId);
        Unassign(session);
    }

    private void GiveUp(Session* session)
    {
        if (!session->LocalFailure)
            mailbox.Post(LoopReportKind.ClientExhausted, session->Service);
        Abort(session, session->LocalFailure ? TerminationReason.LocalFailure : TerminationReason.NoBackend);
    }

    private void Established(Session* session)
    {
        session->State = SessionState.Relaying;
        session->LastActivity = now;
        session->Counters->Total++;
        NoLongerConnecting(serviceOf(session->Service));
        ForgetTried(session);
        timers.Arm(session, now + IdleTimeoutMs(session));
        if (RelayOf(session) == RelayMode.Splice)
        {
            StartSplicing(session, ref session->Client);
            StartSplicing(session, ref session->Backend);
        }

        if (Volatile.Read(ref session->Counters->WantsSuccess) != 0)
            mailbox.Post(LoopReportKind.ConnectSucceeded, session->BackendId);
        Relay(session);
    }

    /// <summary>The session's backend as it is now; null where new connections to it are not wanted any more.</summary>
    private RouteTarget? TargetOf(Session* session) =>
        targetAt(session->Target) is { } target && target.Id == session->BackendId ? target : null;

    /// <summary>From now on the session uses no other backend than the one it may have.</summary>
    private void NoLongerConnecting(ServicePlane service)
    {
        var row = service.Rows.Of(index);
        var (left, leaving) = (row[ServiceRow.Connecting] - 1, row[ServiceRow.Leaving] != 0);
        Volatile.Write(ref row[ServiceRow.Connecting], left);
        if (left == 0 && leaving)
            mailbox.Post(LoopReportKind.ServiceSettled, service.Index);
    }

    private void Assign(Session* session, RouteTarget target)
    {
        session->BackendId = target.Id;
        session->Target = target.Slot;
        session->AddressIndex = 0;
        session->Counters = target.Counters.Of(index);
        session->Counters->Active++;
    }

    private void Unassign(Session* session)
    {
        var line = session->Counters;
        if (line == null)
            return;
        session->Counters = null;
        // Once the supervisor sees zero it may free the line: the store comes last, and nothing is read after it. A
        // mark that is missed here is made up for by the Sync that follows it, after which the supervisor looks itself.
        var (left, draining) = (line->Active - 1, line->Draining != 0);
        Volatile.Write(ref line->Active, left);
        if (left == 0 && draining)
            mailbox.Post(LoopReportKind.BackendIdle, session->BackendId);
        session->BackendId = 0;
    }

    private static void Remember(Session* session, int backend)
    {
        if (session->TriedCount == session->TriedCapacity)
        {
            session->TriedCapacity = LoopRule.GrownTried(session->TriedCapacity);
            session->Tried = (int*)NativeMemory.Realloc(session->Tried, (nuint)(session->TriedCapacity * sizeof(int)));
        }

        session->Tried[session->TriedCount++] = backend;
    }

    private static void ForgetTried(Session* session)
    {
        if (session->Tried == null)
            return;
        NativeMemory.Free(session->Tried);
        session->Tried = null;
        session->TriedCount = session->TriedCapacity = 0;
    }

    private static FailureKind KindOf(int error) => ConnectErrors.KindOf(error);
}
