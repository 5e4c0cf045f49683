using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Domain.Balancing;
using LanguageExt;

namespace Bal.Application.Simulation;

/// <summary>What the simulated loops know of a service and have counted of it.</summary>
internal sealed class VirtualService
{
    /// <summary>The table that was published last, and the choice by it.</summary>
    public Selector Selector { get; private set; } = null!;

    /// <summary>As it was published last.</summary>
    public RoutingTable Table => Selector.Table;

    /// <summary>Connections open now.</summary>
    public int Open { get; set; }

    /// <summary>Clients admitted so far: the turn of the next one.</summary>
    public ulong Turns { get; set; }

    /// <summary>Clients turned away at the limit.</summary>
    public long Rejected { get; set; }

    /// <summary>Clients that wait for a place in a backend, in the order in which they came.</summary>
    public List<VirtualClient> Line { get; } = [];

    /// <summary>Those of them that were turned away, by reason.</summary>
    public Dictionary<Refusal, long> Refused { get; } = [];

    /// <summary>What is known of clients, where there are limits for each of them.</summary>
    public Dictionary<ulong, VirtualClientCount> Clients { get; } = [];

    /// <summary>Whether a backend has max_connections.</summary>
    public bool HasLimits { get; private set; }

    /// <summary>A report of them is on its way.</summary>
    public bool RejectionSaid { get; set; }

    /// <summary>Serves by this table from now on.</summary>
    public void Publish(RoutingTable table)
    {
        Selector = Selector.Of(table, Prelude.Optional(Selector));
        HasLimits = table.Up.Append(table.Cooling).Append(table.Down)
            .Exists(route => route.Config.MaxConnections.IsSome);
    }

    /// <summary>The backend of that identity, if it is offered.</summary>
    public Option<Route> Find(int id)
    {
        foreach (var routes in (ReadOnlySpan<Arr<Route>>)[Table.Up, Table.Cooling, Table.Down, Table.BackupsDown])
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
