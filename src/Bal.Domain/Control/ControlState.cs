using System.Net;
using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Domain.Backoff;
using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.Counting;
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
    /// <summary>What has been said about health checks that this machine could not make.</summary>
    public Notice NotMade { get; init; } = Notice.None;

    /// <summary>Whether what operators have ordered outlives the process.</summary>
    public OverrideKeeping Keeping { get; init; } = OverrideKeeping.None;

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
/// <param name="Refusals">What has been said about clients that were not served, by <see cref="Refusal"/>.</param>
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
    /// <summary>What has been said about connections that silence has ended, by <see cref="Silences"/>.</summary>
    public Arr<Notice> Silenced { get; init; } = Silences.None;

    /// <summary>When the next line about its clients is due.</summary>
    public Instant LineDueAt => Instant.Min(Admission.Refusals.DueAt(Refusals), Admission.Refusals.DueAt(Silenced));

    /// <summary>The configured backends in the order of the file, then those that drain.</summary>
    public Arr<BackendState> InOrder => new(Backends.Values);
}

/// <summary>The state of one backend.</summary>
/// <param name="Id">Its identity.</param>
/// <param name="Config">As configured.</param>
/// <param name="Health">Up or down, and how far from changing.</param>
/// <param name="Cooldown">Whether client connects to it have been failing.</param>
/// <param name="Cools">Its cooldown has begun, and nobody has noticed yet that it is over.</param>
/// <param name="Failures">Failed connects since it was added, probes and clients together.</param>
/// <param name="Addresses">
/// What the host resolves to, the preferred address first; empty until a name has resolved, and for a Unix socket.
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
    /// <summary>Of its failures, those of health checks; a process of 0.1.0 did not tell them apart.</summary>
    public FailureCounters ProbeFailures { get; init; } = FailureCounters.Zero;

    /// <summary>Of its failures, those of connects for clients.</summary>
    public FailureCounters ConnectFailures { get; init; } = FailureCounters.Zero;

    /// <summary>Its last probe found that it leads to bal itself: no client is sent there, not even at last.</summary>
    public bool LeadsHere { get; init; }

    /// <summary>How far it is on its way back to all of its share; none where it has all of it.</summary>
    public Option<SlowStart> SlowStart { get; init; }

    /// <summary>How many tenths of its share it has at present.</summary>
    public int Tenths => SlowStart.Match(start => start.Tenths, () => Domain.Backend.SlowStart.Whole);

    /// <summary>Whether it is known where to connect to: a name may not have resolved yet.</summary>
    public bool IsPlaced => !Addresses.IsEmpty || Endpoint.IsUnix;

    /// <summary>Where it is: what it is known by within its service.</summary>
    public Endpoint Endpoint => Config.Endpoint;

    /// <summary>What an operator has said of it that the file says otherwise.</summary>
    public Option<Override> Override { get; init; }

    /// <summary>
    /// When the connections that a drain has left are reset; <see cref="Instant.Never"/> where they may finish.
    /// </summary>
    public Instant ResetAt { get; init; } = Instant.Never;

    /// <summary>Whether it gets no new clients, by order of an operator.</summary>
    public bool IsDrained => Overriding.IsDrained(Override);

    /// <summary>Its share relative to the others; 0 means no new clients.</summary>
    public int Weight => Overriding.WeightOf(Override).IfNone(Config.Weight);

    /// <summary>How good a candidate it is.</summary>
    public Tier Tier => !Health.Up ? Tier.Down : Cools ? Tier.Cooling : Tier.Up;
}

/// <summary>When a backend is probed.</summary>
/// <param name="NextAt">When the next probe is due, if none is in flight.</param>
/// <param name="InFlight">A probe has been started and not yet ended: at most one a backend.</param>
/// <param name="LastEndedAt">When the last probe ended.</param>
public sealed record ProbeSchedule(Instant NextAt, bool InFlight, Option<Instant> LastEndedAt)
{
    /// <summary>How many in a row, up to the last one, this machine could not make.</summary>
    public int NotMade { get; init; }

    /// <summary>What the last one expected and got, where it asks and has failed.</summary>
    public Option<string> Answer { get; init; }

    /// <summary>
    /// The last answer was a wrong one: while the backend is down, no client is sent there, not even at last.
    /// </summary>
    public bool IsUnfit { get; init; }

    /// <summary>The one in flight is of a check that a reload has changed: its result counts for nothing.</summary>
    public bool IsStale { get; init; }
}

/// <summary>When a host name is resolved.</summary>
/// <param name="NextAt">When the next lookup is due; <see cref="Instant.Never"/> for a literal address.</param>
/// <param name="InFlight">A lookup has been started and not yet ended.</param>
public sealed record Resolution(Instant NextAt, bool InFlight)
{
    /// <summary>Whether the last lookup failed.</summary>
    public bool Failing { get; init; }

    /// <summary>Addresses of one name that are used; more would only prolong a failing attempt.</summary>
    public const int MostAddresses = 8;

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

    /// <summary>A stop was asked for; clients are still accepted, until those who send them here have noticed.
    /// </summary>
    /// <param name="Since">When the stop was asked for.</param>
    /// <param name="Until">When the drain begins.</param>
    /// <param name="Within">How long the drain may then take.</param>
    public sealed record Delaying(Instant Since, Instant Until, Duration Within) : Phase;

    /// <summary>Not accepting; waiting for the open connections to end.</summary>
    /// <param name="Since">When the drain began.</param>
    /// <param name="NextCutAt">When the next share of what is left is cut; <see cref="Instant.Never"/> where the drain
    /// is not bounded, since another process serves and nobody waits for the end of this one.</param>
    /// <param name="EndsAt">When everything has been cut; <see cref="Instant.Never"/> likewise.</param>
    /// <param name="Cutting">How long before its end the cutting begins.</param>
    public sealed record Draining(Instant Since, Instant NextCutAt, Instant EndsAt, Duration Cutting) : Phase
    {
        /// <summary>Cuts are made over the last part of a drain: this long, or half of it if that is less.</summary>
        public static readonly Duration LongestCutting = new(5_000);

        /// <summary>The drain of a stop.</summary>
        /// <param name="since">When it began.</param>
        /// <param name="endsAt">When it is over.</param>
        /// <param name="within">How long it may take from now on; above zero.</param>
        public static Draining Until(Instant since, Instant endsAt, Duration within)
        {
            var cutting = Duration.Min(LongestCutting, new(within.Milliseconds / 2));
            return new(since, new(endsAt.Milliseconds - cutting.Milliseconds), endsAt, cutting);
        }

        /// <summary>The drain of a process that another one has replaced.</summary>
        public static Draining Replaced(Instant since) => new(since, Instant.Never, Instant.Never, Duration.Zero);

        /// <summary>When the first share is cut.</summary>
        public Instant CutsFrom => new(EndsAt.Milliseconds - Cutting.Milliseconds);
    }

    /// <summary>Nothing more happens.</summary>
    public sealed record Ended : Phase;

    /// <summary>Serving.</summary>
    public static readonly Phase Serving = new Running();

    /// <summary>Nothing more happens.</summary>
    public static readonly Phase Over = new Ended();

    /// <summary>Whether another process serves, and this one only finishes what it has open.</summary>
    public bool IsHandedOver => this is Draining { NextCutAt: var cut } && cut == Instant.Never;

    /// <summary>When a stop that is under way is over at the latest; none where there is none.</summary>
    public Option<Instant> StopsBy => Match(
        () => Option<Instant>.None,
        delaying => delaying.Until.Plus(delaying.Within),
        draining => draining.IsHandedOver ? Option<Instant>.None : draining.EndsAt,
        () => Option<Instant>.None);

    /// <summary>Applies the function of the case that this phase is.</summary>
    public T Match<T>(
        Func<T> running, Func<Delaying, T> delaying, Func<Draining, T> draining, Func<T> ended) => this switch
        {
            Running => running(),
            Delaying d => delaying(d),
            Draining d => draining(d),
            Ended => ended(),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
}
