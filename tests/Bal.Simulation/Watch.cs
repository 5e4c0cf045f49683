using Bal.Application.Simulation;
using Bal.Domain.Backend;
using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Primitives;
using Bal.Domain.Simulation;
using LanguageExt;

namespace Bal.Simulation;

/// <summary>
/// Compares every decision of a run with what plain counting gives. It knows the rules from docs/behaviour.md, not from
/// the code.
/// </summary>
/// <param name="world">The world that is watched.</param>
/// <param name="only">Look at this invariant alone.</param>
internal sealed partial class Watch(SeededWorld world, Option<Invariant> only)
{
    private readonly Dictionary<BackendId, NaiveBackend> backends = [];
    private readonly System.Collections.Generic.HashSet<string> lookups = [];
    private NaiveProtection protection = new();
    private ControlState? latest;
    private RoutingTable told = null!;
    private long now;
    private long slowestProbing;
    private long steadySince;
    private long drainingSince = -1;

    /// <summary>The rules, watched.</summary>
    public SimulationRules Over(SimulationRules rules) => new()
    {
        Decide = (happened, at, before) => Decided(happened, at, before, rules.Decide(happened, at, before)),
        Select = (table, turn, tried, lastResorts) =>
            Selected(table, turn, tried, lastResorts, rules.Select(table, turn, tried, lastResorts)),
        Admits = (open, limit) => Admitted(open, limit, rules.Admits(open, limit)),
    };

    /// <summary>What must hold when the run is over.</summary>
    public void Ended(SimulationReport report)
    {
        now = world.Scenario.Length.Milliseconds;
        Check(Invariant.EveryClientEnds, report.Totals.Clients == report.Totals.Served + report.Totals.Failed,
            $"{report.Totals.Clients} clients, {report.Totals.Served} served, {report.Totals.Failed} failed");
        Check(Invariant.CountersCount,
            report.Totals.Served == report.Backends.Sum(b => b.Served), "the backends served others than were served");
        Check(Invariant.LimitIsExact, report.Totals.MaxOpen <= highestLimit, $"{report.Totals.MaxOpen} open");
        Check(Invariant.DrainEnds, drainingSince < 0 || now <= drainingSince + 30_000, "still draining at the end");
    }

    /// <summary>The rules, watched, with a shell that tells bal something else than what happened.</summary>
    public SimulationRules Over(SimulationRules rules, Func<ControlEvent, ControlEvent> told)
    {
        var watched = Over(rules);
        return watched with { Decide = (happened, at, before) => watched.Decide(told(happened), at, before) };
    }

    private ControlStep Decided(ControlEvent happened, Instant at, ControlState before, ControlStep step)
    {
        now = at.Milliseconds;
        if (!ReferenceEquals(before, latest))
            Begin(before);
        Happened(happened, before, step);
        foreach (var effect in step.Effects)
            Done(effect);
        latest = step.State;
        if (step.State.Phase is not Phase.Ended)
            Compare(step.State);
        return step;
    }

    /// <summary>bal has started, for the first time or again: it knows nothing of what was before.</summary>
    private void Begin(ControlState state)
    {
        backends.Clear();
        lookups.Clear();
        protection = new();
        drainingSince = -1;
        steadySince = now;
        slowestProbing = 0;
        identities = 0;
        latest = state;
        told = state.Services[0].Table;
        foreach (var backend in state.Services[0].Backends)
            Add(backend, state.Config.Main.Tuning);
        Steady(state.Config);
        shares.Clear();
    }

    private void Happened(ControlEvent happened, ControlState before, ControlStep step)
    {
        var tuning = before.Services[0].Config.Tuning;
        switch (happened)
        {
            case ControlEvent.Tick:
                Unresolved(before, step.State, tuning);
                break;
            case ControlEvent.ProbeEnded e when Find(e.Backend) is { Probing: true } backend:
                backend.Probing = false;
                e.Outcome.Match(
                    () => Passed(backend, 1, tuning), kind => Failed(backend, kind, 1, tuning, client: false));
                break;
            case ControlEvent.ConnectsSucceeded e when Find(e.Backend) is { } backend:
                Passed(backend, e.Count, tuning);
                break;
            case ControlEvent.ConnectsFailed e when Find(e.Backend) is { } backend:
                Failed(backend, e.Kind, e.Count, tuning, client: true);
                break;
            case ControlEvent.ClientExhausted:
                protection.Exhausted();
                break;
            case ControlEvent.Resolved e:
                lookups.Remove(e.Name);
                break;
            case ControlEvent.Reloaded e:
                Reloaded(e.Config, before.Services[0], step.State.Services[0]);
                break;
            case ControlEvent.StopRequested when drainingSince < 0:
                drainingSince = now;
                break;
            default:
                break;
        }
    }

    // A name that does not resolve, and is not being looked up, fails its checks without any waiting.
    private void Unresolved(ControlState before, ControlState after, Tuning tuning)
    {
        foreach (var (was, isNow) in before.Services[0].Backends.Zip(after.Services[0].Backends))
        {
            if (was.LastEnded() != isNow.LastEnded() && was.Addresses.IsEmpty && Find(was.Id) is { } backend)
            {
                backend.ProbedAt = now;
                Failed(backend, FailureKind.Other, 1, tuning, client: false);
            }
        }
    }

    private bool Passed(NaiveBackend backend, int count, Tuning tuning)
    {
        backend.Passed(count, tuning.Health);
        protection.Passed(count, tuning.Protection);
        return true;
    }

    private bool Failed(NaiveBackend backend, FailureKind kind, int count, Tuning tuning, bool client)
    {
        if (kind == FailureKind.Local)
            return false;
        backend.Failure(count, tuning.Health);
        if (!client)
            return false;
        if (kind == FailureKind.Other)
            protection.FailedOtherwise();
        else
            protection.Failed(count, tuning.Protection, now);
        backend.Cool(count, tuning.Backoff, protection.On, now);
        return false;
    }

    private void Reloaded(BalConfig config, ServiceState before, ServiceState after)
    {
        foreach (var backend in before.Backends.Filter(b => !b.Draining))
        {
            var stays = config.Main.Endpoints.Contains(backend.Endpoint);
            var kept = after.Backends.FirstOrDefault(b => b.Id == backend.Id);
            Check(Invariant.ReloadKeeps, kept is not null, $"{backend.Endpoint} is gone, or another one now");
            if (kept is null)
                continue;
            Check(Invariant.ReloadKeeps, kept.Draining != stays, $"{backend.Endpoint} drains: {kept.Draining}");
            Check(Invariant.ReloadKeeps,
                kept.Health == backend.Health && kept.Cooldown == backend.Cooldown && kept.Failures == backend.Failures
                && kept.Addresses == backend.Addresses && (!stays || kept.Probe.InFlight == backend.Probe.InFlight),
                $"{backend.Endpoint} was {backend}, is {kept}");
            if (!stays)
                backends.Remove(backend.Id);
        }

        Check(Invariant.ReloadKeeps, before.Protection == after.Protection, "protection mode changed");
        foreach (var added in after.Backends.Filter(b => !b.Draining && !backends.ContainsKey(b.Id)))
        {
            Check(Invariant.ReloadKeeps, before.Backends.ForAll(b => b.Id != added.Id), $"{added.Id} is used again");
            Add(added, config.Main.Tuning);
        }

        Steady(config);
    }

    private void Done(ControlEffect effect)
    {
        switch (effect)
        {
            case ControlEffect.Publish e:
                if (e.Table.Up.Map(r => r.Id) != told.Up.Map(r => r.Id))
                    shares.Clear();
                told = e.Table;
                break;
            case ControlEffect.StartProbe e when Find(e.Backend) is { } backend:
                Check(Invariant.OneProbe, !backend.Probing, $"a second probe of {backend.Endpoint}");
                (backend.Probing, backend.ProbedAt) = (true, now);
                break;
            case ControlEffect.StartProbe e:
                Check(Invariant.OneProbe, false, $"a probe of {e.Backend}, which is removed");
                break;
            case ControlEffect.Resolve e:
                Check(Invariant.OneLookup, lookups.Add(e.Name), $"a second lookup of {e.Name}");
                break;
            case ControlEffect.Exit:
                Check(Invariant.DrainEnds, drainingSince >= 0
                    && now <= drainingSince + 30_000, "ends when it should not");
                drainingSince = -1;
                break;
            default:
                break;
        }
    }

    private void Add(BackendState added, Tuning tuning)
    {
        backends[added.Id] = new NaiveBackend(added.Id, added.Endpoint, tuning.Health.FailThreshold, now);
        identities++;
    }

    private void Steady(BalConfig config)
    {
        steadySince = now;
        var health = config.Main.Tuning.Health;
        slowestProbing = Math.Max(
            slowestProbing, Math.Max(health.Interval.Milliseconds, health.Timeout.Milliseconds));
        highestLimit = Math.Max(highestLimit, config.Main.Tuning.MaxConcurrentConnections);
    }

    private NaiveBackend? Find(BackendId id) => backends.GetValueOrDefault(id);

    private void Check(Invariant invariant, bool holds, string otherwise)
    {
        if (!holds && (only.IsNone || only == invariant))
            throw new BrokenInvariantException(invariant, now, otherwise);
    }
}

internal static class Probes
{
    public static Option<Instant> LastEnded(this BackendState backend) => backend.Probe.LastEndedAt;
}
