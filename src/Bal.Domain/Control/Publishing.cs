using Bal.Domain.Backend;
using Bal.Domain.Balancing;

namespace Bal.Domain.Control;

/// <summary>What the event loops need to know of a service, and when that has changed.</summary>
public static class Publishing
{
    /// <summary>The table of a service as it is now.</summary>
    public static RoutingTable TableOf(ServiceState service)
    {
        var tiers = new[] { new List<Route>(service.Backends.Count), [], [], [] };
        var backups = BackupRule.Allows(service);
        var draining = new List<BackendId>();
        bool IsInTable(BackendState backend) => IsOffered(service, backend) && (!backend.Config.Backup || backups);
        var weightOf = Weights(service.Backends.Values.Where(IsInTable));
        foreach (var backend in service.Backends.Values)
        {
            if (backend.Draining)
                draining.Add(backend.Id);
            if (!IsInTable(backend))
                continue;
            var tier = backend is { Config.Backup: true, Tier: Tier.Down } ? Tier.BackupDown : backend.Tier;
            tiers[(int)tier].Add(
                new Route(
                    backend.Id, InForce(backend), weightOf(backend), backend.Addresses,
                    WantsSuccess(service, backend)));
        }

        return new(
            service.Id, InForce(service), new(tiers[(int)Tier.Up]), new(tiers[(int)Tier.Cooling]), new(
                tiers[(int)Tier.Down]),
            service.Protection.IsOn, service.Removed, new(draining))
        {
            BackupsDown = new(tiers[(int)Tier.BackupDown]),
        };
    }

    /// <summary>Whether a change of one backend, or of its service's protection mode, changes the table.</summary>
    /// <param name="before">The service as it was.</param>
    /// <param name="backend">The backend as it was.</param>
    /// <param name="after">The service as it is, but for the backend.</param>
    /// <param name="changed">The backend as it is.</param>
    /// <param name="backups">What the change means for the backups.</param>
    /// <param name="backupsUsed">Whether they were used before.</param>
    internal static bool LooksDifferent(
        ServiceState before, BackendState backend, ServiceState after, BackendState changed, BackupChange backups,
        bool backupsUsed) =>
        before.Protection.IsOn != after.Protection.IsOn
        || backups != BackupChange.None
        || backend.Weight != changed.Weight
        // Of a backup that is not used the loops know nothing.
        || (LooksDifferent(before, backend, after, changed) && (!changed.Config.Backup || backupsUsed));

    private static bool LooksDifferent(
        ServiceState before, BackendState backend, ServiceState after, BackendState changed) =>
        (IsOffered(before, backend), IsOffered(after, changed)) switch
        {
            (true, true) => backend.Tier != changed.Tier || backend.Tenths != changed.Tenths
                || WantsSuccess(before, backend) != WantsSuccess(after, changed)
                || !backend.Addresses.Equals(changed.Addresses),
            var (was, becomes) => was != becomes,
        };

    // While one of them starts slowly, weights count in tenths; in numbers as small as they can be, since the order of
    // weighted turns is as long as their sum.
    private static Func<BackendState, int> Weights(IEnumerable<BackendState> offered)
    {
        if (!offered.Any(backend => backend.SlowStart.IsSome))
            return backend => backend.Weight;
        var unit = offered.Aggregate(
            0, (common, backend) => SmoothOrder.Gcd(common, backend.Weight * backend.Tenths));
        return backend => backend.Weight * backend.Tenths / unit;
    }

    // Methods that know all backends, whatever their state, must know the weights that operators have given them.
    private static Config.Service InForce(ServiceState service)
    {
        if (!service.Backends.Values.Any(IsWeighted))
            return service.Config;
        var weighted = service.Backends.Values.Where(IsWeighted).ToDictionary(b => b.Endpoint, InForce);
        return service.Config with
        {
            Backends = service.Config.Backends.Map(b => weighted.GetValueOrDefault(b.Endpoint, b)),
        };
    }

    private static bool IsWeighted(BackendState backend) =>
        !backend.Draining && backend.Weight != backend.Config.Weight;

    private static Config.BackendConfig InForce(BackendState backend) => backend.Weight == backend.Config.Weight
        ? backend.Config
        : backend.Config with { Weight = backend.Weight };

    // A removed service goes on with the clients that its listener's queue held.
    private static bool IsOffered(ServiceState service, BackendState backend) =>
        backend.IsPlaced && backend.Weight > 0 && !backend.IsDrained && !backend.LeadsHere
        // No writer meets a standby.
        && !(backend.Tier == Tier.Down && backend.Probe.IsUnfit)
        && (!backend.Draining || service.Removed);

    // Only a success that would change some state is worth waking the supervisor for.
    private static bool WantsSuccess(ServiceState service, BackendState backend) => !backend.Draining
        && (service.Protection.IsOn || backend.Cooldown.Streak > 0
            || (!(backend.Health is { Up: true, Reached: true, Failures: 0 })
                && !service.Config.CheckOf(backend.Config).Decides));
}
