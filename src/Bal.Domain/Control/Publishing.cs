using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Control;

/// <summary>Tells the event loops what they need to know, and only when it has changed.</summary>
internal static class Publishing
{
    /// <summary>The table of a service that no loop has seen yet.</summary>
    public static RoutingTable Unpublished(Service service) =>
        new(0, service.Name, Arr<Route>.Empty, Arr<Route>.Empty, Arr<Route>.Empty, Protection: false,
            Duration.Zero, Duration.Zero, 0, service.Tuning.Relay, Arr<Backend.BackendId>.Empty);

    /// <summary>Adds a <see cref="ControlEffect.Publish"/> for every service whose table differs from the last one.</summary>
    public static ControlStep Finish(Instant now, ControlStep step)
    {
        for (var i = 0; i < step.State.Services.Count; i++)
        {
            var service = Cooled(now, step.State.Services[i]);
            var table = TableOf(now, service);
            if (SameForLoops(table, service.Table))
                continue;
            var published = table with { Version = service.Table.Version + 1 };
            step = new(
                step.State.With(i, service with { Table = published }),
                step.Effects.Add(new ControlEffect.Publish(published)));
        }

        return step;
    }

    // Time alone ends a cooldown; what the loops were last told is where that can be seen.
    private static ServiceState Cooled(Instant now, ServiceState service) => service.Table.Cooling.IsEmpty
        ? service
        : service with
        {
            Backends = service.Backends.Map(b =>
                b.Cooldown.Streak > 0 && !b.Draining && b.TierAt(now) == Tier.Up
                    && service.Table.Cooling.Exists(route => route.Id == b.Id)
                    ? BackendChronicle.CooledDown(b)
                    : b),
        };

    /// <summary>Publishes the table of every service, whether it has changed or not: to loops that have seen none yet.</summary>
    public static ControlStep Again(Instant now, ControlState state)
    {
        var services = state.Services.Map(service => Cooled(now, service)).Map(service => service with
        {
            Table = TableOf(now, service) with { Version = service.Table.Version + 1 },
        });
        return new(
            state with { Services = services },
            services.Map(service => (ControlEffect)new ControlEffect.Publish(service.Table)));
    }

    private static RoutingTable TableOf(Instant now, ServiceState service) => new(
        service.Table.Version,
        service.Config.Name,
        RoutesOf(Tier.Up, now, service),
        RoutesOf(Tier.Cooling, now, service),
        RoutesOf(Tier.Down, now, service),
        service.Protection.IsOn,
        service.Config.Tuning.ConnectTimeout,
        service.Config.Tuning.IdleTimeout,
        service.Config.Tuning.MaxConcurrentConnections,
        service.Config.Tuning.Relay,
        service.Backends.Filter(b => b.Draining).Map(b => b.Id));

    private static Arr<Route> RoutesOf(Tier tier, Instant now, ServiceState service) =>
        service.Backends
            .Filter(b => !b.Draining && !b.Addresses.IsEmpty && b.TierAt(now) == tier)
            .Map(b => new Route(b.Id, b.Config, b.Addresses, WantsSuccess(service, b)));

    // Only a success that would change some state is worth waking the supervisor for.
    private static bool WantsSuccess(ServiceState service, BackendState backend) =>
        service.Protection.IsOn || !backend.Health.Up || backend.Health.Failures > 0 || backend.Cooldown.Streak > 0;

    private static bool SameForLoops(RoutingTable a, RoutingTable b) =>
        a.Protection == b.Protection
        && a.ConnectTimeout == b.ConnectTimeout
        && a.IdleTimeout == b.IdleTimeout
        && a.MaxConcurrentConnections == b.MaxConcurrentConnections
        && a.Relay == b.Relay
        && SameRoutes(a.Up, b.Up)
        && SameRoutes(a.Cooling, b.Cooling)
        && SameRoutes(a.Down, b.Down)
        && a.Draining.AsEnumerable().SequenceEqual(b.Draining);

    private static bool SameRoutes(Arr<Route> a, Arr<Route> b)
    {
        if (a.Count != b.Count)
            return false;
        for (var i = 0; i < a.Count; i++)
        {
            if (a[i].Id != b[i].Id || a[i].WantsSuccess != b[i].WantsSuccess
                || !a[i].Addresses.SequenceEqual(b[i].Addresses))
                return false;
        }

        return true;
    }
}
