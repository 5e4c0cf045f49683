using Bal.Domain.Backend;
using Bal.Domain.Balancing;
using LanguageExt;

namespace Bal.Application.Simulation;

/// <summary>What the simulated loops know of a service and have counted of it.</summary>
internal sealed class VirtualService(RoutingTable table)
{
    /// <summary>As it was published last.</summary>
    public RoutingTable Table { get; set; } = table;

    /// <summary>Connections open now.</summary>
    public int Open { get; set; }

    /// <summary>Clients admitted so far: the turn of the next one.</summary>
    public ulong Turns { get; set; }

    /// <summary>Clients turned away at the limit.</summary>
    public long Rejected { get; set; }

    /// <summary>A report of them is on its way.</summary>
    public bool RejectionSaid { get; set; }

    /// <summary>The backend of that identity, if it is offered.</summary>
    public Option<Route> Find(int id)
    {
        foreach (var routes in (ReadOnlySpan<Arr<Route>>)[Table.Up, Table.Cooling, Table.Down])
        {
            foreach (var route in routes)
            {
                if (route.Id == new BackendId(id))
                    return route;
            }
        }

        return Option<Route>.None;
    }
}
