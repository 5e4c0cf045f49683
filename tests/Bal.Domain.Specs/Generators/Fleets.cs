using System.Net;
using Bal.Domain.Config;
using Bal.Domain.Primitives;
using FsCheck;
using FsCheck.Fluent;
using LanguageExt;

namespace Bal.Domain.Specs.Generators;

/// <summary>
/// A configuration of one to four services, whose names and ports are so few that others have them too.
/// </summary>
public sealed record Fleet(BalConfig Config)
{
    public override string ToString() => Configs.Text(Config);
}

/// <summary>Several services, and what a reload may make of them.</summary>
public static class Fleets
{
    private static readonly string[] Names = [Service.DefaultName, "cache", "orders", "users", "web"];
    private static readonly int[] Ports = [9_295, 9_296, 9_297, 9_298, 9_299];

    public static Arbitrary<Fleet> Any() => Arb.From(
        Several(Configs.Services().Generator).Select(config => new Fleet(config)),
        fleet => Smaller(fleet.Config).Select(config => new Fleet(config)));

    /// <summary>One to four services out of these.</summary>
    public static Gen<BalConfig> Several(Gen<Service> services) =>
        from count in Gen.Frequency((2, Gen.Constant(1)), (3, Gen.Choose(2, 4)))
        from names in Gen.Shuffle(Names)
        from ports in Gen.Shuffle(Ports)
        from all in services.ListOf(count)
        select Configs.Of([.. all.Select((service, i) => At(ports[i], service with { Name = names[i] }))]);

    /// <summary>What an operator may make of a configuration, and now and then another one altogether.</summary>
    public static Gen<BalConfig> Next(BalConfig before, Gen<Service> services) => Gen.Frequency(
        (1, Gen.Constant(before)),
        (2, Several(services)),
        (3, from service in services
            from which in Gen.Choose(0, before.Services.Count - 1)
            let was = before.Services[which]
            select With(before, which, was with { Backends = service.Backends, Tuning = service.Tuning })),
        (2, Gen.Shuffle(before.Services.ToArray()).Select(order => before with { Services = new(order) })),
        (3, from which in Gen.Choose(0, before.Services.Count - 1)
            from name in Gen.Elements(Names)
            where !before.Services.Exists(s => s.Name == name)
            select With(before, which, before.Services[which] with { Name = name })),
        (2, from which in Gen.Choose(0, before.Services.Count - 1)
            from port in Gen.Elements(Ports)
            where !before.Services.Exists(s => s.Listener.Port == port)
            select With(before, which, At(port, before.Services[which]))),
        (2, Gen.Choose(0, before.Services.Count - 1).Select(which =>
            before.Services.Count == 1 ? before : before with { Services = before.Services.RemoveAt(which) })),
        (1, from one in Gen.Choose(0, before.Services.Count - 1)
            from other in Gen.Choose(0, before.Services.Count - 1)
            select NamesSwapped(before, one, other)));

    /// <summary>Two services of one configuration have the other's name.</summary>
    public static BalConfig NamesSwapped(BalConfig config, int one, int other)
    {
        var (first, second) = (config.Services[one], config.Services[other]);
        return With(With(config, one, first with { Name = second.Name }), other, second with { Name = first.Name });
    }

    public static IEnumerable<BalConfig> Smaller(BalConfig config)
    {
        for (var i = 0; i < config.Services.Count; i++)
        {
            if (config.Services.Count > 1)
                yield return config with { Services = config.Services.RemoveAt(i) };
            foreach (var service in Configs.Services().Shrinker(config.Services[i]))
                yield return With(config, i, service);
        }
    }

    public static Service At(int port, Service service) =>
        service with { Listener = new Listener(new Host.Address(IPAddress.Any), port) };

    private static BalConfig With(BalConfig config, int which, Service service) =>
        config with { Services = config.Services.SetItem(which, service) };
}
