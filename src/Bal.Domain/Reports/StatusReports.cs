using Bal.Domain.Backend;
using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Counting;
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
                s.Config.Name, b, backends.GetValueOrDefault(b.Id) ?? BackendTraffic.NoneOf(b.Id), clock))),
            process.Version,
            clock.Now.Since(process.StartedAt).Milliseconds,
            state.ConfigVersion,
            state.Phase is not Phase.Running,
            traffic.Previous.Map(p => new PreviousReport(p.Pid, p.Version, p.ActiveConnections, clock.ToWall(p.Since))),
            state.Refused.Map(r => new RefusedReloadReport(clock.ToWall(r.At), r.Problem)));
    }

    /// <summary>The report where nothing runs; the configuration tells what would be served.</summary>
    public static StatusReport Stopped(string version, string configPath, Option<BalConfig> config)
    {
        var services = config.Match(c => c.Services, () => Arr<Service>.Empty);
        return new(
            Running: false,
            Option<int>.None,
            configPath,
            services.Map(service => new ServiceReport(
                service.Name, Addresses(service), service.Listener.Port, Words.Of(service.Method),
                service.Tuning.MaxConcurrentConnections, Removed: false, service.Backends.Count, 0, 0,
                ServiceCounters.All.Map(_ => 0L), ProtectionReport.Off)),
            services.Bind(service => service.Endpoints.Map(endpoint => new BackendReport(
                service.Name, endpoint.ToString(), false, BackendReport.Down, 0, 0, 0, 0,
                Option<DateTimeOffset>.None, Option<DateTimeOffset>.None, FailureCounters.Zero))),
            version,
            0,
            0,
            Stopping: false,
            Arr<PreviousReport>.Empty,
            Option<RefusedReloadReport>.None);
    }

    /// <summary>The word for the state of a backend.</summary>
    public static string StateOf(BackendState backend) => backend.Draining
        ? BackendReport.Draining
        : backend.Tier switch
        {
            Tier.Up => BackendReport.Up,
            Tier.Cooling => BackendReport.Cooling,
            _ => BackendReport.Down,
        };

    /// <summary>Whether clients can be sent to a backend.</summary>
    public static bool IsReachable(BackendState backend) => backend.Health.Up && !backend.Addresses.IsEmpty;

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
                on => new ProtectionReport(true, ProtectionText.Of(on.Reason), clock.ToWall(on.Since))));
    }

    private static BackendReport ReportOf(
        string service, BackendState backend, BackendTraffic passed, ClockReading clock) => new(
        service,
        backend.Endpoint.ToString(),
        IsReachable(backend),
        StateOf(backend),
        passed.Active,
        passed.Total,
        passed.BytesIn,
        passed.BytesOut,
        backend.Probe.LastEndedAt.Map(clock.ToWall),
        backend.Cools ? clock.ToWall(backend.Cooldown.Until) : Option<DateTimeOffset>.None,
        backend.Failures);

    private static Arr<string> Addresses(Service service) =>
        service.Listener.Addresses.Map(address => address.ToUrlText());
}
