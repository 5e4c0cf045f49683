using System.Runtime.InteropServices;
using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.Counting;
using Bal.Domain.Messages;
using Bal.Domain.Relay;
using Bal.Infrastructure.Linux;
using LanguageExt;

namespace Bal.Infrastructure.DataPlane;

/// <summary>
/// Finding a backend for a client: no byte has been relayed yet, so the client notices nothing of a failure.
/// </summary>
internal sealed unsafe partial class EventLoop
{
    private const uint SideInterest = Libc.EPOLLIN | Libc.EPOLLPRI | Libc.EPOLLOUT | Libc.EPOLLRDHUP | Libc.EPOLLET;

    /// <summary>Begins to look for a backend.</summary>
    private void Seek(Session* session, ServicePlane service)
    {
        session->Turn = service.TakeTurn();
        if (service.Line is not null)
        {
            session->Seeking = true;
            service.BeginSeeking();
        }

        ConnectNext(session);
    }

    /// <summary>
    /// Chooses the next candidate and starts connecting; where there is none, the session waits for one that is full,
    /// or ends.
    /// </summary>
    /// <param name="session">The session.</param>
    /// <param name="hasWaited">Whether it has waited, so that those who wait came later.</param>
    private void ConnectNext(Session* session, bool hasWaited = false)
    {
        while (true)
        {
            // The table is read anew for each try: what is best may have changed while the last one was failing.
            var service = serviceOf(session->Service);
            var snapshot = service.Current;
            var tried = new ReadOnlySpan<int>(session->Tried, session->TriedCount);
            var attempt = new Attempt(session->Turn, tried, session->LastResorts)
            {
                Source = snapshot.Selector.BySource ? SourceOf(session).Hash() : null,
                Load = snapshot.Load,
                IsFull = snapshot.IsFull,
            };
            // A place that has just become free belongs to those who wait.
            var mustWait = snapshot.IsFull is not null && !hasWaited && service.Line!.Length > 0;
            var next = mustWait ? Option<Candidate>.None : snapshot.Selector.Next(attempt);
            if (!next.IsSome)
            {
                if (mustWait || snapshot.Selector.AwaitsRoom(attempt))
                    Wait(session, service, snapshot);
                else
                    GiveUp(session);
                return;
            }

            var candidate = (Candidate)next;
            var target = snapshot.Of(candidate);
            // Another loop may just have taken the last place.
            if (target.Places is { } places && !places.TryTake())
                continue;
            if (candidate.Tier != Tier.Up)
                session->LastResorts++;
            Assign(session, target);
            if (session->Tries > 1)
                service.Rows.Of(index)[ServiceRow.Failovers]++;
            session->ChosenBy = snapshot.Number;
            if (ConnectTo(session, target, snapshot.Table.Service.Tuning.ConnectTimeout.Milliseconds))
                return;
        }
    }

    /// <summary>
    /// Starts a connect to the current or a later address of the backend; false where none could be started.
    /// </summary>
    private bool ConnectTo(Session* session, RouteTarget target, long timeoutMs)
    {
        // Only an address of bal itself is left out of those of a candidate.
        if (target.Addresses.Length == 0)
            Note(session, FailureKind.OwnListener);
        for (; session->AddressIndex < target.Addresses.Length; session->AddressIndex++)
        {
            var address = target.Addresses[session->AddressIndex];
            var error = target.Sources is { } sources
                ? StartConnect(session, address, sources[session->AddressIndex])
                : StartConnect(session, address, source: default);
            if (error == 0)
            {
                timers.Arm(session, now + timeoutMs);
                return true;
            }

            NoteCause(session, error);
            Note(session, ConnectErrors.KindOf(error));
        }

        FailBackend(session);
        return false;
    }

    private void OnConnectingEvent(Session* session, bool fromBackend, SocketEvents what)
    {
        if (!fromBackend)
        {
            // A FIN is a half-close and is passed on later; an RST means that nobody is there any more. What came
            // before it is passed on all the same, by the relay; but nobody waits in order to be rid of it.
            if (EventRule.ClientMayBeGone(what))
            {
                session->ClientGone = true;
                if (session->Waiter != null || Unread(session->Client.Fd) == 0)
                    CloseSession(session, TerminationReason.ClientAborted);
            }

            return;
        }

        if (session->GivenUp)
            return;
        switch (EventRule.OfBackend(what))
        {
            case ConnectMeaning.Failed:
                var error = Sockets.TakeError(session->Backend.Fd);
                // A connect to a Unix socket has succeeded at once: its server may have answered and closed by now.
                if (error == 0 && UnixSockets.Is(session->Backend.Fd))
                {
                    Established(session);
                    break;
                }

                NoteCause(session, error);
                TryElsewhere(session, ConnectErrors.KindOf(error));
                break;
            // Nobody listens there: what a refusal would have said.
            case ConnectMeaning.Connected when IsOwnEcho(session):
                NoteCause(session, Errno.ECONNREFUSED);
                TryElsewhere(session, FailureKind.Refused);
                break;
            case ConnectMeaning.Connected:
                Established(session);
                break;
            default:
                break;
        }
    }

    /// <summary>
    /// Bytes that can be read at once (tcp(7), SIOCINQ), also after an RST; where the kernel does not say, there may be
    /// some, and recv(2) will tell.
    /// </summary>
    private int Unread(int fd)
    {
        var queued = 0;
        if (Libc.ioctl(fd, Libc.SIOCINQ, &queued) == 0)
            return queued;
        Facilities.Refused(Facility.Unread, *errno);
        return 1;
    }

    // Costs a system call, and so is asked only of ports that the kernel may choose as a source.
    private bool IsOwnEcho(Session* session)
    {
        return TargetOf(session) is { } target
            && session->AddressIndex < target.Addresses.Length
            && !SockAddr.IsUnix(target.Addresses[session->AddressIndex])
            && EphemeralPorts.Contains(SockAddr.PortOf(target.Addresses[session->AddressIndex]))
            && Sockets.IsConnectedToItself(session->Backend.Fd, target.Addresses[session->AddressIndex]);
    }

    private void OnConnectTimeout(Session* session)
    {
        if (session->Waiter != null)
        {
            OnQueueTimeout(session);
            return;
        }

        NoteCause(session, Errno.ETIMEDOUT);
        TryElsewhere(session, FailureKind.Timeout);
    }

    /// <summary>
    /// Goes on to the next candidate without having heard of this one, which is not held against it.
    /// </summary>
    private void GoOnElsewhere(Session* session)
    {
        timers.Disarm(session);
        _ = Libc.close(session->Backend.Fd);
        session->Backend.Fd = -1;
        session->GivenUp = false;
        Remember(session, session->BackendId);
        Unassign(session);
        ConnectNext(session);
    }

    /// <summary>The current address has failed: on to the next one, or to the next backend.</summary>
    private void TryElsewhere(Session* session, FailureKind failure)
    {
        timers.Disarm(session);
        _ = Libc.close(session->Backend.Fd);
        session->Backend.Fd = -1;
        session->AddressIndex++;
        Note(session, failure);
        // A reload may have removed the backend meanwhile; then its other addresses are no candidates either.
        if (TargetOf(session) is { } target && session->AddressIndex < target.Addresses.Length)
        {
            var timeout = serviceOf(session->Service).Current.Table.Service.Tuning.ConnectTimeout;
            if (ConnectTo(session, target, timeout.Milliseconds))
                return;
        }
        else
        {
            FailBackend(session);
        }

        ConnectNext(session);
    }

    private static void Note(Session* session, FailureKind failure) =>
        session->Failure = Failures.MoreTelling(session->Failure, failure);

    private void FailBackend(Session* session)
    {
        if (session->Failure == FailureKind.Local)
            session->LocalFailure = true;
        else
            mailbox.Post(LoopReportKind.ConnectFailed, session->BackendId, session->Failure);
        Remember(session, session->BackendId);
        Unassign(session);
    }

    private void GiveUp(Session* session)
    {
        if (!session->LocalFailure)
            mailbox.Post(LoopReportKind.ClientExhausted, session->Service);
        // Before the client can know: whoever was not served and asks finds itself counted.
        Refuse(
            serviceOf(session->Service),
            session->Cause == 0 ? Refusal.BackendsUnavailable : (Refusal)(session->Cause - 1));
        Abort(session, session->LocalFailure ? TerminationReason.LocalFailure : TerminationReason.NoBackend);
    }

    private static void NoteCause(Session* session, int error)
    {
        var cause = ConnectErrors.CauseOf(error);
        session->Cause = 1 + (int)(session->Cause == 0
            ? cause
            : Refusals.MoreTelling((Refusal)(session->Cause - 1), cause));
    }

    private void Established(Session* session)
    {
        session->State = SessionState.Relaying;
        session->LastActivity = session->ConnectedAt = now;
        session->Counters->Total++;
        var took = now - session->TriedAt;
        session->Counters->ConnectMs += took;
        session->Counters->Connects[DurationScale.Connect.BucketOf(took)]++;
        NoLongerConnecting(session, serviceOf(session->Service));
        ForgetTried(session);
        if (session->Header != ProxyVersion.None && !SendHeader(session))
        {
            BeginReset(session, fromBackend: true);
            return;
        }

        var snapshot = serviceOf(session->Service).Current;
        var first = IdleRule.FirstLook(now, snapshot.Silence, snapshot.Keepalive);
        if (first == SilenceLimits.Never)
            timers.Disarm(session);
        else
            timers.Arm(session, first);
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
    private void NoLongerConnecting(Session* session, ServicePlane service)
    {
        if (session->Seeking)
        {
            session->Seeking = false;
            service.EndSeeking();
        }

        var row = service.Rows.Of(index);
        var (left, leaving) = (row[ServiceRow.Connecting] - 1, row[ServiceRow.Leaving] != 0);
        Volatile.Write(ref row[ServiceRow.Connecting], left);
        if (left == 0 && leaving)
            mailbox.Post(LoopReportKind.ServiceSettled, service.Index);
    }

    // Where the backend has a limit, a place in it has been taken.
    private void Assign(Session* session, RouteTarget target)
    {
        session->Header = target.Header;
        session->Tries++;
        session->TriedAt = now;
        session->BackendId = target.Id;
        session->Target = target.Slot;
        session->AddressIndex = 0;
        // The least telling one.
        session->Failure = FailureKind.Local;
        session->Counters = target.Counters.Of(index);
        target.Places?.Join(session->Counters);
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
        var taken = line->Taken;
        if (taken != null)
            Interlocked.Decrement(ref *taken);
        Volatile.Write(ref line->Active, left);
        if (left == 0 && draining)
            mailbox.Post(LoopReportKind.BackendIdle, session->BackendId);
        session->BackendId = 0;
        if (taken != null)
            serviceOf(session->Service).Line?.Serve(index);
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
}
