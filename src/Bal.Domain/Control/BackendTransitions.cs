using System.Net;
using Bal.Domain.Backend;
using Bal.Domain.Backoff;
using Bal.Domain.History;
using Bal.Domain.Primitives;
using Bal.Domain.Protection;
using LanguageExt;
using static Bal.Domain.Control.Decisions;

namespace Bal.Domain.Control;

/// <summary>What probes and client connects do to a backend, its cooldown and its service's protection mode.</summary>
internal static class BackendTransitions
{
    /// <summary>Starts the probe of one backend if it is due.</summary>
    public static ControlStep StartDueProbe(BackendId id, Instant now, ControlState state) =>
        state.OnBackend(id, (service, backend) =>
            backend.Draining || backend.Probe.InFlight || !backend.Probe.NextAt.IsDue(now)
                ? ServiceStep.Of(backend, service)
                : StartProbe(service, backend, now));

    /// <summary>Takes back into rotation every backend whose cooldown is over.</summary>
    public static ControlStep EndDueCooldowns(Instant now, ControlState state) =>
        state.Index.CooldownsDue(now).Fold(Nothing(state), (step, id) => step.Then(s =>
            s.OnBackend(id, (service, backend) => ServiceStep.Of(BackendChronicle.CooledDown(backend), service))));

    /// <summary>
    /// As a process finds it that takes over: what was in flight ends in the other one, and nobody would say how.
    /// </summary>
    public static BackendState Restarted(Instant now, BackendState backend) => backend with
    {
        Probe = backend.Probe.InFlight
            ? backend.Probe with { InFlight = false, IsStale = false, NextAt = now }
            : backend.Probe,
        Resolution = backend.Resolution.InFlight
            ? backend.Resolution with { InFlight = false, NextAt = now }
            : backend.Resolution,
    };

    public static ControlStep ProbeEnded(ControlEvent.ProbeEnded ended, Instant now, ControlState state) =>
        state.OnBackend(ended.Backend, (service, before) =>
        {
            // A result that nobody waits for (a second one, or one of before a reload) says nothing new.
            if (!before.Probe.InFlight)
                return ServiceStep.Of(before, service);

            if (before.Probe.IsStale)
            {
                var again = before.Probe with { InFlight = false, IsStale = false, NextAt = now };
                return ServiceStep.Of(before with { Probe = again }, service);
            }

            var backend = before with
            {
                Probe = before.Probe with { InFlight = false, LastEndedAt = now },
                Addresses = ended.Via.Match(via => Prefer(via, before.Addresses), () => before.Addresses),
            };
            return Apply(service, backend, new ConnectResult(ended.Outcome, Witness.Probe, 1), now);
        }).Then(s => ended.Outcome == Outcome.Failure(FailureKind.Local) && IsWaitedFor(ended.Backend, state)
            ? ServiceTransitions.NotMade(s.NotMade.Seen + 1, now, s)
            : Nothing(s));

    private static bool IsWaitedFor(BackendId id, ControlState state) => state.Index.Find(id)
        .Map(home => state.Services[home.Service.Value].Backends[home.Place])
        .Exists(backend => backend.Probe.InFlight && !backend.Draining);

    public static ControlStep ConnectsFailed(ControlEvent.ConnectsFailed failed, Instant now, ControlState state) =>
        state.OnBackend(failed.Backend, (service, backend) => failed.Kind == FailureKind.Local
            ? ServiceStep.Of(backend, service)
            : Apply(
                service, backend, new ConnectResult(Outcome.Failure(failed.Kind), Witness.Client, failed.Count), now));

    public static ControlStep ConnectsSucceeded(
        ControlEvent.ConnectsSucceeded succeeded, Instant now, ControlState state) =>
        state.OnBackend(succeeded.Backend, (service, backend) =>
            Apply(service, backend, new ConnectResult(Outcome.Success, Witness.Client, succeeded.Count), now));

    private static ServiceStep StartProbe(ServiceState service, BackendState backend, Instant now)
    {
        var policy = service.Config.Tuning.Health;
        var scheduled = backend with { Probe = backend.Probe with { NextAt = now.Plus(policy.Interval) } };

        // While a lookup is under way nothing is known yet; its answer starts a probe.
        if (!backend.IsPlaced && backend.Resolution.InFlight)
            return ServiceStep.Of(scheduled, service);

        // A name that does not resolve cannot be probed: that is a failed check, without any waiting.
        return !backend.IsPlaced
            ? Apply(
                service,
                scheduled with { Probe = scheduled.Probe with { LastEndedAt = now } },
                new ConnectResult(Outcome.Failure(FailureKind.Other), Witness.Resolver, 1), now)
            : ServiceStep.Of(
                scheduled with { Probe = scheduled.Probe with { InFlight = true } },
                service,
                new ControlEffect.StartProbe(backend.Id, backend.Addresses, backend.Endpoint.Port, policy.Timeout)
                {
                    Check = service.Config.CheckOf(backend.Config).For(backend.Endpoint),
                    Header = service.Config.HeaderFor(backend.Config),
                    Sources = service.Config.SourceAddresses,
                    Unix = backend.Endpoint.Host is Host.Unix unix ? unix.Path : Option<string>.None,
                });
    }

    private static ServiceStep Apply(ServiceState service, BackendState before, ConnectResult result, Instant now)
    {
        // What becomes of a backend that drains interests nobody: it gets no new connection.
        if (before.Draining)
            return ServiceStep.Of(before, service);

        var tuning = service.Config.Tuning;
        var outcome = result.Outcome;
        var happened = ProtectionEventOf(result);
        var protection = happened.Match(
            e => ProtectionMachine.Step(tuning.Protection, e, now, service.Protection),
            () => new ProtectionStep(service.Protection, ProtectionChange.None));
        var health = Counts(service.Config.CheckOf(before.Config), result)
            ? HealthAfter(tuning.Health, before, result)
            : new HealthStep(before.Health, HealthChange.None);
        var cooldown = CooldownAfter(tuning.Backoff, before, result, protection.State.IsOn, now);
        var changed = before with
        {
            Health = health.State,
            Failures = Counted(before.Failures, result),
            ProbeFailures = result.Witness == Witness.Client
                ? before.ProbeFailures : Counted(before.ProbeFailures, result),
            ConnectFailures = result.Witness == Witness.Client
                ? Counted(before.ConnectFailures, result) : before.ConnectFailures,
            LeadsHere = LeadsHere(before, result),
            SlowStart = SlowStarts.After(service.Config, before, health.Change, now),
            Probe = result.Witness == Witness.Client
                ? before.Probe
                : Answered(before.Probe with { NotMade = NotMade(before.Probe.NotMade, outcome) }, outcome),
            Cooldown = cooldown,
            Cools = cooldown.IsCooling(now),
        };
        var after = changed with
        {
            History = BackendChronicle.After(
                service.Config, before, changed, health, result, protection.State.IsOn, now),
        };

        var lines = ControlLines.Health(service.Config, before, after, health.Change, outcome)
            .Append(ControlLines.Failure(service.Config, before, health, outcome, result.Count))
            .Append(ControlLines.Cooldown(service.Config, before, after, outcome, now))
            .Append(ControlLines.Protection(service, protection, now));
        return new(
            after,
            protection.State,
            happened.Match(
                e => service.History.After(tuning.Protection, service.Protection, e, protection, now),
                () => service.History),
            lines.Map<ControlEffect>(line => new ControlEffect.Log(line)));
    }

    // Of a check that alone says what is up, what this machine could not even ask is no answer.
    private static bool Counts(HealthCheck check, ConnectResult result) => !check.Decides
        || (result.Witness != Witness.Client && result.Outcome != Outcome.Failure(FailureKind.Local));

    private static ProbeSchedule Answered(ProbeSchedule probe, Outcome outcome) => outcome.Match(
        passed: () => probe with { Answer = Option<string>.None, IsUnfit = false },
        failed: kind => kind == FailureKind.Local ? probe : probe with
        {
            Answer = outcome.AnswerGot,
            IsUnfit = probe.IsUnfit || kind == FailureKind.WrongAnswer,
        });

    private static FailureCounters Counted(FailureCounters counters, ConnectResult result) =>
        result.Outcome.Match(() => counters, kind => counters.Add(kind, result.Count));

    private static int NotMade(int before, Outcome outcome) =>
        outcome != Outcome.Failure(FailureKind.Local) ? 0 : before == int.MaxValue ? before : before + 1;

    // That a probe could not be made says nothing new.
    private static bool LeadsHere(BackendState before, ConnectResult result) =>
        result.Outcome.Match(() => false, kind => kind == FailureKind.OwnListener
            || (before.LeadsHere && (kind == FailureKind.Local || result.Witness != Witness.Probe)));

    private static Cooldown CooldownAfter(
        BackoffPolicy policy, BackendState before, ConnectResult result, bool protection, Instant now) =>
        result.Outcome.Match(
            passed: CooldownMachine.Succeeded,
            failed: kind => result.Witness == Witness.Client && kind != FailureKind.Local
                ? CooldownMachine.Failed(policy, protection, result.Count, now, before.Cooldown)
                : before.Cooldown);

    private static HealthStep HealthAfter(HealthPolicy policy, BackendState before, ConnectResult result)
    {
        var step = new HealthStep(before.Health, HealthChange.None);
        // One result at a time, so that thresholds are met exactly; beyond a threshold's worth more of the same change
        // nothing.
        var repeats = Math.Min(result.Count, Math.Max(policy.FailThreshold, policy.SuccessThreshold));
        for (var i = 0; i < repeats; i++)
        {
            var next = HealthMachine.Step(policy, result.Outcome, step.State);
            step = next.Change == HealthChange.None ? next with { Change = step.Change } : next;
        }

        return step;
    }

    private static Option<ProtectionEvent> ProtectionEventOf(ConnectResult result) => result.Outcome.Match(
        passed: () => Option<ProtectionEvent>.Some(new ProtectionEvent.Succeeded(result.Count)),
        failed: kind => result.Witness != Witness.Client || kind == FailureKind.Local
            ? Option<ProtectionEvent>.None
            : kind is FailureKind.Timeout or FailureKind.Refused
                ? Option<ProtectionEvent>.Some(new ProtectionEvent.ClientConnectsFailed(result.Count))
                : Option<ProtectionEvent>.Some(new ProtectionEvent.ClientConnectsFailedOtherwise()));

    private static Arr<IPAddress> Prefer(IPAddress via, Arr<IPAddress> addresses) =>
        addresses.Count == 0 || addresses[0].Equals(via) || !addresses.Exists(a => a.Equals(via))
            ? addresses
            : Prelude.Array(via).AddRange(addresses.Filter(a => !a.Equals(via)));
}
