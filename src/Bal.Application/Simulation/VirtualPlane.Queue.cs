using System.Runtime.InteropServices;
using Bal.Domain.Admission;
using Bal.Domain.Balancing;
using Bal.Domain.Control;

namespace Bal.Application.Simulation;

/// <summary>
/// Backends with max_connections, and the clients that wait for a place: in one thread, where nothing can come between
/// a look and what follows from it.
/// </summary>
internal sealed partial class VirtualPlane
{
    private Attempt AttemptOf(VirtualClient client, VirtualService service)
    {
        var selector = service.Selector;
        return new(client.Turn, CollectionsMarshal.AsSpan(client.Tried), client.LastResorts)
        {
            Source = selector.BySource ? SourceOf(client) : null,
            Load = selector.ByLoad ? (tier, place) => ledgers[selector.RouteAt(tier, place).Id.Value].Active : null,
            IsFull = service.HasLimits ? (tier, place) => IsFull(selector.RouteAt(tier, place)) : null,
        };
    }

    private bool IsFull(Route route) => route.Config.MaxConnections.Exists(
        limit => !PlaceRule.HasRoom(ledgers[route.Id.Value].Active, 0, limit));

    private void Wait(VirtualClient client, VirtualService service)
    {
        var tuning = service.Table.Service.Tuning;
        if (service.Line.Count >= tuning.QueueLimit)
        {
            Refuse(client, service, Refusal.QueueFull);
            return;
        }

        var place = service.Line.Count;
        while (place > 0 && service.Line[place - 1].Turn > client.Turn)
            place--;
        service.Line.Insert(place, client);
        client.WaitsSince = clock.Now;
        var wait = ++client.Waits;
        chronicle.Waits(service.Table.Service.Name, service.Line.Count);
        clock.After(tuning.QueueTimeout, () =>
        {
            if (client.Waits != wait || client.Service is not { } still)
                return;
            EndWait(client, still);
            Refuse(client, still, Refusal.QueueTimeout);
        });
    }

    // Those for whom there is room, or nothing left to wait for, in the order in which they came.
    private void Serve(VirtualService service)
    {
        for (var i = 0; i < service.Line.Count; i++)
        {
            var client = service.Line[i];
            var attempt = AttemptOf(client, service);
            if (rules.Select(service.Selector, attempt).IsNone && service.Selector.AwaitsRoom(attempt))
                continue;
            EndWait(client, service);
            ConnectNext(client, service, hasWaited: true);
            i = -1;
        }
    }

    private void EndWait(VirtualClient client, VirtualService service)
    {
        // What it waited for no longer concerns it.
        client.Waits++;
        if (service.Line.Remove(client))
            chronicle.Waited(service.Table.Service.Name, clock.Now.Since(client.WaitsSince));
    }

    private void Refuse(VirtualClient client, VirtualService service, Refusal reason)
    {
        var name = service.Table.Service.Name;
        var total = service.Refused[reason] = service.Refused.GetValueOrDefault(reason) + 1;
        chronicle.Refused(name, reason);
        clock.After(RejectionReports, () =>
        {
            if (services.GetValueOrDefault(service.Table.Id.Value) == service)
                clock.Post(new ControlEvent.ClientsRefused(service.Table.Id, reason, total));
        });
        Leave(client);
        Miss(name, client.Stream, client.Number, client.RetriesLeft, client.Connects, reason == Refusal.QueueFull
            ? "every usable backend and the queue were full" : "every usable backend was full for too long");
        unused.Push(client);
    }
}
