using Bal.Domain.Balancing;
using Bal.Infrastructure.Linux;
using LanguageExt;

namespace Bal.Infrastructure.DataPlane;

/// <summary>A routing table with what the loops need beside it; immutable.</summary>
/// <param name="Table">The core's table.</param>
/// <param name="Up">The targets of <see cref="RoutingTable.Up"/>, in its order; and so on.</param>
/// <param name="Cooling">Likewise.</param>
/// <param name="Down">Likewise.</param>
internal sealed record Snapshot(RoutingTable Table, RouteTarget[] Up, RouteTarget[] Cooling, RouteTarget[] Down)
{
    /// <summary>The target of a candidate that was chosen from this table.</summary>
    public RouteTarget Of(Candidate candidate) => candidate.Tier switch
    {
        Tier.Up => Up[candidate.Place],
        Tier.Cooling => Cooling[candidate.Place],
        _ => Down[candidate.Place],
    };
}

/// <summary>A backend ready for connect(2); immutable.</summary>
internal sealed class RouteTarget(Route route, int slot, BackendRows counters)
{
    private readonly Route route = route;

    /// <summary>Its identity.</summary>
    public int Id => route.Id.Value;

    /// <summary>Where the loops find the backend's present target.</summary>
    public int Slot => slot;

    /// <summary>Socket addresses in the order of trial.</summary>
    public byte[][] Addresses { get; } = [.. route.Addresses.Select(a => SockAddr.Of(a, route.Endpoint.Port))];

    /// <summary>Its counters.</summary>
    public BackendRows Counters => counters;

    /// <summary>Whether it serves for <paramref name="next"/> as well.</summary>
    public bool Fits(Route next) => ReferenceEquals(next, route)
        || (next.Endpoint.Port == route.Endpoint.Port && SameAddresses(next.Addresses));

    private bool SameAddresses(Arr<System.Net.IPAddress> others)
    {
        if (others.Count != route.Addresses.Count)
            return false;
        for (var i = 0; i < others.Count; i++)
        {
            if (!others[i].Equals(route.Addresses[i]))
                return false;
        }

        return true;
    }
}
