using Bal.Domain.Backend;
using Bal.Domain.Control;

namespace Bal.Application.Simulation;

/// <summary>How clients leave, and what is free then.</summary>
internal sealed partial class VirtualPlane
{
    // What it waits for is still to come; only then is its memory free.
    private void CutOne(VirtualClient client)
    {
        if (client.Service is { } service)
            chronicle.Cut(service.Table.Service.Name, client.State == ClientState.Connecting);
        Leave(client);
    }

    private void Leave(VirtualClient client)
    {
        if (client.State == ClientState.Connecting)
            connecting--;
        client.State = ClientState.Outside;
        if (client.Service is { } service)
        {
            EndWait(client, service);
            service.Open--;
            if (client.Counts)
                LeaveClient(KeyOf(client.Stream, client.Number), service);
        }

        var (left, used) = (client.Service, client.Backend != 0);
        Release(client);
        client.Service = null;
        var last = open[^1];
        open[client.Place] = last;
        last.Place = client.Place;
        open.RemoveAt(open.Count - 1);
        // Once nothing is left of it: who waits may come to its place.
        if (used && left is not null)
            Serve(left);
        if (open.Count == 0 && ledgers.Values.Any(l => l.Active != 0))
            throw new SimulationStuckException("no connection is open, yet a backend is said to have one");
        TellIfAllIdle();
    }

    private void Release(VirtualClient client)
    {
        if (client.Backend == 0)
            return;
        var ledger = ledgers[client.Backend];
        ledger.Active--;
        if (ledger.Active < 0)
            throw new SimulationStuckException($"backend {ledger.Notes.Endpoint} has fewer than no connections");
        TellIfIdle(client.Backend, ledger);
        client.Backend = 0;
    }

    private void TellIfIdle(int id, Ledger ledger)
    {
        if (ledger is { Draining: true, Active: 0, SaidIdle: false })
        {
            ledger.SaidIdle = true;
            clock.Post(new ControlEvent.BackendIdle(new BackendId(id)));
        }
    }

    private void TellIfAllIdle()
    {
        if (stopping && !listening && open.Count == 0 && !clock.Crashed)
            clock.Post(new ControlEvent.AllIdle());
    }
}
