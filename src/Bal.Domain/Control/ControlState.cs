using System.Net;
using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Domain.Backoff;
using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.History;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Protection;
using LanguageExt;

namespace Bal.Domain.Control;

/// <summary>
/// Everything that bal has decided and may still need to decide the next thing. Owned by one thread. What is looked up
/// at each event is kept in trees, so that an event costs the logarithm of what there is.
/// </summary>
/// <param name="Config">The configuration in force.</param>
/// <param name="ConfigVersion">Counts the configurations applied, from 1.</param>
/// <param name="Services">
/// The services by identity: those of the configuration, and removed ones that still drain.
/// </param>
/// <param name="NextServiceId">The identity that the next new service gets.</param>
/// <param name="NextBackendId">The identity that the next new backend gets.</param>
/// <param name="Phase">Where bal is in its life.</param>
/// <param name="Lost">What has been said about reports of the event loops that were lost.</param>
/// <param name="Refused">The last reload, if it was refused: the file is not what is being served.</param>
/// <param name="Index">Where each backend is, and when it is due; follows from the rest.</param>
public sealed record ControlState(
    BalConfig Config,
    long ConfigVersion,
    Map<int, ServiceState> Services,
    int NextServiceId,
    int NextBackendId,
    Phase Phase,
    Notice Lost,
    Option<RefusedReload> Refused,
    StateIndex Index)
{
    /// <summary>The services of the configuration in the order of the file, then removed ones that drain.</summary>
    public Arr<ServiceState> InOrder => new(Services.Values.OrderBy(service => service.Place));

    /// <summary>The service of that name, unless it is being removed.</summary>
    public Option<ServiceState> ServiceNamed(string name) =>
        Services.Values.Find(service => !service.Removed && service.Config.Name == name);
}

/// <summary>A reload that changed nothing.</summary>
/// <param name="Problem">Why.</param>
/// <param name="At">When.</param>
public sealed record RefusedReload(Problem Problem, Instant At);

/// <summary>The state of one service.</summary>
/// <param name="Id">Its identity.</param>
/// <param name="Place">
/// Its place among the services: those of the file in its order, then those that a reload removed.
/// </param>
/// <param name="Config">Its configuration.</param>
/// <param name="Backends">By place: the configured backends in the order of the file, then those that drain.</param>
/// <param name="Protection">Its protection mode.</param>
/// <param name="Refusals">What has been said about clients that were turned away, by <see cref="Refusal"/>.</param>
/// <param name="Removed">A reload removed it; it stays until its last connection ends.</param>
/// <param name="History">What led its protection mode to where it is; decides nothing.</param>
public sealed record ServiceState(
    ServiceId Id,
    int Place,
    Service Config,
    Map<int, BackendState> Backends,
    ProtectionState Protection,
    Arr<Notice> Refusals,
    bool Removed,
    ProtectionHistory History)
{
    /// <summary>The configured backends in the order of the file, then those that drain.</summary>
    public Arr<BackendState> InOrder => new(Backends.Values);
}

/// <summary>The state of one backend.</summary>
/// <param name="Id">Its identity.</param>
/// <param name="Config">As configured.</param>
/// <param name="Health">Up or down, and how far from changing.</param>
/// <param name="Cooldown">Whether client connects to it have been failing.</param>
/// <param name="Cools">Its cooldown has begun, and nobody has noticed yet that it is over.</param>
/// <param name="Failures">Failed connects since it was added.</param>
/// <param name="Addresses">
/// What the host resolves to, the preferred address first; empty until a name has resolved.
/// </param>
/// <param name="Resolution">When the name is resolved again.</param>
/// <param name="Probe">When it is probed again.</param>
/// <param name="Draining">A reload removed it; it stays until its last connection ends.</param>
/// <param name="History">What led it to where it is; decides nothing.</param>
public sealed record BackendState(
    BackendId Id,
    BackendConfig Config,
    Health Health,
    Cooldown Cooldown,
    bool Cools,
    FailureCounters Failures,
    Arr<IPAddress> Addresses,
    Resolution Resolution,
    ProbeSchedule Probe,
    bool Draining,
    BackendHistory History)
{
    /// <summary>Where it is: what it is known by within its service.</summary>
    public Endpoint Endpoint => Config.Endpoint;

    /// <summary>How good a candidate it is.</summary>
    public Tier Tier => !Health.Up ? Tier.Down : Cools ? Tier.Cooling : Tier.Up;
}

/// <summary>When a backend is probed.</summary>
/// <param name="NextAt">When the next probe is due, if none is in flight.</param>
/// <param name="InFlight">A probe has been started and not yet ended: at most one a backend.</param>
/// <param name="LastEndedAt">When the last probe ended.</param>
public sealed record ProbeSchedule(Instant NextAt, bool InFlight, Option<Instant> LastEndedAt);

/// <summary>When a host name is resolved.</summary>
/// <param name="NextAt">When the next lookup is due; <see cref="Instant.Never"/> for a literal address.</param>
/// <param name="InFlight">A lookup has been started and not yet ended.</param>
public sealed record Resolution(Instant NextAt, bool InFlight)
{
    /// <summary>A literal address: there is nothing to resolve.</summary>
    public static readonly Resolution NotNeeded = new(Instant.Never, false);

    /// <summary>
    /// How long an answer is used before it is asked for again; the last good one is kept if that fails.
    /// </summary>
    public static readonly Duration Refresh = new(30_000);

    /// <summary>
    /// How soon a failed lookup is repeated, and the least time between two lookups of a failing backend.
    /// </summary>
    public static readonly Duration Retry = new(5_000);
}

/// <summary>Where bal is in its life.</summary>
public abstract record Phase
{
    private Phase() { }

    /// <summary>Serving.</summary>
    public sealed record Running : Phase;

    /// <summary>Not accepting; waiting for the open connections to end.</summary>
    /// <param name="Since">When the drain began.</param>
    /// <param name="NextCutAt">When the next share of what is left is cut; <see cref="Instant.Never"/> where the drain
    /// is not bounded, since another process serves and nobody waits for the end of this one.</param>
    public sealed record Draining(Instant Since, Instant NextCutAt) : Phase;

    /// <summary>Nothing more happens.</summary>
    public sealed record Ended : Phase;

    /// <summary>Serving.</summary>
    public static readonly Phase Serving = new Running();

    /// <summary>Nothing more happens.</summary>
    public static readonly Phase Over = new Ended();

    /// <summary>Whether another process serves, and this one only finishes what it has open.</summary>
    public bool IsHandedOver => this is Draining { NextCutAt: var cut } && cut == Instant.Never;

    /// <summary>Applies the function of the case that this phase is.</summary>
    public T Match<T>(Func<T> running, Func<Draining, T> draining, Func<T> ended) => this switch
    {
        Running => running(),
        Draining d => draining(d),
        Ended => ended(),
        _ => throw new System.Diagnostics.UnreachableException(),
    };
}
