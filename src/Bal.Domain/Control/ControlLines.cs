using Bal.Domain.Admission;
using Bal.Domain.Backend;
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
/// What the log says of each decision: what changed, which count made it change, and what comes next.
/// </summary>
internal static class ControlLines
{
    /// <summary>That a backend changed sides.</summary>
    /// <param name="service">Its service.</param>
    /// <param name="before">The backend as it was.</param>
    /// <param name="backend">The backend as it is afterwards, with what took it out in its history.</param>
    /// <param name="change">Whether it did.</param>
    /// <param name="outcome">What made it.</param>
    public static Arr<LogEvent> Health(
        Service service, BackendState before, BackendState backend, HealthChange change, Outcome outcome)
    {
        if (backend.LeadsHere && !before.LeadsHere)
            return Prelude.Array(
                LogEvent.Failure("health", "backend_is_own_listener", OwnListenerProblem.Of(Named(service, backend))));
        return change switch
        {
            HealthChange.WentDown when !backend.LeadsHere => backend.History.LastOutage.Match(
                outage => Prelude.Array(WentDown(service, backend, outage, outcome)), () => Arr<LogEvent>.Empty),
            HealthChange.CameUp => Prelude.Array(LogEvent.Info("health", "backend_up",
                $"backend {Named(service, backend)} is up{(before.Health.Reached ? " again" : "")} after "
                + Plural.Of(Successes(service, before), "success", "successes")
                + backend.SlowStart.Match(
                    start => $"; it gets a tenth of its share first, all of it within {start.Over.ToText()}", () => ""),
                LogField.Of("service", service.Name),
                LogField.Of("backend", backend.Endpoint.ToString()),
                LogField.Of("success_threshold", service.Tuning.Health.SuccessThreshold))),
            _ => Arr<LogEvent>.Empty,
        };
    }

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

    /// <summary>The services whose connection limit is not the configured one.</summary>
    public static Arr<ControlEffect> Limited(BalConfig config) => config.Services.Bind(service =>
        service.Tuning.ConfiguredConnections.Map(wanted => (ControlEffect)new ControlEffect.Log(LogEvent.Warn(
            "admission", "connections_limited",
            $"{Plural.Of(service.Tuning.MaxConcurrentConnections, "connection")}{In(service)} at most: "
            + $"max_concurrent_connections is {wanted}, and the limit of open files does not allow so many",
            LogField.Of("service", service.Name),
            LogField.Of("max_concurrent_connections", service.Tuning.MaxConcurrentConnections),
            LogField.Of("configured", wanted)))).ToArr());

    /// <summary>How many clients a service has not served since the last such line.</summary>
    public static LogEvent Refused(Service service, Refusal reason, NoticeStep step) => reason switch
    {
        Refusal.Limit => LogEvent.Warn("admission", "connections_rejected",
            $"{Plural.Of(step.Say, "connection")}{In(service)} rejected: the limit of " +
            $"{service.Tuning.MaxConcurrentConnections} concurrent connections is reached",
            LogField.Of("service", service.Name),
            LogField.Of("rejected", step.Say),
            LogField.Of("rejected_total", step.State.Said),
            LogField.Of("max_concurrent_connections", service.Tuning.MaxConcurrentConnections)),
        Refusal.Descriptors => LogEvent.Error("admission", "descriptors_exhausted",
            RefusalText.Sentence(reason, step.Say, In(service)),
            LogField.Of("service", service.Name),
            LogField.Of("closed", step.Say),
            LogField.Of("closed_total", step.State.Said)),
        _ when !Refusals.IsUnwanted(reason) => NotServed(LogEvent.Info, service, reason, step),
        Refusal.QueueFull or Refusal.QueueTimeout or Refusal.ProxyHeader =>
            NotServed(LogEvent.Warn, service, reason, step),
        _ => NotServed(LogEvent.Error, service, reason, step),
    };

    private static LogEvent NotServed(
        Func<string, string, string, LogField[], LogEvent> severity, Service service, Refusal reason,
        NoticeStep step) => severity(
        "admission", "clients_not_served", RefusalText.Sentence(reason, step.Say, In(service)),
        [
            LogField.Of("service", service.Name),
            LogField.Of("reason", ServiceCounters.Of(reason).Word),
            LogField.Of("count", step.Say),
            LogField.Of("total", step.State.Said),
        ]);

    /// <summary>How many connections silence has ended since the last such line.</summary>
    public static LogEvent Silenced(Service service, TerminationReason reason, NoticeStep step) => LogEvent.Info(
        "relay",
        "connections_ended",
        $"{Plural.Of(step.Say, "connection")}{In(service)} ended: " + reason switch
        {
            TerminationReason.IdleTimeout =>
                $"no byte in either direction for {service.Tuning.IdleTimeout.ToText()} (connection_idle_timeout_ms)",
            TerminationReason.HalfClosedTimeout =>
                "one side had finished, and no byte came for "
                + $"{new Duration(service.Tuning.HalfClosedTimeoutMs.IfNone(0)).ToText()} (half_closed_timeout_ms)",
            _ => "the client or the backend no longer answered",
        },
        LogField.Of("service", service.Name),
        LogField.Of("reason", ServiceCounters.Of(reason).Word),
        LogField.Of("count", step.Say),
        LogField.Of("total", step.State.Said));

    /// <summary>The stable word for why a connect failed.</summary>
    public static string Reason(Outcome outcome) => outcome.Match(
        () => "success",
        Failures.WordOf);

    // One that was never reached is back at the first success.
    private static int Successes(Service service, BackendState backend) =>
        backend.Health.Reached ? service.Tuning.Health.SuccessThreshold : 1;

    // Not what health has counted: a new backend is given all but one, which nobody has seen fail.
    private static LogEvent WentDown(Service service, BackendState backend, Outage outage, Outcome outcome)
    {
        var policy = service.Tuning.Health;
        return LogEvent.Warn("health", "backend_down",
            $"backend {Named(service, backend)} is down: {Plural.Of(outage.Seen, "failed check")} in a row "
            + $"({Reason(outcome)}{outcome.AnswerGot.Match(answer => $": {answer}", () => "")})" +
            (outage.Seen >= outage.Threshold ? ""
                : service.CheckOf(backend.Config).Decides ? ", the first answer decides"
                : ", enough for a new backend") + "; " +
            $"{(Successes(service, backend) is > 1 and var all ? $"{all} successes bring" : "1 success brings")} "
            + $"it back",
            [
                LogField.Of("service", service.Name),
                LogField.Of("backend", backend.Endpoint.ToString()),
                LogField.Of("reason", Reason(outcome)),
                LogField.Of("failures", outage.Seen),
                LogField.Of("fail_threshold", policy.FailThreshold),
                .. outcome.AnswerGot.Map(answer => LogField.Of("answer", answer)).AsEnumerable(),
            ]);
    }

    // In a file of several services the address alone would not say whose backend it is.
    internal static string Named(Service service, BackendState backend) =>
        service.Name == Service.DefaultName ? $"{backend.Endpoint}" : $"{service.Name}/{backend.Endpoint}";

    internal static string In(Service service) =>
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
