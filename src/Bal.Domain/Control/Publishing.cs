using Bal.Domain.Backend;
using Bal.Domain.Balancing;

namespace Bal.Domain.Control;

/// <summary>What the event loops need to know of a service, and when that has changed.</summary>
public static class Publishing
{
    /// <summary>The table of a service as it is now.</summary>
    public static RoutingTable TableOf(ServiceState service)
    {
        var tiers = new[] { new List<Route>(service.Backends.Count), [], [] };
        var draining = new List<BackendId>();
        foreach (var backend in service.Backends.Values)
        {
            if (backend.Draining)
                draining.Add(backend.Id);
            if (!IsOffered(service, backend))
                continue;
            tiers[(int)backend.Tier].Add(
                new Route(backend.Id, backend.Config, backend.Addresses, WantsSuccess(service, backend)));
        }

        return new(
            service.Id, service.Config, new(tiers[(int)Tier.Up]), new(tiers[(int)Tier.Cooling]), new(
                tiers[(int)Tier.Down]),
            service.Protection.IsOn, service.Removed, new(draining));
    }

    /// <summary>Whether a change of one backend, or of its service's protection mode, changes the table.</summary>
    internal static bool LooksDifferent(
        ServiceState before, BackendState backend, ServiceState after, BackendState changed) =>
        before.Protection.IsOn != after.Protection.IsOn
        || (IsOffered(before, backend), IsOffered(after, changed)) switch
        {
            (true, true) => backend.Tier != changed.Tier
                || WantsSuccess(before, backend) != WantsSuccess(after, changed)
                || !backend.Addresses.Equals(changed.Addresses),
            var (was, becomes) => was != becomes,
        };

    // A removed service goes on with the clients that its listener's queue held.
    private static bool IsOffered(ServiceState service, BackendState backend) =>
        !backend.Addresses.IsEmpty && (!backend.Draining || service.Removed);

    // Only a success that would change some state is worth waking the supervisor for.
    private static bool WantsSuccess(ServiceState service, BackendState backend) => !backend.Draining
        && (service.Protection.IsOn || !backend.Health.Up || backend.Health.Failures > 0
            || backend.Cooldown.Streak > 0);
}
