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
    private readonly Dictionary<ServiceId, WatchedService> services = [];
    private readonly Dictionary<string, int> limits = [];
    private ControlState? latest;
    private long now;
    private long slowestProbing;
    private long steadySince;
    private long drainingSince = -1;

    /// <summary>The rules, watched.</summary>
    public SimulationRules Over(SimulationRules rules) => new()
    {
        Decide = (happened, at, before) => Decided(happened, at, before, rules.Decide(happened, at, before)),
        Select = (selector, attempt) => Selected(
            selector.Table, attempt.Turn, attempt.Tried, attempt.LastResorts, rules.Select(selector, attempt)),
        Hear = rules.Hear,
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
        Check(Invariant.LimitIsExact, report.Totals.MaxOpen <= limits.Values.Sum(), $"{report.Totals.MaxOpen} open");
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
            Done(effect, step.State);
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
        services.Clear();
        drainingSince = -1;
        steadySince = now;
        slowestProbing = 0;
        identities = 0;
        latest = state;
        foreach (var service in state.Services.Values)
            Add(service);
        Steady(state.Config);
    }

    private void Happened(ControlEvent happened, ControlState before, ControlStep step)
    {
        switch (happened)
        {
            case ControlEvent.Tick:
                Unresolved(before, step.State);
                break;
            case ControlEvent.ProbeEnded e when Find(e.Backend) is { Probing: true } backend:
                backend.Probing = false;
                if (!backend.Draining)
                    e.Outcome.Match(
                        () => Passed(backend, 1, before), kind => Failed(backend, kind, 1, before, client: false));
                break;
            case ControlEvent.ConnectsSucceeded e when Find(e.Backend) is { Draining: false } backend:
                Passed(backend, e.Count, before);
                break;
            case ControlEvent.ConnectsFailed e when Find(e.Backend) is { Draining: false } backend:
                Failed(backend, e.Kind, e.Count, before, client: true);
                break;
            case ControlEvent.ClientExhausted e when before.Services.Find(e.Service.Value).Exists(s => !s.Removed):
                services[e.Service].Protection.Exhausted();
                break;
            case ControlEvent.Resolved e:
                lookups.Remove(e.Name);
                break;
            case ControlEvent.BackendIdle e when Find(e.Backend) is { Draining: true }:
                backends.Remove(e.Backend);
                break;
            case ControlEvent.Reloaded e:
                Reloaded(e.Config, before, step.State);
                break;
            case ControlEvent.StopRequested when drainingSince < 0:
                drainingSince = now;
                break;
            default:
                break;
        }
    }

    // A name that does not resolve, and is not being looked up, fails its checks without any waiting.
    private void Unresolved(ControlState before, ControlState after)
    {
        foreach (var (was, isNow) in before.InOrder.Bind(s => s.InOrder).Zip(after.InOrder.Bind(s => s.InOrder)))
        {
            if (was.LastEnded() != isNow.LastEnded() && !was.IsPlaced && Find(was.Id) is { } backend)
            {
                backend.ProbedAt = now;
                Failed(backend, FailureKind.Other, 1, before, client: false);
            }
        }
    }

    private bool Passed(NaiveBackend backend, int count, ControlState before)
    {
        var tuning = before.Services[backend.Service.Value].Config.Tuning;
        backend.Passed(count, tuning.Health);
        services[backend.Service].Protection.Passed(count, tuning.Protection);
        return true;
    }

    private bool Failed(NaiveBackend backend, FailureKind kind, int count, ControlState before, bool client)
    {
        if (kind == FailureKind.Local)
            return false;
        var tuning = before.Services[backend.Service.Value].Config.Tuning;
        var protection = services[backend.Service].Protection;
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

    private void Reloaded(BalConfig config, ControlState before, ControlState after)
    {
        foreach (var service in before.Services.Values)
        {
            var wanted = config.Services.Find(s => s.Name == service.Config.Name);
            var kept = after.Services.Find(service.Id.Value).FirstOrDefault();
            Check(Invariant.ReloadKeeps, kept is not null,
                $"service {service.Config.Name} is gone, or another one now");
            if (kept is not null)
                Reloaded(service, wanted, kept);
        }

        foreach (var added in after.Services.Values.Where(s => !services.ContainsKey(s.Id)))
        {
            Check(Invariant.ReloadKeeps, added.Id.Value >= before.NextServiceId, $"{added.Id} is used again");
            Add(added);
        }

        Steady(config);
    }

    private void Reloaded(ServiceState before, Option<Service> wanted, ServiceState after)
    {
        Check(Invariant.ReloadKeeps, after.Removed == wanted.IsNone,
            $"service {before.Config.Name} is {after.Removed}");
        Check(Invariant.ReloadKeeps, before.Protection == after.Protection, "protection mode changed");
        foreach (var backend in before.InOrder)
        {
            var stays = wanted.Exists(service => service.Endpoints.Contains(backend.Endpoint));
            var kept = after.InOrder.FirstOrDefault(b => b.Id == backend.Id);
            Check(Invariant.ReloadKeeps, kept is not null, $"{backend.Endpoint} is gone, or another one now");
            if (kept is null)
                continue;
            Check(Invariant.ReloadKeeps, kept.Draining != stays, $"{backend.Endpoint} drains: {kept.Draining}");
            Check(Invariant.ReloadKeeps,
                kept.Health == backend.Health && kept.Cooldown == backend.Cooldown && kept.Failures == backend.Failures
                && kept.Addresses == backend.Addresses && kept.Probe.InFlight == backend.Probe.InFlight,
                $"{backend.Endpoint} was {backend}, is {kept}");
            var naive = backends[backend.Id];
            if (stays && naive.Draining)
                naive.Return(now);
            naive.Draining = !stays;
        }

        foreach (var added in after.InOrder.Filter(b => !b.Draining && !backends.ContainsKey(b.Id)))
        {
            Check(Invariant.ReloadKeeps, before.InOrder.ForAll(b => b.Id != added.Id), $"{added.Id} is used again");
            Add(added, after);
        }
    }

    private void Done(ControlEffect effect, ControlState state)
    {
        switch (effect)
        {
            case ControlEffect.Publish e when state.Services.Find(e.Service.Value).FirstOrDefault() is { } service:
                services[e.Service].Hear(Publishing.TableOf(service));
                break;
            case ControlEffect.StartProbe e when Find(e.Backend) is { Draining: false } backend:
                Check(Invariant.OneProbe, !backend.Probing, $"a second probe of {backend.Endpoint}");
                (backend.Probing, backend.ProbedAt) = (true, now);
                break;
            case ControlEffect.StartProbe e:
                Check(Invariant.OneProbe, false, $"a probe of {e.Backend}, which is removed");
                break;
            case ControlEffect.Resolve e:
                Check(Invariant.OneLookup, lookups.Add(e.Name), $"a second lookup of {e.Name}");
                break;
            case ControlEffect.ForgetService e:
                Check(Invariant.ReloadKeeps, !backends.Values.Any(b => b.Service == e.Service),
                    $"{e.Service} is forgotten");
                services.Remove(e.Service);
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

    private void Add(ServiceState service)
    {
        services[service.Id] = new WatchedService(Publishing.TableOf(service));
        foreach (var backend in service.InOrder)
            Add(backend, service);
    }

    private void Add(BackendState added, ServiceState service)
    {
        backends[added.Id] = new NaiveBackend(
            added.Id, service.Id, added.Endpoint, service.Config.Tuning.Health.FailThreshold, now);
        identities++;
    }

    private void Steady(BalConfig config)
    {
        steadySince = now;
        foreach (var service in config.Services)
        {
            var health = service.Tuning.Health;
            slowestProbing = Math.Max(
                slowestProbing, Math.Max(health.Interval.Milliseconds, health.Timeout.Milliseconds));
            limits[service.Name] = Math.Max(
                limits.GetValueOrDefault(service.Name), service.Tuning.MaxConcurrentConnections);
        }
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

/// <summary>What was seen of a service, and what its loops were told.</summary>
internal sealed class WatchedService(RoutingTable told)
{
    public NaiveProtection Protection { get; } = new();

    public RoutingTable Told { get; private set; } = told;

    /// <summary>Clients by backend, since other backends are up.</summary>
    public Dictionary<int, long> Shares { get; } = [];

    public void Hear(RoutingTable table)
    {
        if (table.Up.Map(r => r.Id) != Told.Up.Map(r => r.Id))
            Shares.Clear();
        Told = table;
    }
}
