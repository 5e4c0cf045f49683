using System.Net;
using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Domain.Backoff;
using Bal.Domain.Config;
using Bal.Domain.History;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Protection;
using LanguageExt;
using static Bal.Domain.Control.Decisions;

namespace Bal.Domain.Control;

/// <summary>What concerns a service as a whole: its birth, exhaustion, overload, and the end of a drained backend.</summary>
internal static class ServiceTransitions
{
    public static ControlState AddService(Service config, Instant now, ControlState state)
    {
        var backends = new Arr<BackendState>(config.Backends.Select((backend, i) =>
            NewBackend(new BackendId(state.NextBackendId + i), backend, config.Tuning.Health, now)));
        var service = new ServiceState(
            config, backends, ProtectionState.Quiet, Publishing.Unpublished(config), ProtectionHistory.None);
        return state with
        {
            Services = state.Services.Add(service),
            NextBackendId = state.NextBackendId + backends.Count,
        };
    }

    public static BackendState NewBackend(BackendId id, BackendConfig config, HealthPolicy policy, Instant now) => new(
        id,
        config,
        HealthMachine.Initial(policy),
        Cooldown.None,
        FailureCounters.Zero,
        config.Endpoint.Host.Match(address => Prelude.Array(address), _ => Arr<IPAddress>.Empty),
        config.Endpoint.Host.Match(_ => Resolution.NotNeeded, _ => new Resolution(now, InFlight: false)),
        new ProbeSchedule(now, InFlight: false, Option<Instant>.None),
        Draining: false,
        BackendHistory.Begin(now));

    public static ControlStep ClientExhausted(ControlEvent.ClientExhausted happened, Instant now, ControlState state)
    {
        for (var i = 0; i < state.Services.Count; i++)
        {
            var service = state.Services[i];
            if (service.Config.Name != happened.Service)
                continue;
            var policy = service.Config.Tuning.Protection;
            var exhausted = new ProtectionEvent.ClientExhausted();
            var step = ProtectionMachine.Step(policy, exhausted, now, service.Protection);
            var history = service.History.After(policy, service.Protection, exhausted, step, now);
            var lines = ControlLines.Protection(service, step, now);
            return new(
                state.With(i, service with { Protection = step.State, History = history }),
                lines.Map<ControlEffect>(line => new ControlEffect.Log(line)));
        }

        return Nothing(state);
    }

    public static ControlStep Rejected(long total, Instant now, ControlState state)
    {
        var step = NoticeRule.Step(total, now, state.Overload);
        var after = Nothing(state with { Overload = step.State });
        return step.Say == 0
            ? after
            : after.Say(LogEvent.Warn("admission", "connections_rejected",
                $"{step.Say} connection(s) rejected: the limit of " +
                $"{state.Config.Main.Tuning.MaxConcurrentConnections} concurrent connections is reached",
                LogField.Of("rejected", step.Say),
                LogField.Of("rejected_total", step.State.Said),
                LogField.Of("max_concurrent_connections", state.Config.Main.Tuning.MaxConcurrentConnections)));
    }

    public static ControlStep Exhausted(long total, Instant now, ControlState state)
    {
        var step = NoticeRule.Step(total, now, state.Exhaustion);
        var after = Nothing(state with { Exhaustion = step.State });
        return step.Say == 0
            ? after
            : after.Say(LogEvent.Error("admission", "descriptors_exhausted",
                $"{step.Say} connection(s) closed unserved: the process has no file descriptor left; " +
                "raise the limit (LimitNOFILE= or ulimit -n) or lower max_concurrent_connections",
                LogField.Of("closed", step.Say),
                LogField.Of("closed_total", step.State.Said)));
    }

    public static ControlStep Lost(long total, Instant now, ControlState state)
    {
        var step = NoticeRule.Step(total, now, state.Lost);
        var after = Nothing(state with { Lost = step.State });
        return step.Say == 0
            ? after
            : after.Say(LogEvent.Warn("supervisor", "loop_reports_lost",
                $"{step.Say} report(s) of the event loops were lost, because the supervisor could not keep up: " +
                "clients were served, but these connects count for no backend's health, cooldown or protection",
                LogField.Of("lost", step.Say),
                LogField.Of("lost_total", step.State.Said)));
    }

    public static ControlStep BackendIdle(BackendId id, ControlState state)
    {
        for (var i = 0; i < state.Services.Count; i++)
        {
            var service = state.Services[i];
            var drained = service.Backends.Find(b => b.Id == id && b.Draining);
            if (drained.IsNone)
                continue;
            var step = Nothing(state.With(i, service with { Backends = service.Backends.Filter(b => b.Id != id) }));
            return drained.Match(
                backend => step
                    .Say(LogEvent.Info("reload", "backend_drained",
                        $"backend {backend.Endpoint} has no connection left and is gone",
                        LogField.Of("backend", backend.Endpoint.ToString())))
                    .And(new ControlEffect.Forget(id)),
                () => step);
        }

        return Nothing(state);
    }
}
