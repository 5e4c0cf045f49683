using System.Net;
using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Domain.Backoff;
using Bal.Domain.Config;
using Bal.Domain.Counting;
using Bal.Domain.History;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Protection;
using LanguageExt;
using static Bal.Domain.Control.Decisions;

namespace Bal.Domain.Control;

/// <summary>
/// What concerns a service as a whole: its birth, exhaustion, overload, and the end of a drained backend.
/// </summary>
internal static class ServiceTransitions
{
    /// <summary>Adds a service at that place; the index does not know it yet.</summary>
    public static ControlState AddService(Service config, int place, Instant now, ControlState state)
    {
        var backends = new Map<int, BackendState>(config.Backends.Select((backend, i) =>
            (i, NewBackend(new BackendId(state.NextBackendId + i), backend, config, now))));
        var id = new ServiceId(state.NextServiceId);
        var service = new ServiceState(
            id, place, config, backends, ProtectionState.Quiet, Refusals.None, Removed: false, ProtectionHistory.None);
        return state with
        {
            Services = state.Services.Add(id.Value, service),
            NextServiceId = state.NextServiceId + 1,
            NextBackendId = state.NextBackendId + backends.Count,
        };
    }

    public static BackendState NewBackend(BackendId id, BackendConfig config, Service service, Instant now) => new(
        id,
        config,
        HealthMachine.Initial(service.Tuning.Health, service.CheckOf(config).Decides),
        Cooldown.None,
        Cools: false,
        FailureCounters.Zero,
        config.Endpoint.Host.Match(
            address => Prelude.Array(address), _ => Arr<IPAddress>.Empty, _ => Arr<IPAddress>.Empty),
        config.Endpoint.Host.Match(
            _ => Resolution.NotNeeded, _ => new Resolution(now, InFlight: false), _ => Resolution.NotNeeded),
        new ProbeSchedule(now, InFlight: false, Option<Instant>.None),
        Draining: false,
        BackendHistory.Begin(now));

    public static ControlStep ClientExhausted(ControlEvent.ClientExhausted happened, Instant now, ControlState state) =>
        state.OnService(happened.Service, service =>
        {
            // What becomes of a service that is going interests nobody, as with a backend that drains.
            if (service.Removed)
                return Nothing(state);
            var policy = service.Config.Tuning.Protection;
            var exhausted = new ProtectionEvent.ClientExhausted();
            var step = ProtectionMachine.Step(policy, exhausted, now, service.Protection);
            var history = service.History.After(policy, service.Protection, exhausted, step, now);
            var lines = ControlLines.Protection(service, step, now)
                .Map<ControlEffect>(line => new ControlEffect.Log(line));
            return new(
                state.With(service with { Protection = step.State, History = history }),
                step.State.IsOn == service.Protection.IsOn ? lines : lines.Add(new ControlEffect.Publish(service.Id)));
        });

    /// <summary>Says what is left to say about the clients of each service.</summary>
    public static ControlStep SayWhatIsDue(Instant now, ControlState state) =>
        state.Index.LinesDue(now).Fold(Nothing(state), (step, id) => Silences.All.Fold(
            Refusals.All.Fold(step, (inner, reason) => inner.Then(s => s.OnService(id, service =>
                Refused(reason, service.Refusals[(int)reason].Seen, now, service, s)))),
            (inner, reason) => inner.Then(s => s.OnService(id, service =>
                Silenced(reason, service.Silenced[Silences.PlaceOf(reason)].Seen, now, service, s)))));

    public static ControlStep Refused(Refusal reason, long total, Instant now, ServiceState service, ControlState state)
    {
        var step = NoticeRule.Step(total, now, service.Refusals[(int)reason]);
        return Noted(
            service with { Refusals = service.Refusals.SetItem((int)reason, step.State) }, service, step, state,
            () => ControlLines.Refused(service.Config, reason, step));
    }

    public static ControlStep Silenced(
        TerminationReason reason, long total, Instant now, ServiceState service, ControlState state)
    {
        var place = Silences.PlaceOf(reason);
        // Nothing is said of a reason that is none of them; only a damaged decision log could have one.
        if (place < 0)
            return Nothing(state);
        var step = NoticeRule.Step(total, now, service.Silenced[place]);
        return Noted(
            service with { Silenced = service.Silenced.SetItem(place, step.State) }, service, step, state,
            () => ControlLines.Silenced(service.Config, reason, step));
    }

    private static ControlStep Noted(
        ServiceState changed, ServiceState before, NoticeStep step, ControlState state, Func<LogEvent> line)
    {
        var after = Nothing(state.With(changed) with { Index = state.Index.Changed(before, changed) });
        return step.Say == 0 ? after : after.Say(line());
    }

    public static ControlStep Lost(long total, Instant now, ControlState state)
    {
        var step = NoticeRule.Step(total, now, state.Lost);
        var after = Nothing(state with { Lost = step.State });
        return step.Say == 0
            ? after
            : after.Say(LogEvent.Warn("supervisor", "loop_reports_lost",
                $"{Plural.Of(step.Say, "report")} from the event loops {(step.Say == 1 ? "was" : "were")} lost "
                + $"because the supervisor " +
                "could not keep up: clients were served, but these connects do not count for health, cooldown or "
                + "protection",
                LogField.Of("lost", step.Say),
                LogField.Of("lost_total", step.State.Said)));
    }

    /// <summary>A number of health checks were not made, because this machine has run out of something.</summary>
    public static ControlStep NotMade(long total, Instant now, ControlState state)
    {
        var step = NoticeRule.Step(total, now, state.NotMade);
        var after = Nothing(state with { NotMade = step.State });
        return step.Say == 0
            ? after
            : after.Say(LogEvent.Warn("health", "probes_not_made",
                $"{Plural.Of(step.Say, "health check")} could not be made: this machine has no file descriptor, local "
                + $"port or memory left; backends stay as they are",
                LogField.Of("not_made", step.Say),
                LogField.Of("not_made_total", step.State.Said)));
    }

    public static ControlStep BackendIdle(BackendId id, ControlState state) => state.Index.Find(id).Match(
        home =>
        {
            var service = state.Services[home.Service.Value];
            var backend = service.Backends[home.Place];
            return backend.Draining ? Forget(service, home.Place, backend, state) : Nothing(state);
        },
        () => Nothing(state));

    private static ControlStep Forget(ServiceState service, int place, BackendState backend, ControlState state)
    {
        var left = service.Backends.Remove(place);
        var over = service.Removed && left.IsEmpty;
        var index = state.Index.Without(service, backend);
        var without = state with
        {
            Services = over
                ? state.Services.Remove(service.Id.Value)
                : state.Services.SetItem(service.Id.Value, service with { Backends = left }),
            Index = over ? index.Without(service) : index,
        };
        var drained = Nothing(without).Say(LogEvent.Info("reload", "backend_drained",
            $"backend {backend.Endpoint} has no connections left and has been removed",
            LogField.Of("service", service.Config.Name),
            LogField.Of("backend", backend.Endpoint.ToString())));
        var step = drained with { Touched = null };
        return over
            ? step
                .And(new ControlEffect.Forget(backend.Id))
                .Say(LogEvent.Info("reload", "service_drained",
                    $"service {service.Config.Name} has no connections left and has been removed",
                    LogField.Of("service", service.Config.Name)))
                .And(new ControlEffect.ForgetService(service.Id))
            // The loops are told first that nobody may use it any more.
            : step.And(new ControlEffect.Publish(service.Id)).And(new ControlEffect.Forget(backend.Id));
    }
}
