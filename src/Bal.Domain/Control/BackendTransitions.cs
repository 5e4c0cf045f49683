using System.Net;
using Bal.Domain.Backend;
using Bal.Domain.Backoff;
using Bal.Domain.Primitives;
using Bal.Domain.Protection;
using LanguageExt;
using static Bal.Domain.Control.Decisions;

namespace Bal.Domain.Control;

/// <summary>What probes and client connects do to a backend, its cooldown and its service's protection mode.</summary>
internal static class BackendTransitions
{
    public static ControlStep StartDueProbes(Instant now, ControlState state) =>
        state.Services.Fold(Nothing(state), (step, service) => service.Backends.Fold(step, (inner, backend) =>
            backend.Draining || backend.Probe.InFlight || !backend.Probe.NextAt.IsDue(now)
                ? inner
                : inner.Then(s => StartProbe(backend.Id, now, s))));

    public static ControlStep ProbeEnded(ControlEvent.ProbeEnded ended, Instant now, ControlState state) =>
        state.OnBackend(ended.Backend, (service, before) =>
        {
            // A result that nobody waits for (a second one, or one of before a reload) says nothing new.
            if (!before.Probe.InFlight)
                return new(before, service.Protection, Arr<ControlEffect>.Empty);

            var backend = before with
            {
                Probe = before.Probe with { InFlight = false, LastEndedAt = now },
                Addresses = ended.Via.Match(via => Prefer(via, before.Addresses), () => before.Addresses),
            };
            return Apply(service, backend, ended.Outcome, Source.Probe, count: 1, now);
        });

    public static ControlStep ConnectsFailed(ControlEvent.ConnectsFailed failed, Instant now, ControlState state) =>
        state.OnBackend(failed.Backend, (service, backend) =>
            Apply(service, backend, Outcome.Failure(failed.Kind), Source.Client, failed.Count, now));

    public static ControlStep ConnectsSucceeded(
        ControlEvent.ConnectsSucceeded succeeded, Instant now, ControlState state) =>
        state.OnBackend(succeeded.Backend, (service, backend) =>
            Apply(service, backend, Outcome.Success, Source.Client, succeeded.Count, now));

    private enum Source
    {
        Probe,
        Client,
    }

    private static ControlStep StartProbe(BackendId id, Instant now, ControlState state) =>
        state.OnBackend(id, (service, backend) =>
        {
            var policy = service.Config.Tuning.Health;
            var scheduled = backend with { Probe = backend.Probe with { NextAt = now.Plus(policy.Interval) } };

            // While a lookup is under way nothing is known yet; its answer starts a probe.
            if (backend.Addresses.IsEmpty && backend.Resolution.InFlight)
                return new(scheduled, service.Protection, Arr<ControlEffect>.Empty);

            // A name that does not resolve cannot be probed: that is a failed check, without any waiting.
            return backend.Addresses.IsEmpty
                ? Apply(
                    service,
                    scheduled with { Probe = scheduled.Probe with { LastEndedAt = now } },
                    Outcome.Failure(FailureKind.Other), Source.Probe, count: 1, now)
                : new(
                    scheduled with { Probe = scheduled.Probe with { InFlight = true } },
                    service.Protection,
                    Prelude.Array<ControlEffect>(new ControlEffect.StartProbe(
                        id, backend.Addresses, backend.Endpoint.Port, policy.Timeout)));
        });

    private static ServiceStep Apply(
        ServiceState service, BackendState before, Outcome outcome, Source source, int count, Instant now)
    {
        // What becomes of a backend that drains interests nobody: it gets no new connection.
        if (before.Draining)
            return new(before, service.Protection, Arr<ControlEffect>.Empty);

        var protection = ProtectionAfter(service, outcome, source, count, now);
        var health = HealthAfter(service, before, outcome, count);
        var after = before with
        {
            Health = health.State,
            Failures = outcome.Match(() => before.Failures, kind => before.Failures.Add(kind, count)),
            Cooldown = CooldownAfter(service, before, outcome, source, count, protection.State.IsOn, now),
        };

        var lines = DecisionLog.Health(before, health, outcome, service.Config.Tuning.Health)
            .Append(DecisionLog.Failure(before, health, outcome, count))
            .Append(DecisionLog.Cooldown(before, after, outcome, now))
            .Append(DecisionLog.Protection(service, protection, now));
        return new(after, protection.State, lines.Map<ControlEffect>(line => new ControlEffect.Log(line)));
    }

    private static Cooldown CooldownAfter(
        ServiceState service, BackendState before, Outcome outcome, Source source, int count, bool protection,
        Instant now) => outcome.Match(
        passed: CooldownMachine.Succeeded,
        failed: kind => source == Source.Client && kind != FailureKind.Local
            ? CooldownMachine.Failed(service.Config.Tuning.Backoff, protection, count, now, before.Cooldown)
            : before.Cooldown);

    private static HealthStep HealthAfter(ServiceState service, BackendState before, Outcome outcome, int count)
    {
        var policy = service.Config.Tuning.Health;
        var step = new HealthStep(before.Health, HealthChange.None);
        // One result at a time, so that thresholds are met exactly; beyond a threshold's worth more of the same change nothing.
        var repeats = Math.Min(count, Math.Max(policy.FailThreshold, policy.SuccessThreshold));
        for (var i = 0; i < repeats; i++)
        {
            var next = HealthMachine.Step(policy, outcome, step.State);
            step = next.Change == HealthChange.None ? next with { Change = step.Change } : next;
        }

        return step;
    }

    private static ProtectionStep ProtectionAfter(
        ServiceState service, Outcome outcome, Source source, int count, Instant now)
    {
        var happened = outcome.Match(
            passed: () => Option<ProtectionEvent>.Some(new ProtectionEvent.Succeeded(count)),
            failed: kind => source == Source.Probe || kind == FailureKind.Local
                ? Option<ProtectionEvent>.None
                : kind == FailureKind.Other
                    ? Option<ProtectionEvent>.Some(new ProtectionEvent.ClientConnectsFailedOtherwise())
                    : Option<ProtectionEvent>.Some(new ProtectionEvent.ClientConnectsFailed(count)));
        return happened.Match(
            e => ProtectionMachine.Step(service.Config.Tuning.Protection, e, now, service.Protection),
            () => new ProtectionStep(service.Protection, ProtectionChange.None));
    }

    private static Arr<IPAddress> Prefer(IPAddress via, Arr<IPAddress> addresses) =>
        addresses.Count == 0 || addresses[0].Equals(via) || !addresses.Exists(a => a.Equals(via))
            ? addresses
            : Prelude.Array(via).AddRange(addresses.Filter(a => !a.Equals(via)));
}
