using Bal.Domain.Counting;
using Bal.Domain.Relay;
using Bal.Infrastructure.Linux;

namespace Bal.Infrastructure.DataPlane;

/// <summary>
/// What the access log gets of a connection: one record at its end, and of those that were rejected a few
/// (<see cref="AccessLogRule"/>). Nothing here waits or allocates.
/// </summary>
internal sealed unsafe partial class EventLoop
{
    private readonly AccessRings access;
    private readonly HeldRejections held = new();
    private long heldDue;

    private const int OfAllServices = -1;

    /// <summary>A session ends; its sockets are still open.</summary>
    private void LogEnd(Session* session, ServicePlane service, TerminationReason reason)
    {
        AccessRecord record = default;
        Describe(session, service, ref record);
        record.Reason = (int)reason;
        if (AccessLogRule.IsRejection(reason))
            LogRejection(service, record, NameOf(session));
        else
            access.Put(index, record, NameOf(session));
    }

    /// <summary>What is known of a session now.</summary>
    private void Describe(Session* session, ServicePlane service, ref AccessRecord record)
    {
        record.At = now;
        record.Started = session->Started;
        record.WaitMs = session->WaitedMs;
        record.ConnectMs = session->ConnectedAt == 0 ? -1 : session->ConnectedAt - session->TriedAt;
        record.BytesIn = session->BytesIn;
        record.BytesOut = session->BytesOut;
        record.Service = service.Id.Value;
        record.Backend = session->BackendId;
        record.Tries = session->Tries;
        record.Client = SourceOf(session);
        record.Seen = session->Seen;
        record.Listener = Sockets.OwnEndOf(session->Client.Fd);
        record.Source = session->ConnectedAt == 0 ? InetEndpoint.None : Sockets.OwnEndOf(session->Backend.Fd);
    }

    /// <summary>A connection is rejected at the accept, and has no session.</summary>
    private void LogRejection(ServicePlane service, int fd, InetEndpoint peer, TerminationReason reason)
    {
        AccessRecord record = default;
        record.At = record.Started = now;
        record.ConnectMs = -1;
        record.Service = service.Id.Value;
        record.Reason = (int)reason;
        record.Client = record.Seen = peer;
        record.Listener = Sockets.OwnEndOf(fd);
        LogRejection(service, record, default);
    }

    /// <summary>
    /// A connection was rejected before it reached a queue or a try. Where it may have no line now, it is held, without
    /// the name that it asked for.
    /// </summary>
    private void LogRejection(ServicePlane service, in AccessRecord record, ReadOnlySpan<byte> name)
    {
        var before = held.TallyOf(service.Index, record.Reason);
        var tally = before.Rejected();
        if (TakeQuota(service, record.Reason))
        {
            Say(record, tally, name);
            tally = RejectionTally.None;
        }

        if (tally.Unsaid == 0 && before.Unsaid == 0)
            return;
        if (held.Count == 0)
            heldDue = LineQuota.NextRoom(now);
        held.Keep(service.Index, record, tally);
    }

    private void Say(AccessRecord newest, RejectionTally tally, ReadOnlySpan<byte> name)
    {
        newest.Suppressed = tally.Suppressed;
        access.Put(index, newest, name);
    }

    private bool TakeQuota(ServicePlane service, int reason)
    {
        ref var quota = ref service.Quotas[reason];
        while (true)
        {
            var seen = new LineQuota(Volatile.Read(ref quota));
            if (!seen.HasRoom(now))
                return false;
            if (Interlocked.CompareExchange(ref quota, seen.Taken(now).Value, seen.Value) == seen.Value)
                return true;
        }
    }

    // Once a second: what is held has a line then, even if nobody else is rejected.
    private void SayHeld()
    {
        if (held.Count == 0 || now < heldDue)
            return;
        heldDue = LineQuota.NextRoom(now);
        var all = !access.IsOn;
        for (var i = held.Count - 1; i >= 0; i--)
        {
            ref var one = ref held[i];
            if (all || TakeQuota(serviceOf(HeldRejections.ServiceOf(one.Key)), HeldRejections.ReasonOf(one.Key)))
                SayHeld(i);
        }
    }

    /// <summary>The same of a service at once, because nothing can be said of it later.</summary>
    private void SayHeldOf(int service)
    {
        for (var i = held.Count - 1; i >= 0; i--)
        {
            if (service == OfAllServices || service == HeldRejections.ServiceOf(held[i].Key))
                SayHeld(i);
        }
    }

    private void SayHeld(int place)
    {
        ref var one = ref held[place];
        Say(one.Newest, one.Tally, default);
        held.Keep(HeldRejections.ServiceOf(one.Key), one.Newest, RejectionTally.None);
    }
}
