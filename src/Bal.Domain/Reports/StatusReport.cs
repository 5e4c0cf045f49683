using Bal.Domain.Backend;
using Bal.Domain.Counting;
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
/// <param name="Stopping">It is draining.</param>
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
    /// <summary>The services that are not being removed.</summary>
    public Arr<ServiceReport> Serving => Services.Filter(service => !service.Removed);

    /// <summary>Configured backends; draining ones are listed but not counted.</summary>
    public int BackendTotal => Serving.Fold(0, (sum, service) => sum + service.BackendTotal);

    /// <summary>Of those, the ones in rotation.</summary>
    public int BackendReachable => Serving.Fold(0, (sum, service) => sum + service.BackendReachable);

    /// <summary>Open connections of all services.</summary>
    public long ActiveConnections => Services.Fold(0L, (sum, service) => sum + service.ActiveConnections);

    /// <summary>One counter over all services.</summary>
    public long Of(ServiceCounter counter) => Services.Fold(0L, (sum, service) => sum + service.Of(counter));

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
            Stopping || RefusedReload.IsSome ? OverallStatus.Warn : OverallStatus.Ok,
            (worst, service) => service.Level > worst ? service.Level : worst);
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
    /// <summary>One of the counters.</summary>
    public long Of(ServiceCounter counter) => Counts[counter.Index];

    /// <summary>Whether the next client would be rejected.</summary>
    public bool AtLimit => MaxConcurrentConnections > 0 && ActiveConnections >= MaxConcurrentConnections;

    /// <summary>How the service is.</summary>
    public OverallStatus Level =>
        Removed ? OverallStatus.Ok
        : BackendReachable == 0 ? OverallStatus.Critical
        : BackendReachable < BackendTotal || Protection.Enabled || AtLimit ? OverallStatus.Warn
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
    /// <summary>In rotation.</summary>
    public const string Up = "up";

    /// <summary>Its client connects failed lately.</summary>
    public const string Cooling = "cooling";

    /// <summary>Out of rotation.</summary>
    public const string Down = "down";

    /// <summary>Removed by a reload; its last connections have not ended yet.</summary>
    public const string Draining = "draining";
}
