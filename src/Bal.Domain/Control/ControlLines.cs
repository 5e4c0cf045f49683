using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.History;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Protection;
using LanguageExt;

namespace Bal.Domain.Control;

/// <summary>
/// What the log says of each decision: what changed, which count made it change, and what comes next.
/// </summary>
internal static class ControlLines
{
    /// <summary>That a backend changed sides.</summary>
    /// <param name="service">Its service.</param>
    /// <param name="backend">The backend as it is afterwards, with what took it out in its history.</param>
    /// <param name="change">Whether it did.</param>
    /// <param name="outcome">What made it.</param>
    public static Arr<LogEvent> Health(
        Service service, BackendState backend, HealthChange change, Outcome outcome) =>
        change switch
        {
            HealthChange.WentDown => backend.History.LastOutage.Match(
                outage => Prelude.Array(WentDown(service, backend, outage, outcome)), () => Arr<LogEvent>.Empty),
            HealthChange.CameUp => Prelude.Array(LogEvent.Info("health", "backend_up",
                $"backend {Named(service, backend)} is up again after "
                + $"{Plural.Of(service.Tuning.Health.SuccessThreshold, "success", "successes")}",
                LogField.Of("service", service.Name),
                LogField.Of("backend", backend.Endpoint.ToString()),
                LogField.Of("success_threshold", service.Tuning.Health.SuccessThreshold))),
            _ => Arr<LogEvent>.Empty,
        };

    /// <summary>
    /// A failure that changed nothing yet: of interest only to who looks for the beginning of an outage.
    /// </summary>
    public static Arr<LogEvent> Failure(
        Service service, BackendState backend, HealthStep step, Outcome outcome, int count) =>
        step.Change != HealthChange.None
            ? Arr<LogEvent>.Empty
            : outcome.Match(
                passed: () => Arr<LogEvent>.Empty,
                failed: kind => kind == FailureKind.Local
                    ? Arr<LogEvent>.Empty : Prelude.Array(LogEvent.Debug("health", "connect_failed",
                    $"{Plural.Of(count, "connect")} to backend {Named(service, backend)} failed ({Reason(outcome)})",
                    LogField.Of("service", service.Name),
                    LogField.Of("backend", backend.Endpoint.ToString()),
                    LogField.Of("reason", Reason(outcome)),
                    LogField.Of("count", count),
                    LogField.Of("failures", step.State.Failures))));

    public static Arr<LogEvent> Cooldown(
        Service service, BackendState before, BackendState after, Outcome outcome, Instant now)
    {
        return !before.Cools && after.Tier == Tier.Cooling
            ? Prelude.Array(LogEvent.Warn("health", "backend_cooling",
                $"backend {Named(service, after)} cools down for {after.Cooldown.Until.Since(now).ToText()}: " +
                $"{Plural.Of(after.Cooldown.Streak, "client connect")} failed in a row ({Reason(outcome)})",
                LogField.Of("service", service.Name),
                LogField.Of("backend", after.Endpoint.ToString()),
                LogField.Of("reason", Reason(outcome)),
                LogField.Of("streak", after.Cooldown.Streak),
                LogField.Of("cooldown_ms", after.Cooldown.Until.Since(now).Milliseconds)))
            : Arr<LogEvent>.Empty;
    }

    public static Arr<LogEvent> Protection(ServiceState service, ProtectionStep step, Instant now) => step.Change switch
    {
        ProtectionChange.TurnedOn => Prelude.Array(TurnedOn(service, step.State)),
        ProtectionChange.TurnedOff => Prelude.Array(LogEvent.Info("protection", "protection_off",
            $"protection mode{In(service.Config)} is off: "
            + $"{service.Config.Tuning.Protection.StableSuccessThreshold} successes in a row",
            LogField.Of("service", service.Config.Name),
            LogField.Of("lasted_ms", service.Protection.Match(_ => 0L, on => now.Since(on.Since).Milliseconds)))),
        _ => Arr<LogEvent>.Empty,
    };

    /// <summary>How many clients a service has turned away since the last such line.</summary>
    public static LogEvent Refused(Service service, Refusal reason, NoticeStep step) => reason switch
    {
        Refusal.Limit => LogEvent.Warn("admission", "connections_rejected",
            $"{Plural.Of(step.Say, "connection")} rejected: the limit of " +
            $"{service.Tuning.MaxConcurrentConnections} concurrent connections is reached",
            LogField.Of("service", service.Name),
            LogField.Of("rejected", step.Say),
            LogField.Of("rejected_total", step.State.Said),
            LogField.Of("max_concurrent_connections", service.Tuning.MaxConcurrentConnections)),
        _ => LogEvent.Error("admission", "descriptors_exhausted",
            $"{Plural.Of(step.Say, "connection")} closed unserved: no file descriptor is left; " +
            "raise the limit (LimitNOFILE= or ulimit -n) or lower max_concurrent_connections",
            LogField.Of("service", service.Name),
            LogField.Of("closed", step.Say),
            LogField.Of("closed_total", step.State.Said)),
    };

    /// <summary>The stable word for why a connect failed.</summary>
    public static string Reason(Outcome outcome) => outcome.Match(
        () => "success",
        FailureText.Of);

    // Not what health has counted: a new backend is given all but one, which nobody has seen fail.
    private static LogEvent WentDown(Service service, BackendState backend, Outage outage, Outcome outcome)
    {
        var policy = service.Tuning.Health;
        return LogEvent.Warn("health", "backend_down",
            $"backend {Named(service, backend)} is down: {Plural.Of(outage.Seen, "failed check")} in a row "
            + $"({Reason(outcome)})" +
            $"{(outage.Seen < outage.Threshold ? ", enough for a new backend" : "")}; " +
            $"{(policy.SuccessThreshold == 1 ? "1 success brings" : $"{policy.SuccessThreshold} successes bring")} "
            + $"it back",
            LogField.Of("service", service.Name),
            LogField.Of("backend", backend.Endpoint.ToString()),
            LogField.Of("reason", Reason(outcome)),
            LogField.Of("failures", outage.Seen),
            LogField.Of("fail_threshold", policy.FailThreshold));
    }

    // In a file of several services the address alone would not say whose backend it is.
    private static string Named(Service service, BackendState backend) =>
        service.Name == Service.DefaultName ? $"{backend.Endpoint}" : $"{service.Name}/{backend.Endpoint}";

    private static string In(Service service) =>
        service.Name == Service.DefaultName ? "" : $" of service {service.Name}";

    private static LogEvent TurnedOn(ServiceState service, ProtectionState state)
    {
        var policy = service.Config.Tuning.Protection;
        var reason = state.Match(_ => ProtectionReason.TimeoutOrRefusedStorm, on => on.Reason);
        var cause = reason == ProtectionReason.AllBackendsUnavailable
            ? "every backend failed for one client"
            : $"{policy.TriggerThreshold} client connects failed within {policy.Window.ToText()}";
        return LogEvent.Warn("protection", "protection_on",
            $"protection mode{In(service.Config)} is on: {cause}; "
            + $"it ends after {policy.StableSuccessThreshold} successes in a row",
            LogField.Of("service", service.Config.Name),
            LogField.Of("reason", ProtectionText.Of(reason)),
            LogField.Of("trigger_threshold", policy.TriggerThreshold),
            LogField.Of("window_ms", policy.Window.Milliseconds),
            LogField.Of("stable_success_threshold", policy.StableSuccessThreshold));
    }
}
