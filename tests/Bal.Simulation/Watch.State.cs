using Bal.Domain.Backend;
using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Primitives;
using Bal.Domain.Simulation;
using LanguageExt;

namespace Bal.Simulation;

/// <summary>What must hold between two decisions.</summary>
internal sealed partial class Watch
{
    private void Compare(ControlState state)
    {
        foreach (var service in state.Services.Values)
        {
            var watched = services[service.Id];
            foreach (var backend in service.InOrder)
            {
                if (Find(backend.Id) is { Draining: false } expected)
                    Compare(backend, expected, service.Config.Tuning, watched.Told);
            }

            Check(Invariant.ProtectionByCounts, service.Protection.IsOn == watched.Protection.On,
                $"protection mode is {service.Protection}, expected {(watched.Protection.On ? "on" : "off")}");
            Loops(service, watched);
        }

        Check(Invariant.DrainEnds, drainingSince < 0 || now <= drainingSince + 30_000, "drains for more than 30 s");
    }

    private void Compare(BackendState backend, NaiveBackend expected, Tuning tuning, RoutingTable told)
    {
        Check(Invariant.HealthByThresholds, backend.Health.Up == expected.Up,
            $"{backend.Endpoint} is {backend.Health} after {expected.FailuresInRow} failures and " +
            $"{expected.SuccessesInRow} successes in a row");
        Check(Invariant.CooldownAsConfigured,
            backend.Cooldown.Streak == expected.Streak
            && (expected.Streak == 0 || backend.Cooldown.Until.Milliseconds == expected.CoolsUntil),
            $"{backend.Endpoint} has {backend.Cooldown}, expected until {expected.CoolsUntil} after {expected.Streak}");
        var failures = backend.Failures;
        Check(Invariant.CountersCount,
            failures is { Timeout: >= 0, Refused: >= 0, Other: >= 0 }
            && failures.Timeout + failures.Refused + failures.Other == expected.Failed,
            $"{backend.Endpoint} has {failures}, expected {expected.Failed} in all");
        Check(Invariant.OneProbe, backend.Probe.InFlight == expected.Probing, $"{backend.Endpoint}: {backend.Probe}");
        if (backend.IsPlaced)
            Live(backend, expected, tuning, told);
    }

    // What is well for long enough is used; what is not is not: whatever happened before.
    private void Live(BackendState backend, NaiveBackend expected, Tuning tuning, RoutingTable told)
    {
        Check(Invariant.ProbesInTime, now <= expected.ProbedAt + slowestProbing + Resolving(backend) + 2,
            $"{backend.Endpoint} was last probed at {expected.ProbedAt}");
        var fault = FaultOf(backend.Endpoint);
        var since = Math.Max(Math.Max(fault.Since, expected.Since), steadySince) + Resolving(backend);
        var probing = slowestProbing + SeededWorld.SlowestConnect + 2;
        var late = slowestProbing + tuning.ConnectTimeout.Milliseconds;
        if (fault.Fault is Fault.None && now > since + late + (tuning.Health.SuccessThreshold + 1) * probing)
            Check(Invariant.GoodBackendIsUsed, Contains(told.Up, backend.Id),
                $"{backend.Endpoint} has been well since {since}, and is {backend.Health}, {backend.Cooldown}");
        if (fault.Fault is Fault.Refuse && now > since + late + (tuning.Health.FailThreshold + 1) * probing)
            Check(Invariant.BadBackendIsLeft, Contains(told.Down, backend.Id),
                $"{backend.Endpoint} has refused since {since}, and is {backend.Health}");
    }

    // Until a name has resolved nothing is known of it, and a failed lookup is repeated after 5 s.
    private static long Resolving(BackendState backend) => backend.Endpoint.Host is Host.Name ? 40_000 : 0;

    private void Loops(ServiceState service, WatchedService watched)
    {
        var told = watched.Told;
        // What becomes of the backends of one that is going is not followed any more.
        if (!service.Removed)
        {
            Routes(told.Up, service, watched, b => b.Up && !b.IsCooling(now));
            Routes(told.Cooling, service, watched, b => b.IsCooling(now));
            Routes(told.Down, service, watched, b => !b.Up);
        }

        Check(Invariant.LoopsKnow,
            told.Protection == watched.Protection.On && told.Service == service.Config
                && told.Removed == service.Removed,
            "protection mode or the configuration is not what the loops were told");
        Check(Invariant.LoopsKnow,
            told.Draining == service.InOrder.Filter(b => b.Draining).Map(b => b.Id), "other backends drain");
    }

    private void Routes(
        Arr<Route> routes, ServiceState service, WatchedService watched, Func<NaiveBackend, bool> belongs)
    {
        var expected = service.InOrder.Filter(b => !b.Draining && b.IsPlaced && belongs(backends[b.Id]));
        Check(Invariant.LoopsKnow, routes.Map(r => r.Id) == expected.Map(b => b.Id),
            $"the loops were told {string.Join(",", routes.Map(r => r.Id.Value))}, " +
            $"expected {string.Join(",", expected.Map(b => b.Id.Value))}");
        foreach (var (route, backend) in routes.Zip(expected))
        {
            var known = backends[backend.Id];
            Check(Invariant.LoopsKnow,
                route.Addresses == backend.Addresses
                && (route.WantsSuccess
                    || !(watched.Protection.On || !known.Up || known.FailuresInRow > 0 || known.Streak > 0)),
                $"{backend.Endpoint}: a success would matter, and nobody would tell");
        }
    }

    private static bool Contains(Arr<Route> routes, BackendId id) => routes.Exists(r => r.Id == id);

    private Standing FaultOf(Endpoint endpoint)
    {
        var standing = new Standing(Fault.Healthy, 0);
        foreach (var planned in world.Scenario.Events)
        {
            if (planned.At.Milliseconds <= now && planned.Do is ScenarioAction.SetFault set
                && set.Backend.In(world.Config).Contains(endpoint))
                standing = new(set.Fault, planned.At.Milliseconds);
        }

        return standing;
    }

    private sealed record Standing(Fault Fault, long Since);
}
