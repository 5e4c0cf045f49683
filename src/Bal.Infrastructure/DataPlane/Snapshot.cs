using Bal.Domain.Admission;
using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.Primitives;
using Bal.Domain.Relay;
using Bal.Infrastructure.Linux;
using LanguageExt;

namespace Bal.Infrastructure.DataPlane;

/// <summary>A routing table with what the loops need beside it; immutable.</summary>
/// <param name="Selector">The core's table, and the choice by it.</param>
/// <param name="Up">The targets of <see cref="RoutingTable.Up"/>, in its order; and so on.</param>
/// <param name="Cooling">Likewise.</param>
/// <param name="Down">Likewise.</param>
/// <param name="BackupsDown">Likewise.</param>
internal sealed record Snapshot(
    Selector Selector, RouteTarget[] Up, RouteTarget[] Cooling, RouteTarget[] Down, RouteTarget[] BackupsDown)
{
    /// <summary>A number that no table before it has had.</summary>
    public int Number { get; init; }

    /// <summary>The core's table.</summary>
    public RoutingTable Table => Selector.Table;

    /// <summary>Who may connect; null where everybody may.</summary>
    public AccessRule? Access { get; } =
        Selector.Table.Service.Access is { Asks: true } access ? access : null;

    /// <summary>Whose PROXY headers are believed; null where nobody's are.</summary>
    public TrustedPeers? Trusted { get; } =
        Selector.Table.Service.Proxy.AcceptFrom is { IsGiven: true } trusted ? trusted : null;

    /// <summary>Whether there are limits for each client.</summary>
    public bool LimitsClients { get; } = Selector.Table.Service.ClientLimits.Asks;

    /// <summary>Connections that one client may have; the greatest number there is for no limit.</summary>
    public int ConnectionsPerClient { get; } = Selector.Table.Service.ClientLimits.Connections.IfNone(int.MaxValue);

    /// <summary>Connections that it may begin a second; 0 for no limit.</summary>
    public int RatePerClient { get; } = Selector.Table.Service.ClientLimits.Rate.IfNone(0);

    /// <summary>Whether it matters who a client is, so that accept(2) is to say it.</summary>
    public bool AsksWho { get; } = Selector.BySource
        || Selector.Table.Service.Access.Asks
        || Selector.Table.Service.ClientLimits.Asks
        || Selector.Table.Service.Proxy != ProxyProtocol.Off
        || Selector.Table.Service.Backends.Exists(backend => backend.ProxyProtocol.IsSome);

    /// <summary>Open connections of a backend, counted over all loops; null where the method does not ask.</summary>
    public Func<Tier, int, long>? Load { get; private init; }

    /// <summary>Whether a backend has no place left; null where none has a limit.</summary>
    public Func<Tier, int, bool>? IsFull { get; private init; }

    /// <summary>With the counts that the method and the limits ask for.</summary>
    public Snapshot Counting() => !Selector.ByLoad && !HasLimits ? this : this with
    {
        Load = Selector.ByLoad ? (tier, place) => Of(tier, place).Counters.Active : null,
        IsFull = HasLimits ? (tier, place) => Of(tier, place).Places is { HasRoom: false } : null,
    };

    /// <summary>Whether a backend may still be chosen by this table.</summary>
    public bool Offers(int backend) => Array.Exists(Up, target => target.Id == backend)
        || Array.Exists(Cooling, target => target.Id == backend)
        || Array.Exists(Down, target => target.Id == backend)
        || Array.Exists(BackupsDown, target => target.Id == backend);

    private bool HasLimits => Array.Exists(Up, IsLimited) || Array.Exists(Cooling, IsLimited)
        || Array.Exists(Down, IsLimited) || Array.Exists(BackupsDown, IsLimited);

    private static bool IsLimited(RouteTarget target) => target.Places is not null;

    /// <summary>How long its connections may be silent.</summary>
    public SilenceLimits Silence { get; } = SilenceLimits.Of(
        Selector.Table.Service.Tuning.IdleTimeout.Milliseconds, Selector.Table.Service.Tuning.HalfClosedTimeoutMs);

    /// <summary>How their peers are asked whether they are still there.</summary>
    public Keepalive Keepalive { get; } = Keepalive.Of(Selector.Table.Service.Tuning.Keepalive.Milliseconds);

    /// <summary>Whether open connections must be looked at: they may end sooner, or are to be asked now.</summary>
    public bool AsksForALook(Snapshot before) =>
        Silence.AreShorterThan(before.Silence) || (Keepalive.IsOn && !before.Keepalive.IsOn);

    /// <summary>The target of a candidate that was chosen from this table.</summary>
    public RouteTarget Of(Candidate candidate) => Of(candidate.Tier, candidate.Place);

    private RouteTarget Of(Tier tier, int place) => tier switch
    {
        Tier.Up => Up[place],
        Tier.Cooling => Cooling[place],
        Tier.Down => Down[place],
        _ => BackupsDown[place],
    };
}

/// <summary>Whether a connect would arrive at bal itself.</summary>
/// <param name="Address">To an address and a port.</param>
/// <param name="Path">To a Unix socket.</param>
internal sealed record OwnAddresses(Func<System.Net.IPAddress, int, bool> Address, Func<string, bool> Path)
{
    /// <summary>No connect would.</summary>
    public static OwnAddresses None { get; } = new((_, _) => false, _ => false);

    /// <summary>How many addresses of a backend lead elsewhere.</summary>
    public int Others(Route route) => route.Endpoint.Host is Host.Unix unix
        ? Path(unix.Path) ? 0 : 1
        : route.Addresses.Count(a => !Address(a, route.Endpoint.Port));
}

/// <summary>A backend ready for connect(2); immutable.</summary>
internal sealed class RouteTarget(
    Route route, ProxyVersion header, Arr<System.Net.IPAddress> sources, int slot, BackendRows counters, Places? places,
    OwnAddresses leadsHere)
{
    private readonly Route route = route;

    /// <summary>Its identity.</summary>
    public int Id => route.Id.Value;

    /// <summary>The PROXY header that its connections begin with.</summary>
    public ProxyVersion Header => header;

    /// <summary>Where the loops find the backend's present target.</summary>
    public int Slot => slot;

    /// <summary>Socket addresses in the order of trial; empty where all of them lead to bal itself.</summary>
    public byte[][] Addresses { get; } = route.Endpoint.Host is Host.Unix unix
        ? leadsHere.Path(unix.Path) ? [] : [SockAddr.OfUnix(unix.Path)]
        : [.. route.Addresses
            .Where(a => !leadsHere.Address(a, route.Endpoint.Port))
            .Select(a => SockAddr.Of(a, route.Endpoint.Port))];

    /// <summary>
    /// For each address the ones of its family to connect from, which may be none; null where the kernel chooses.
    /// </summary>
    public byte[][][]? Sources { get; } = sources.IsEmpty || route.Endpoint.IsUnix ? null : [.. route.Addresses
        .Where(a => !leadsHere.Address(a, route.Endpoint.Port))
        .Select(a => SockAddr.Sources(sources, a.AddressFamily))];

    /// <summary>Its counters.</summary>
    public BackendRows Counters => counters;

    /// <summary>Its places; null where it has never had <c>max_connections</c>.</summary>
    public Places? Places => places;

    /// <summary>Whether it serves for <paramref name="next"/> as well.</summary>
    public bool Fits(Route next, ProxyVersion nextHeader, Arr<System.Net.IPAddress> nextSources) =>
        nextHeader == header && nextSources == sources && (ReferenceEquals(next, route)
        || (next.Endpoint.Port == route.Endpoint.Port && SameAddresses(next.Addresses)));

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
