using Bal.Domain.Backend;
using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Counting;
using Bal.Domain.History;
using Bal.Domain.Primitives;
using Bal.Domain.Protection;
using LanguageExt;

namespace Bal.Domain.Reports;

/// <summary>What identifies a running bal.</summary>
/// <param name="Pid">Its process id.</param>
/// <param name="ConfigPath">The file it was started with.</param>
/// <param name="Version">Its version.</param>
/// <param name="StartedAt">When it started; an upgrade does not start it anew.</param>
public sealed record ProcessIdentity(int Pid, string ConfigPath, string Version, Instant StartedAt);

/// <summary>Both clocks, read at the same moment.</summary>
/// <param name="Now">The monotonic clock.</param>
/// <param name="Wall">The wall clock.</param>
public sealed record ClockReading(Instant Now, DateTimeOffset Wall)
{
    /// <summary>A moment of the monotonic clock by the wall clock as it is now.</summary>
    public DateTimeOffset ToWall(Instant at) => Wall.AddMilliseconds(at.Milliseconds - Now.Milliseconds);
}

/// <summary>Makes status reports.</summary>
public static class StatusReports
{
    /// <summary>The report of a running bal.</summary>
    public static StatusReport Of(ProcessIdentity process, Traffic traffic, ClockReading clock, ControlState state)
    {
        var services = traffic.Services.ToDictionary(t => t.Service);
        var backends = traffic.Backends.ToDictionary(t => t.Backend);
        return new(
            Running: true,
            process.Pid,
            process.ConfigPath,
            state.InOrder.Map(s => ReportOf(s, services.GetValueOrDefault(s.Id) ?? ServiceTraffic.NoneOf(s.Id), clock)),
            state.InOrder.Bind(s => s.InOrder.Map(b => ReportOf(
                s.Config, b, backends.GetValueOrDefault(b.Id) ?? BackendTraffic.NoneOf(b.Id), clock))),
            process.Version,
            clock.Now.Since(process.StartedAt).Milliseconds,
            state.ConfigVersion,
            state.Phase is not Phase.Running && !state.Phase.IsHandedOver,
            traffic.Previous.Map(p => new PreviousReport(p.Pid, p.Version, p.ActiveConnections, clock.ToWall(p.Since))),
            state.Refused.Map(r => new RefusedReloadReport(clock.ToWall(r.At), r.Problem)))
        {
            OverrideProblems = OverrideLines.Problems(state.Keeping),
            AccessLog = state.Config.AccessLog.Map(path => new AccessLogReport(path, traffic.AccessLog)),
        };
    }

    /// <summary>The report where nothing answers; the configuration tells what would be served.</summary>
    /// <param name="version">bal's version.</param>
    /// <param name="configPath">The configuration that a start would use.</param>
    /// <param name="config">It, where it is valid.</param>
    /// <param name="pid">The process that runs and does not answer; none where nothing runs.</param>
    public static StatusReport Stopped(
        string version, string configPath, Option<BalConfig> config, Option<int> pid = default)
    {
        var services = config.Match(c => c.Services, () => Arr<Service>.Empty);
        return new(
            Running: pid.IsSome,
            pid,
            configPath,
            services.Map(service => new ServiceReport(
                service.Name, Addresses(service), service.Listener.Port, Words.Of(service.Method),
                service.Tuning.MaxConcurrentConnections, Removed: false, service.Backends.Count, 0, 0,
                ServiceCounters.All.Map(_ => 0L), ProtectionReport.Off)
            {
                ServerNames = service.ServerNames.Map(name => name.ToString()),
            }),
            services.Bind(service => service.Backends.Map(backend => new BackendReport(
                service.Name, backend.Endpoint.ToString(), false, BackendReport.Down, 0, 0, 0, 0,
                Option<DateTimeOffset>.None, Option<DateTimeOffset>.None, FailureCounters.Zero)
            {
                Backup = backend.Backup,
                Weight = backend.Weight,
            })),
            version,
            0,
            0,
            Stopping: false,
            Arr<PreviousReport>.Empty,
            Option<RefusedReloadReport>.None);
    }

    /// <summary>The word for the state of a backend.</summary>
    public static string StateOf(BackendState backend) => backend.Draining || backend.IsDrained
        ? BackendReport.Draining
        : backend.Tier switch
        {
            // Without an address there is nobody to send clients to.
            Tier.Up when !backend.IsPlaced => BackendReport.Down,
            Tier.Up => BackendReport.Up,
            Tier.Cooling => BackendReport.Cooling,
            _ => BackendReport.Down,
        };

    /// <summary>Since when a backend is in that state, as far as it is remembered.</summary>
    public static Option<Instant> SinceOf(BackendState backend)
    {
        var history = backend.History;
        return StateOf(backend) switch
        {
            BackendReport.Draining when backend.IsDrained =>
                Option<Instant>.None,
            BackendReport.Draining => Last(history, what => what is BackendHappening.Removed),
            // One that is down in good health has no address yet.
            BackendReport.Down when !backend.Health.Up => history.LastOutage.Map(outage => outage.Since),
            BackendReport.Cooling => Last(history, what => what is BackendHappening.CoolingBegan),
            _ => Last(history, what => what is BackendHappening.CoolingEnded or BackendHappening.CameUp
                or BackendHappening.Added) | history.LastOutage.Bind(outage => outage.Until),
        };
    }

    /// <summary>Whether clients can be sent to a backend.</summary>
    public static bool IsReachable(BackendState backend) => backend.Health.Up && backend.IsPlaced;

    /// <summary>Whether a backend is down because its first check has not ended yet.</summary>
    public static bool IsNotChecked(BackendState backend) =>
        backend.Health is { Up: false, Reached: false, Failures: 0 };

    // What came last is what is wrong now, whatever was wrong most often.
    private static Option<FailureReport> LastFailureOf(BackendState backend, bool decides, ClockReading clock) =>
        backend.History.LastFailure(decides).Bind(entry => entry.What is BackendHappening.Failed failed
            ? Option<FailureReport>.Some(new(failed.Kind, failed.Witness, clock.ToWall(entry.Last))
            {
                Answer = backend.Probe.Answer,
            })
            : Option<FailureReport>.None);

    private static ServiceReport ReportOf(ServiceState service, ServiceTraffic passed, ClockReading clock)
    {
        var configured = service.InOrder.Filter(b => !b.Draining);
        return new(
            service.Config.Name,
            Addresses(service.Config),
            service.Config.Listener.Port,
            Words.Of(service.Config.Method),
            service.Config.Tuning.MaxConcurrentConnections,
            service.Removed,
            configured.Count,
            configured.Count(IsReachable),
            passed.Active,
            passed.Counts,
            service.Protection.Match(
                _ => ProtectionReport.Off,
                on => new ProtectionReport(true, ProtectionText.Of(on.Reason), clock.ToWall(on.Since))))
        {
            UnresolvedNames = configured.Filter(b => b.Resolution.Failing).Map(b => StateIndex.NameOf(b)).Distinct()
                .Count(),
            ChecksNotMade = configured.Count(b => b.Probe.NotMade > 0),
            ServerNames = service.Config.ServerNames.Map(name => name.ToString()),
            ConfiguredConnections = service.Config.Tuning.ConfiguredConnections,
            ClientLimits = service.Config.ClientLimits,
            Clients = passed.Clients,
            Unserved = service.Refusals.Map(notice => notice.Recent.Within(clock.Now)),
            BackupsInUse = BackupRule.InUse(service).Count(IsReachable),
            BackupsInUseSince = BackupRule.InUseSince(service).Map(clock.ToWall),
            Usable = configured.Count(b => IsReachable(b) && !b.IsDrained && b.Weight > 0),
            Impaired = configured.Count(b => !IsReachable(b) && !b.IsDrained),
        };
    }

    private static BackendReport ReportOf(
        Service service, BackendState backend, BackendTraffic passed, ClockReading clock) => new(
        service.Name,
        backend.Endpoint.ToString(),
        IsReachable(backend),
        StateOf(backend),
        passed.Active,
        passed.Total,
        passed.BytesIn,
        passed.BytesOut,
        backend.Probe.LastEndedAt.Map(clock.ToWall),
        backend.Cools ? clock.ToWall(backend.Cooldown.Until) : Option<DateTimeOffset>.None,
        backend.Failures)
        {
            Since = SinceOf(backend, clock),
            Connects = passed.Connects,
            Probes = passed.Probes,
            ProbeFailures = backend.ProbeFailures,
            ConnectFailures = backend.ConnectFailures,
            LastFailure = LastFailureOf(backend, service.CheckOf(backend.Config).Decides, clock),
            IsNotChecked = IsNotChecked(backend) && !backend.Draining,
            NameFails = backend.Resolution.Failing,
            ChecksNotMade = backend.Probe.NotMade,
            Backup = backend.Config.Backup,
            Weight = backend.Weight,
            SlowStart = backend.SlowStart.Filter(_ => !backend.Draining).Map(start => new SlowStartReport(
                start.Percent, start.EndsAt.Since(clock.Now).Milliseconds, clock.ToWall(start.EndsAt))),
            ConfiguredWeight = backend.Config.Weight,
            Override = backend.Override,
            MaxConnections = backend.Draining ? Option<int>.None : backend.Config.MaxConnections,
        };

    // What an operator has ordered is remembered by the wall clock alone.
    private static Option<DateTimeOffset> SinceOf(BackendState backend, ClockReading clock) =>
        backend.Override.Filter(held => held.Drained && !backend.Draining).Match(
            Some: held => Option<DateTimeOffset>.Some(OverrideText.At(held.By.At)),
            None: () => SinceOf(backend).Map(clock.ToWall));

    private static Option<Instant> Last(BackendHistory history, Func<BackendHappening, bool> isIt)
    {
        var found = history.Recent.Filter(entry => isIt(entry.What));
        return found.IsEmpty ? Option<Instant>.None : found.Map(entry => entry.Last).Reduce(Instant.Max);
    }

    private static Arr<string> Addresses(Service service) =>
        service.Listener.Addresses.Map(address => address.ToUrlText());
}
