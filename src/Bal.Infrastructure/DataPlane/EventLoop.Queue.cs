using System.Runtime.InteropServices;
using Bal.Domain.Admission;
using Bal.Domain.Balancing;
using Bal.Domain.Counting;

namespace Bal.Infrastructure.DataPlane;

/// <summary>
/// Clients that wait because every usable backend is full (<see cref="WaitingLine"/>). A session that waits is one that
/// still looks for a backend: none of its bytes is read, and its timer is that of the queue.
/// </summary>
internal sealed unsafe partial class EventLoop
{
    /// <summary>
    /// How often a loop with clients that wait looks for places that a replaced process has freed.
    /// </summary>
    private const int LookElsewhereMs = 4;

    private readonly HandedBack handedBack;

    // Services of which clients of this loop wait; each stands here once.
    private readonly List<int> waitedFor = [];
    private long nextLookElsewhere;

    // Taken from handedBack and not yet seen to.
    private Waiter* served;

    /// <summary>Has a client wait for a place, if it may.</summary>
    private void Wait(Session* session, ServicePlane service, Snapshot snapshot)
    {
        if (session->ClientGone)
        {
            CloseSession(session, TerminationReason.ClientAborted);
            return;
        }

        var tuning = snapshot.Table.Service.Tuning;
        var line = service.Line!;
        var waiter = (Waiter*)NativeMemory.AllocZeroed((nuint)sizeof(Waiter));
        waiter->Session = session;
        waiter->Since = now;
        waiter->Loop = index;
        if (snapshot.Selector.BySource && SourceOf(session).Hash() is { } source)
            (waiter->Source, waiter->HasSource) = (source, true);
        // Whoever has waited before has been counted in once, and keeps its turn and what is left of its time.
        if (!line.TryJoin(waiter, session->HasWaited ? int.MaxValue : tuning.QueueLimit))
        {
            NativeMemory.Free(waiter);
            Reject(session, service, Refusal.QueueFull);
            return;
        }

        // From here on another loop may hand it back; what becomes of it is done by this one.
        session->Waiter = waiter;
        session->HasWaited = true;
        timers.Arm(session, now + Math.Max(0, tuning.QueueTimeout.Milliseconds - session->WaitedMs));
        var row = service.Rows.Of(index);
        if (row[ServiceRow.QueueLength]++ == 0)
            waitedFor.Add(service.Index);
        line.Serve(index);
    }

    private void OnQueueTimeout(Session* session)
    {
        var service = serviceOf(session->Service);
        if (!service.Line!.TryRemove(session->Waiter))
        {
            // A place was taken for it at the last moment.
            SeeToServed();
            return;
        }

        EndWait(session, service);
        Reject(session, service, Refusal.QueueTimeout);
    }

    /// <summary>A session ends that may be waiting.</summary>
    private void LeaveQueue(Session* session, ServicePlane service)
    {
        var waiter = session->Waiter;
        if (waiter == null)
            return;
        var (taken, backend) = ((nint)0, 0);
        if (!service.Line!.TryRemove(waiter))
        {
            // It is among those that were handed back, with a place or without.
            TakeServed();
            fixed (Waiter** head = &served)
            {
                var at = head;
                while (*at != waiter)
                    at = &(*at)->Next;
                *at = waiter->Next;
            }

            backend = waiter->Backend;
            taken = backend == 0 ? 0 : (nint)waiter->Taken;
        }

        EndWait(session, service);
        if (taken != 0)
            GivePlace((long*)taken, service, backend);
    }

    /// <summary>Goes on with those for whom a place was taken.</summary>
    private void SeeToServed()
    {
        TakeServed();
        while (served != null)
        {
            var waiter = served;
            served = waiter->Next;
            SeeTo(waiter->Session);
        }
    }

    private void TakeServed()
    {
        if (!handedBack.Any)
            return;
        var more = handedBack.TakeAll();
        if (served == null)
        {
            served = more;
            return;
        }

        var last = served;
        while (last->Next != null)
            last = last->Next;
        last->Next = more;
    }

    private void SeeTo(Session* session)
    {
        var service = serviceOf(session->Service);
        var (waiter, tuning) = (*session->Waiter, service.Current.Table.Service.Tuning);
        EndWait(session, service);
        if (waiter.Backend == 0)
        {
            ConnectNext(session, hasWaited: true);
            return;
        }

        var snapshot = service.Current;
        if (targetAt(waiter.Target) is not { } target || target.Id != waiter.Backend
            || (snapshot.Number != waiter.ChosenBy && !snapshot.Offers(waiter.Backend)))
        {
            // In between a reload has removed the backend, or nobody is to be sent there any more.
            if (waiter.Taken != null)
                GivePlace(waiter.Taken, service, waiter.Backend);
            ConnectNext(session, hasWaited: true);
            return;
        }

        if (waiter.Tier != Tier.Up)
            session->LastResorts++;
        Assign(session, target);
        session->ChosenBy = waiter.ChosenBy;
        if (!ConnectTo(session, target, tuning.ConnectTimeout.Milliseconds))
            ConnectNext(session);
    }

    /// <summary>A session waits no longer, whatever comes next.</summary>
    private void EndWait(Session* session, ServicePlane service)
    {
        timers.Disarm(session);
        var row = service.Rows.Of(index);
        var waited = now - session->Waiter->Since;
        if (--row[ServiceRow.QueueLength] == 0)
            waitedFor.Remove(service.Index);
        session->WaitedMs += waited;
        row[ServiceRow.QueueWaits]++;
        CountDuration(row, ServiceRow.QueueWaitMs, ServiceRow.Waited, DurationScale.Queue, waited);
        row[ServiceRow.QueueLongestWaitMs] = Math.Max(row[ServiceRow.QueueLongestWaitMs], waited);
        NativeMemory.Free(session->Waiter);
        session->Waiter = null;
    }

    /// <summary>
    /// Gives a place back that was taken for a client and not used, to the first who waits for one. It may have been
    /// all that kept the backend from being idle.
    /// </summary>
    private void GivePlace(long* taken, ServicePlane service, int backend)
    {
        Interlocked.Decrement(ref *taken);
        mailbox.Post(LoopReportKind.BackendIdle, backend);
        service.Line?.Serve(index);
    }

    /// <summary>A replaced process frees places without a word; looked for only while somebody waits.</summary>
    private void LookElsewhere()
    {
        if (waitedFor.Count == 0 || now < nextLookElsewhere)
            return;
        nextLookElsewhere = now + LookElsewhereMs;
        foreach (var waited in waitedFor)
        {
            if (serviceOf(waited).Line is { LooksElsewhere: true } line)
                line.Serve(index);
        }
    }

    private bool AwaitsElsewhere()
    {
        foreach (var waited in waitedFor)
        {
            if (serviceOf(waited).Line is { LooksElsewhere: true })
                return true;
        }

        return false;
    }
}
