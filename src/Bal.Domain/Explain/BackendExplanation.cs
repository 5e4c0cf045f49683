using Bal.Domain.Backend;
using Bal.Domain.Backoff;
using Bal.Domain.Control;
using Bal.Domain.History;
using Bal.Domain.Primitives;
using Bal.Domain.Reports;
using LanguageExt;
using BackendEntry = Bal.Domain.History.BackendEntry;

namespace Bal.Domain.Explain;

/// <summary>
/// Why a backend is as it is, and what changes that. Counts and instants are those of the machine itself.
/// </summary>
/// <param name="Position">Its position in the file, from 1; 0 where a reload has removed it.</param>
/// <param name="Address"><c>host:port</c>.</param>
/// <param name="State"><c>up</c>, <c>cooling</c>, <c>down</c> or <c>draining</c>.</param>
/// <param name="Since">Since when it is in that state, as far as that is remembered.</param>
/// <param name="Health">How far it is from down, or from up.</param>
/// <param name="Cooldown">How long it is left alone, and why so long; none where it is not.</param>
/// <param name="Check">When it is checked.</param>
/// <param name="Name">What is known of its name; none for a literal address.</param>
/// <param name="Connections">Connections that use it now.</param>
/// <param name="Events">What led here, by its first time.</param>
public sealed record BackendExplanation(
    int Position,
    string Address,
    string State,
    Option<Instant> Since,
    HealthExplanation Health,
    Option<CooldownExplanation> Cooldown,
    CheckExplanation Check,
    Option<NameExplanation> Name,
    long Connections,
    Arr<BackendEntry> Events)
{
    /// <summary>Whether it is used only while no primary is left.</summary>
    public bool Backup { get; init; }

    /// <summary>Whether no primary is left, so that a backup is used.</summary>
    public bool BackupsAreUsed { get; init; }

    /// <summary>Its share relative to the others, when it has all of it; 0 means no new clients.</summary>
    public int Weight { get; init; } = 1;

    /// <summary>How far it is on its way back to all of its share; none where it has all of it.</summary>
    public Option<SlowStart> SlowStart { get; init; }

    /// <summary>Its share as configured.</summary>
    public int ConfiguredWeight { get; init; } = 1;

    /// <summary>What an operator has said of it that the file says otherwise.</summary>
    public Option<Override> Override { get; init; }

    /// <summary>How long until the connections that its drain has left are reset; none where they may finish.</summary>
    public Option<Duration> ResetIn { get; init; }

    /// <summary>Whether an operator has drained it.</summary>
    public bool IsDrained => Override.Exists(held => held.Drained);

    /// <summary>Whether a health check has found it to be down.</summary>
    public bool IsDown { get; init; }

    /// <summary>The connections that it may have at once; none for no limit.</summary>
    public Option<int> MaxConnections { get; init; }
}

/// <summary>How far a backend is from changing sides.</summary>
/// <param name="Failures">Failures in a row that count towards down.</param>
/// <param name="FailThreshold">How many take it out.</param>
/// <param name="FailuresToDown">How many more do; 0 while it is down.</param>
/// <param name="Successes">Successes in a row that count towards up.</param>
/// <param name="SuccessThreshold">How many bring it back.</param>
/// <param name="SuccessesToUp">How many more do; 0 while it is up.</param>
/// <param name="InARow">The failures since the last success, by who saw them and how; a new backend starts with none of
/// its own.</param>
/// <param name="LastOutage">The present outage, or the last one.</param>
public sealed record HealthExplanation(
    int Failures,
    int FailThreshold,
    int FailuresToDown,
    int Successes,
    int SuccessThreshold,
    int SuccessesToUp,
    Arr<BackendEntry> InARow,
    Option<Outage> LastOutage)
{
    internal static HealthExplanation Of(HealthPolicy policy, bool decides, BackendState backend) => new(
        backend.Health.Failures,
        policy.FailThreshold,
        // A threshold that a reload has lowered below what is counted already is met by the next failure, not by
        // itself.
        !backend.Health.Up ? 0
            : !backend.Health.Reached ? 1
            : Math.Max(1, policy.FailThreshold - backend.Health.Failures),
        backend.Health.Successes,
        policy.SuccessThreshold,
        backend.Health.Up ? 0
            : !backend.Health.Reached ? 1
            : Math.Max(1, policy.SuccessThreshold - backend.Health.Successes),
        backend.History.FailuresInARow(decides),
        backend.History.LastOutage);
}

/// <summary>Which of its two terms decided the length of a cooldown.</summary>
public enum CooldownTerm
{
    /// <summary>The backoff, which doubles with each failure.</summary>
    Backoff,

    /// <summary><c>backend_cooldown_ms</c>, the floor.</summary>
    Floor,
}

/// <summary>The arithmetic of a cooldown: <c>max(backoff, floor)</c> from the failure that set its end.</summary>
/// <param name="Until">When it ends by itself.</param>
/// <param name="Left">How long that is from now.</param>
/// <param name="Streak">Client connects that have failed in a row by now.</param>
/// <param name="Backoff">The backoff.</param>
/// <param name="Floor">The floor.</param>
/// <param name="DecidedBy">The longer of them.</param>
/// <param name="Capped">Whether the backoff has reached its cap.</param>
/// <param name="Cause">The failure that set the end; in protection mode, cap and floor were doubled.</param>
public sealed record CooldownExplanation(
    Instant Until,
    Duration Left,
    int Streak,
    Duration Backoff,
    Duration Floor,
    CooldownTerm DecidedBy,
    bool Capped,
    CoolingCause Cause)
{
    internal static Option<CooldownExplanation> Of(Instant now, BackendState backend) =>
        backend.History.Cooling.Filter(_ => backend.Cooldown.IsCooling(now)).Map(cause =>
        {
            var backoff = CooldownMachine.Backoff(cause.Policy, cause.Protection, cause.Streak);
            var floor = CooldownMachine.Floor(cause.Policy, cause.Protection);
            return new CooldownExplanation(
                backend.Cooldown.Until,
                backend.Cooldown.Until.Since(now),
                backend.Cooldown.Streak,
                backoff,
                floor,
                backoff.Milliseconds >= floor.Milliseconds ? CooldownTerm.Backoff : CooldownTerm.Floor,
                backoff == CooldownMachine.Cap(cause.Policy, cause.Protection),
                cause);
        });
}

/// <summary>What the next check of a backend waits for.</summary>
public enum CheckState
{
    /// <summary>For its time.</summary>
    Scheduled,

    /// <summary>A probe is under way.</summary>
    InFlight,

    /// <summary>For an answer to a lookup of its name.</summary>
    WaitsForName,

    /// <summary>There is none any more: the backend drains, or another process checks it.</summary>
    None,
}

/// <summary>When a backend is checked.</summary>
/// <param name="State">What the next check waits for.</param>
/// <param name="NextAt">
/// When it is due; set where <paramref name="State"/> is <see cref="CheckState.Scheduled"/>.
/// </param>
/// <param name="LastEndedAt">When the last one ended; none where there was none yet.</param>
public sealed record CheckExplanation(CheckState State, Option<Instant> NextAt, Option<Instant> LastEndedAt)
{
    /// <summary>What is done.</summary>
    public HealthCheck How { get; init; } = HealthCheck.Default;

    /// <summary>How many in a row, up to the last one, this machine could not make.</summary>
    public int NotMade { get; init; }

    /// <summary>What the last one expected and got, where it asks and has failed.</summary>
    public Option<string> Answer { get; init; }

    /// <summary>Whether the backend is down because it has not been checked yet.</summary>
    public bool IsAwaited { get; init; }

    /// <summary>Whether its last answer was a wrong one.</summary>
    public bool IsUnfit { get; init; }

    internal static CheckExplanation Of(
        BackendState backend, HealthCheck how, Phase phase, Instant lookup, Instant now)
    {
        var state = backend.Draining || phase.IsHandedOver ? CheckState.None
            : backend.Probe.InFlight ? CheckState.InFlight
            : !backend.IsPlaced && WaitsForName(backend, lookup, now) ? CheckState.WaitsForName
            : CheckState.Scheduled;
        return new(
            state,
            state == CheckState.Scheduled ? backend.Probe.NextAt : Option<Instant>.None,
            backend.Probe.LastEndedAt)
        {
            How = how,
            NotMade = backend.Probe.NotMade,
            Answer = backend.Probe.Answer,
            IsAwaited = StatusReports.IsNotChecked(backend),
            IsUnfit = backend.Probe.IsUnfit,
        };
    }

    // The lookup that will be under way by then keeps the check from being counted as failed.
    private static bool WaitsForName(BackendState backend, Instant lookup, Instant now) =>
        backend.Resolution.InFlight || lookup.IsDue(Instant.Max(now, backend.Probe.NextAt));
}

/// <summary>What is known of the name of a backend.</summary>
/// <param name="Name">The name.</param>
/// <param name="Addresses">The addresses in use, the preferred one first; empty while none is known.</param>
/// <param name="Failing">Whether the last lookup failed: then these are the addresses of the last good answer.</param>
/// <param name="LookingUp">Whether a lookup is under way.</param>
/// <param name="NextLookupAt">When the next one is due, if none is under way.</param>
public sealed record NameExplanation(
    string Name, Arr<string> Addresses, bool Failing, bool LookingUp, Instant NextLookupAt)
{
    internal static Option<NameExplanation> Of(BackendState backend, Instant lookup) => backend.Endpoint.Host.Match(
        _ => Option<NameExplanation>.None,
        name => new NameExplanation(
            name,
            backend.Addresses.Map(a => a.ToString()),
            backend.Resolution.Failing,
            backend.Resolution.InFlight,
            lookup),
        _ => Option<NameExplanation>.None);
}
