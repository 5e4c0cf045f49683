using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Domain.Control;
using Bal.Domain.Counting;
using Bal.Domain.History;
using Bal.Domain.Messages;
using LanguageExt;

namespace Bal.Domain.Reports;

/// <summary>What a running bal knows of itself, or what is known of one that does not run.</summary>
/// <param name="Running">Whether the process runs.</param>
/// <param name="Pid">Its process id.</param>
/// <param name="ConfigPath">The file it was started with; empty where none is known.</param>
/// <param name="Services">
/// The services in the order of the file, then removed ones that drain; empty where none is known.
/// </param>
/// <param name="Backends">The backends of all services, in that order, draining ones last in each.</param>
/// <param name="Version">bal's version.</param>
/// <param name="UptimeMs">Milliseconds since it started.</param>
/// <param name="ConfigVersion">Counts the configurations applied, from 1; 0 where it does not run.</param>
/// <param name="Stopping">A stop was asked for: it drains, or will soon.</param>
/// <param name="Previous">
/// Processes that an upgrade has replaced and that still have connections, the oldest first.
/// </param>
/// <param name="RefusedReload">The last reload, if it was refused.</param>
public sealed record StatusReport(
    bool Running,
    Option<int> Pid,
    string ConfigPath,
    Arr<ServiceReport> Services,
    Arr<BackendReport> Backends,
    string Version,
    long UptimeMs,
    long ConfigVersion,
    bool Stopping,
    Arr<PreviousReport> Previous,
    Option<RefusedReloadReport> RefusedReload)
{
    /// <summary>Why this is not the word of a running bal; none where it is.</summary>
    public Option<Unobserved> Unobserved { get; init; } = Option<Unobserved>.None;

    /// <summary>
    /// Process ids of those that serve on although nobody speaks for them (<see cref="Leftovers"/>).
    /// </summary>
    public Arr<int> Leftover { get; init; } = Arr<int>.Empty;

    /// <summary>Why what operators have ordered may be lost, or is.</summary>
    public Arr<Problem> OverrideProblems { get; init; } = Arr<Problem>.Empty;

    /// <summary>How the access log is; none where there is none.</summary>
    public Option<AccessLogReport> AccessLog { get; init; }

    /// <summary>How the page and the metrics are served; none where they are not asked for.</summary>
    public Option<WebReport> Web { get; init; } = Option<WebReport>.None;

    /// <summary>What is listed one by one; none where everything is.</summary>
    public Option<Listing> Listed { get; init; } = Option<Listing>.None;

    /// <summary>The services that are not being removed.</summary>
    public Arr<ServiceReport> Serving => Services.Filter(service => !service.Removed);

    /// <summary>Configured backends; draining ones are listed but not counted.</summary>
    public int BackendTotal => Serving.Fold(0, (sum, service) => sum + service.BackendTotal);

    /// <summary>Of those, the ones in rotation.</summary>
    public int BackendReachable => Serving.Fold(0, (sum, service) => sum + service.BackendReachable);

    /// <summary>Open connections of all services.</summary>
    public long ActiveConnections => Services.Fold(0L, (sum, service) => sum + service.ActiveConnections);

    /// <summary>One counter over all services.</summary>
    public long Of(ServiceCounter counter) =>
        Services.Fold(0L, (sum, service) => counter.Plus(sum, service.Of(counter)));

    /// <summary>Clients that got no service in the last minute, by <see cref="Refusal"/>.</summary>
    public Arr<long> Unserved => Refusals.All.Map(reason =>
        Services.Fold(0L, (sum, service) => sum + service.Unserved[(int)reason]));

    /// <summary>When a probe of any backend last ended.</summary>
    public Option<DateTimeOffset> LastCheckTime => Backends.Fold(
        Option<DateTimeOffset>.None, (last, b) => b.LastCheckTime.Match(
            at => last.Match(known => known > at ? known : at, () => at), () => last));

    /// <summary>Protection mode of the first service in which it is on.</summary>
    public ProtectionReport Protection =>
        Serving.Find(service => service.Protection.Enabled).Match(s => s.Protection, () => ProtectionReport.Off);

    /// <summary>The worst of what is reported.</summary>
    public OverallStatus Overall => !Running || Serving.IsEmpty
        ? OverallStatus.Critical
        : Serving.Fold(
            Stopping || RefusedReload.IsSome || !Leftover.IsEmpty || !OverrideProblems.IsEmpty
                || AccessLog.Exists(log => log.Fault.IsSome)
                || Web.Exists(web => web.Problem.IsSome)
                ? OverallStatus.Warn
                : OverallStatus.Ok,
            (worst, service) => service.Level > worst ? service.Level : worst);
}

/// <summary>A part of a report: all of it would be too much.</summary>
/// <param name="Services">Some of the services.</param>
/// <param name="Backends">Some of their backends.</param>
public sealed record Listing(Arr<ServiceReport> Services, Arr<BackendReport> Backends);

/// <summary>The access log as reported.</summary>
/// <param name="Path">Where it is.</param>
/// <param name="Counts">What has become of the connections that have ended.</param>
public sealed record AccessLogReport(string Path, AccessLogCounts Counts)
{
    /// <summary>Why lines cannot be written at present.</summary>
    public Option<Problem> Fault { get; init; }
}

/// <summary>The process that serves the page and the metrics, as reported.</summary>
/// <param name="Listen">Where it serves them.</param>
/// <param name="Pid">Its process id; none while it does not serve.</param>
/// <param name="Problem">Why it does not; none where it does, or is being started.</param>
public sealed record WebReport(string Listen, Option<int> Pid, Option<Problem> Problem);

/// <summary>Facts for the report when no running bal could be asked.</summary>
/// <param name="Home">The BAL_HOME that was looked in.</param>
/// <param name="Elsewhere">Instances that run elsewhere, as text.</param>
/// <param name="Problem">Why one that runs did not answer; none where nothing runs.</param>
public sealed record Unobserved(string Home, Arr<string> Elsewhere, Option<Problem> Problem)
{
    /// <summary>Whether bal left its PID file behind, as it does only when it is killed.</summary>
    public bool WasKilled { get; init; }
}

/// <summary>One service as reported.</summary>
/// <param name="Name">Its name.</param>
/// <param name="BindAddresses">
/// Where it listens, as the file says it; the first is the one that stands where only one is shown.
/// </param>
/// <param name="Port">On which port.</param>
/// <param name="Method">How it chooses.</param>
/// <param name="MaxConcurrentConnections">Its connection limit.</param>
/// <param name="Removed">A reload removed it, and it drains.</param>
/// <param name="BackendTotal">Its configured backends.</param>
/// <param name="BackendReachable">Of those, the ones in rotation.</param>
/// <param name="ActiveConnections">Its open connections.</param>
/// <param name="Counts">A number for each of <see cref="ServiceCounters.All"/>.</param>
/// <param name="Protection">Its protection mode.</param>
public sealed record ServiceReport(
    string Name,
    Arr<string> BindAddresses,
    int Port,
    string Method,
    int MaxConcurrentConnections,
    bool Removed,
    int BackendTotal,
    int BackendReachable,
    long ActiveConnections,
    Arr<long> Counts,
    ProtectionReport Protection)
{
    /// <summary>The names by which clients ask for it.</summary>
    public Arr<string> ServerNames { get; init; } = Arr<string>.Empty;

    /// <summary>The limit as configured, where descriptors do not allow it.</summary>
    public Option<int> ConfiguredConnections { get; init; } = Option<int>.None;

    /// <summary>Clients that got no service in the last minute, by <see cref="Refusal"/>.</summary>
    public Arr<long> Unserved { get; init; } = Nobody;

    /// <summary>See <see cref="Unserved"/>: nobody.</summary>
    public static Arr<long> Nobody { get; } = Refusals.All.Map(_ => 0L);

    /// <summary>One of the counters.</summary>
    public long Of(ServiceCounter counter) => Counts[counter.Index];

    /// <summary>Clients that wait while every usable backend is full.</summary>
    public long QueueLength => Of(ServiceCounters.QueueLength);

    /// <summary>How long clients have waited that had to, on average, in milliseconds; 0 where none had to.</summary>
    public long QueueMeanWaitMs =>
        Of(ServiceCounters.QueueWaits) == 0 ? 0 : Of(ServiceCounters.QueueWaitMs) / Of(ServiceCounters.QueueWaits);

    /// <summary>Names of its backends that do not resolve at present.</summary>
    public int UnresolvedNames { get; init; }

    /// <summary>Its backends whose last health check this machine could not make.</summary>
    public int ChecksNotMade { get; init; }

    /// <summary>Backups that clients are sent to, since no primary is left.</summary>
    public int BackupsInUse { get; init; }

    /// <summary>Since when; none where that is not known.</summary>
    public Option<DateTimeOffset> BackupsInUseSince { get; init; }

    /// <summary>Its backends that would serve a new client: reachable, not drained, of a weight above 0.</summary>
    public int Usable { get; init; } = BackendReachable;

    /// <summary>Its backends that are not reachable though nobody has drained them.</summary>
    public int Impaired { get; init; } = BackendTotal - BackendReachable;

    /// <summary>What each client may do.</summary>
    public ClientLimits ClientLimits { get; init; } = ClientLimits.None;

    /// <summary>What is known of clients; none where there are no limits for each of them.</summary>
    public Option<KnownClients> Clients { get; init; }

    /// <summary>Whether there are more clients than can be told apart.</summary>
    public bool NewcomersShare => Clients.Exists(known => known.NewcomersShare);

    /// <summary>Whether the next client would be rejected.</summary>
    public bool AtLimit => MaxConcurrentConnections > 0 && ActiveConnections >= MaxConcurrentConnections;

    /// <summary>How the service is.</summary>
    public OverallStatus Level =>
        Removed ? OverallStatus.Ok
        : Usable == 0 ? OverallStatus.Critical
        : Impaired > 0 || Protection.Enabled || AtLimit || UnresolvedNames > 0 || ChecksNotMade > 0
            || BackupsInUse > 0 || NewcomersShare
            || Refusals.Unwanted.Exists(r => Unserved[(int)r] > 0) ? OverallStatus.Warn
        : OverallStatus.Ok;
}

/// <summary>A reload that changed nothing, as reported.</summary>
/// <param name="At">When, by the wall clock.</param>
/// <param name="Problem">Why.</param>
public sealed record RefusedReloadReport(DateTimeOffset At, Problem Problem);

/// <summary>A replaced process as reported.</summary>
/// <param name="Pid">Its process id.</param>
/// <param name="Version">Its version of bal.</param>
/// <param name="ActiveConnections">Connections that it still has open; they are part of all other numbers.</param>
/// <param name="Since">When it was replaced, by the wall clock.</param>
public sealed record PreviousReport(int Pid, string Version, long ActiveConnections, DateTimeOffset Since);

/// <summary>How things are, in one word.</summary>
public enum OverallStatus
{
    /// <summary>Everything works.</summary>
    Ok,

    /// <summary>Clients are served, but something is wrong.</summary>
    Warn,

    /// <summary>Clients are not served.</summary>
    Critical,
}

/// <summary>Protection mode as reported.</summary>
/// <param name="Enabled">Whether it is on.</param>
/// <param name="Reason">Why.</param>
/// <param name="Since">Since when, by the wall clock.</param>
public sealed record ProtectionReport(bool Enabled, Option<string> Reason, Option<DateTimeOffset> Since)
{
    /// <summary>Protection mode is off.</summary>
    public static readonly ProtectionReport Off = new(false, Option<string>.None, Option<DateTimeOffset>.None);
}

/// <summary>One backend as reported.</summary>
/// <param name="Service">The name of its service.</param>
/// <param name="Address">Its host and port as configured.</param>
/// <param name="Reachable">In rotation, with an address that is known.</param>
/// <param name="State">One of the words below.</param>
/// <param name="ActiveConnections">Connections that use it now.</param>
/// <param name="TotalConnections">Connections established since it was added.</param>
/// <param name="BytesIn">Bytes from clients.</param>
/// <param name="BytesOut">Bytes to clients.</param>
/// <param name="LastCheckTime">When its last probe ended.</param>
/// <param name="CooldownUntil">Until when it cools down.</param>
/// <param name="Counters">Its failed connects, by kind.</param>
public sealed record BackendReport(
    string Service,
    string Address,
    bool Reachable,
    string State,
    long ActiveConnections,
    long TotalConnections,
    long BytesIn,
    long BytesOut,
    Option<DateTimeOffset> LastCheckTime,
    Option<DateTimeOffset> CooldownUntil,
    FailureCounters Counters)
{
    /// <summary>Whether it is used only while no primary is left.</summary>
    public bool Backup { get; init; }

    /// <summary>Since when it is in its state; none where that is not remembered.</summary>
    public Option<DateTimeOffset> Since { get; init; }

    /// <summary>Of these, those of health checks.</summary>
    public FailureCounters ProbeFailures { get; init; } = FailureCounters.Zero;

    /// <summary>Of these, those of connects for clients.</summary>
    public FailureCounters ConnectFailures { get; init; } = FailureCounters.Zero;

    /// <summary>How long its connects for clients took that succeeded.</summary>
    public Durations Connects { get; init; } = Durations.NoneOf(DurationScale.Connect);

    /// <summary>How long its health checks took, whatever they found.</summary>
    public Durations Probes { get; init; } = Durations.NoneOf(DurationScale.Connect);

    /// <summary>What failed last; none where nothing has failed since something succeeded.</summary>
    public Option<FailureReport> LastFailure { get; init; }

    /// <summary>Whether it is down because its health check alone says what is up, and has not ended yet.</summary>
    public bool IsNotChecked { get; init; }

    /// <summary>Whether its name does not resolve at present.</summary>
    public bool NameFails { get; init; }

    /// <summary>How many health checks in a row, up to the last one, this machine could not make.</summary>
    public int ChecksNotMade { get; init; }

    /// <summary>Its share relative to the others, when it has all of it; 0 means no new clients.</summary>
    public int Weight { get; init; } = 1;

    /// <summary>How far it is on its way back to all of its share; none where it has all of it.</summary>
    public Option<SlowStartReport> SlowStart { get; init; }

    /// <summary>Its share as configured.</summary>
    public int ConfiguredWeight { get; init; } = 1;

    /// <summary>What an operator has said of it that the file says otherwise.</summary>
    public Option<Override> Override { get; init; }

    /// <summary>Whether a reload has removed it.</summary>
    public bool IsRemoved => State == Draining && !Override.Exists(held => held.Drained);

    /// <summary>Whether it would serve a new client.</summary>
    public bool IsUsable => Reachable && State != Draining && Weight > 0;

    /// <summary>The connections that it may have at once; none for no limit.</summary>
    public Option<int> MaxConnections { get; init; }

    /// <summary>Whether it has as many as it may.</summary>
    public bool IsFull => MaxConnections.Exists(limit => ActiveConnections >= limit);

    /// <summary>In rotation.</summary>
    public const string Up = "up";

    /// <summary>Its client connects failed lately.</summary>
    public const string Cooling = "cooling";

    /// <summary>Out of rotation.</summary>
    public const string Down = "down";

    /// <summary>Removed by a reload, or drained by an operator: no new clients.</summary>
    public const string Draining = "draining";
}

/// <summary>A slow start as reported.</summary>
/// <param name="SharePercent">How much of its share the backend has.</param>
/// <param name="LeftMs">After how many milliseconds it has all of it.</param>
/// <param name="Until">When that is, by the wall clock.</param>
public sealed record SlowStartReport(int SharePercent, long LeftMs, DateTimeOffset Until);

/// <summary>A failed health check or connect for a client, as reported.</summary>
/// <param name="Kind">How it failed.</param>
/// <param name="Witness">Whose it was.</param>
/// <param name="At">When, by the wall clock.</param>
public sealed record FailureReport(FailureKind Kind, Witness Witness, DateTimeOffset At)
{
    /// <summary>What the last health check expected and got, where it asks.</summary>
    public Option<string> Answer { get; init; }
}
