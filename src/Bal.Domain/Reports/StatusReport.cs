using Bal.Domain.Backend;
using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Counting;
using Bal.Domain.Doctor;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Protection;
using LanguageExt;

namespace Bal.Domain.Reports;

/// <summary>What a running bal knows of itself, or what is known of one that does not run.</summary>
/// <param name="Running">Whether the process runs.</param>
/// <param name="Pid">Its process id.</param>
/// <param name="ConfigPath">The file it was started with; empty where none is known.</param>
/// <param name="BindAddress">Where it listens.</param>
/// <param name="Port">On which port; 0 where unknown.</param>
/// <param name="Method">How it chooses.</param>
/// <param name="ActiveConnections">Open connections now.</param>
/// <param name="Counts">A number for each of <see cref="ServiceCounters.All"/>.</param>
/// <param name="LastCheckTime">When a probe last ended.</param>
/// <param name="Protection">Protection mode.</param>
/// <param name="Backends">The backends, draining ones last.</param>
/// <param name="Version">bal's version.</param>
/// <param name="UptimeMs">Milliseconds since it started.</param>
/// <param name="ConfigVersion">Counts the configurations applied, from 1; 0 where it does not run.</param>
/// <param name="Stopping">It is draining.</param>
/// <param name="MaxConcurrentConnections">The connection limit; 0 where unknown.</param>
/// <param name="RefusedReload">The last reload, if it was refused.</param>
public sealed record StatusReport(
    bool Running,
    Option<int> Pid,
    string ConfigPath,
    string BindAddress,
    int Port,
    string Method,
    long ActiveConnections,
    Arr<long> Counts,
    Option<DateTimeOffset> LastCheckTime,
    ProtectionReport Protection,
    Arr<BackendReport> Backends,
    string Version,
    long UptimeMs,
    long ConfigVersion,
    bool Stopping,
    int MaxConcurrentConnections,
    Option<RefusedReloadReport> RefusedReload)
{
    /// <summary>Processes that an upgrade has replaced and that still have connections, the eldest first.</summary>
    public Arr<PreviousReport> Previous { get; init; } = Arr<PreviousReport>.Empty;

    /// <summary>One of the counters.</summary>
    public long Of(ServiceCounter counter) => Counts[counter.Index];

    /// <summary>Configured backends; draining ones are listed but not counted.</summary>
    public int BackendTotal => Backends.Count(b => b.State != BackendReport.Draining);

    /// <summary>Of those, the ones in rotation.</summary>
    public int BackendReachable => Backends.Count(b => b.Reachable && b.State != BackendReport.Draining);

    /// <summary>Whether the next client would be rejected.</summary>
    public bool AtLimit => MaxConcurrentConnections > 0 && ActiveConnections >= MaxConcurrentConnections;

    /// <summary>The worst of what is reported.</summary>
    public OverallStatus Overall =>
        !Running || BackendReachable == 0 ? OverallStatus.Critical
        : BackendReachable < BackendTotal || Protection.Enabled || Stopping || AtLimit || RefusedReload.IsSome
            ? OverallStatus.Warn
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
/// <param name="Address"><c>host:port</c>.</param>
/// <param name="Reachable">In rotation.</param>
/// <param name="State"><c>up</c>, <c>cooling</c>, <c>down</c> or <c>draining</c>.</param>
/// <param name="ActiveConnections">Connections that use it now.</param>
/// <param name="TotalConnections">Connections established since it was added.</param>
/// <param name="BytesIn">Bytes from clients.</param>
/// <param name="BytesOut">Bytes from the backend.</param>
/// <param name="LastCheckTime">When a probe of it last ended.</param>
/// <param name="CooldownUntil">Until when it cools down.</param>
/// <param name="Counters">Failed connects.</param>
public sealed record BackendReport(
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
    /// <summary>The state of a backend in rotation.</summary>
    public const string Up = "up";

    /// <summary>The state of a backend that is left alone for a while.</summary>
    public const string Cooling = "cooling";

    /// <summary>The state of a backend that its checks have taken out.</summary>
    public const string Down = "down";

    /// <summary>The state of a removed backend that still has connections.</summary>
    public const string Draining = "draining";

    /// <summary>The state of a backend as reports name it.</summary>
    public static string StateOf(BackendState backend) => backend.Draining
        ? Draining
        : backend.Tier switch
        {
            Tier.Up => Up,
            Tier.Cooling => Cooling,
            _ => Down,
        };
}

/// <summary>What identifies the process that reports.</summary>
/// <param name="Pid">Its process id.</param>
/// <param name="ConfigPath">The file it was started with.</param>
/// <param name="Version">bal's version.</param>
/// <param name="StartedAt">When it started.</param>
public sealed record ProcessIdentity(int Pid, string ConfigPath, string Version, Instant StartedAt);

/// <summary>A reading of both clocks at one moment, so that monotonic times can be shown as times of day.</summary>
/// <param name="Now">The monotonic clock.</param>
/// <param name="Wall">The wall clock.</param>
public sealed record ClockReading(Instant Now, DateTimeOffset Wall)
{
    /// <summary>The time of day of a monotonic instant, as today's wall clock sees it.</summary>
    public DateTimeOffset ToWall(Instant at) => Wall.AddMilliseconds(at.Milliseconds - Now.Milliseconds);
}

/// <summary>Makes status reports out of states.</summary>
public static class StatusReports
{
    /// <summary>The report of a running process.</summary>
    public static StatusReport Of(ProcessIdentity process, Traffic traffic, ClockReading clock, ControlState state)
    {
        var service = state.InOrder[0];
        var backends = new Arr<BackendState>(service.Backends.Values);
        var passed = traffic.Backends.ToDictionary(t => t.Backend);
        var checks = backends.Bind(b => b.Probe.LastEndedAt.Match(at => Prelude.Array(at), () => Arr<Instant>.Empty));
        return new(
            Running: true,
            process.Pid,
            process.ConfigPath,
            service.Config.Listener.BindAddress.ToUrlText(),
            service.Config.Listener.Port,
            MethodText(service.Config.Method),
            traffic.Active,
            ServiceCounters.All.Map(traffic.Of),
            checks.IsEmpty
                ? Option<DateTimeOffset>.None
                : clock.ToWall(checks.Reduce(Instant.Max)),
            service.Protection.Match(
                _ => ProtectionReport.Off,
                on => new ProtectionReport(true, ProtectionText.Of(on.Reason), clock.ToWall(on.Since))),
            backends.Map(b => ReportOf(b, passed.GetValueOrDefault(b.Id) ?? BackendTraffic.NoneOf(b.Id), clock)),
            process.Version,
            clock.Now.Since(process.StartedAt).Milliseconds,
            state.ConfigVersion,
            state.Phase is not Phase.Running,
            service.Config.Tuning.MaxConcurrentConnections,
            state.Refused.Map(r => new RefusedReloadReport(clock.ToWall(r.At), r.Problem)))
        {
            Previous = traffic.Previous.Map(
                p => new PreviousReport(p.Pid, p.Version, p.ActiveConnections, clock.ToWall(p.Since))),
        };
    }

    /// <summary>
    /// The report where no process runs; the configuration, if one can be read, tells what would be served.
    /// </summary>
    public static StatusReport Stopped(string version, string configPath, Option<BalConfig> config) => new(
        Running: false,
        Option<int>.None,
        configPath,
        config.Match(c => c.Main.Listener.BindAddress.ToUrlText(), () => ""),
        config.Match(c => c.Main.Listener.Port, () => 0),
        config.Match(c => MethodText(c.Main.Method), () => MethodText(Config.Method.RoundRobin)),
        0,
        ServiceCounters.All.Map(_ => 0L),
        Option<DateTimeOffset>.None,
        ProtectionReport.Off,
        config.Match(
            c => c.Main.Endpoints.Map(e => new BackendReport(
                e.ToString(), false, BackendReport.Down, 0, 0, 0, 0,
                Option<DateTimeOffset>.None, Option<DateTimeOffset>.None, FailureCounters.Zero)),
            () => Arr<BackendReport>.Empty),
        version,
        0,
        0,
        Stopping: false,
        config.Match(c => c.Main.Tuning.MaxConcurrentConnections, () => 0),
        Option<RefusedReloadReport>.None);

    /// <summary>The stable name of a method.</summary>
    public static string MethodText(Method method) => method switch
    {
        _ => "round_robin",
    };

    private static BackendReport ReportOf(BackendState backend, BackendTraffic passed, ClockReading clock)
    {
        return new(
            backend.Endpoint.ToString(),
            backend.Health.Up && !backend.Addresses.IsEmpty,
            BackendReport.StateOf(backend),
            passed.Active,
            passed.Total,
            passed.BytesIn,
            passed.BytesOut,
            backend.Probe.LastEndedAt.Map(clock.ToWall),
            backend.Cooldown.IsCooling(clock.Now)
                ? clock.ToWall(backend.Cooldown.Until)
                : Option<DateTimeOffset>.None,
            backend.Failures);
    }
}
