using System.Net;
using Bal.Domain.Backend;
using Bal.Domain.Backoff;
using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Protection;
using FsCheck;
using FsCheck.Fluent;
using LanguageExt;

namespace Bal.Domain.Specs.Generators;

/// <summary>
/// Valid configurations small enough to read: up to six backends out of a pool in which two share a name, and policies
/// whose thresholds are met within a few events.
/// </summary>
public static class Configs
{
    public const string Other = "other";

    public static readonly IPAddress[] Addresses =
        [IPAddress.Parse("10.0.0.11"), IPAddress.Parse("10.0.0.12"), IPAddress.Parse("fd00::13")];

    public static readonly Endpoint[] Pool =
    [
        At("10.0.0.1", 9_001), At("10.0.0.2", 9_001), At("10.0.0.2", 9_002),
        Named("db.internal", 5_432), Named("db.internal", 5_433), Named("app.internal", 80),
        Endpoint.Unix("/run/app/web.sock"),
    ];

    public static Endpoint At(string address, int port) => new(new Host.Address(IPAddress.Parse(address)), port);

    public static Endpoint Named(string name, int port) => new(new Host.Name(name), port);

    public static Service Service(Tuning tuning, params Endpoint[] backends) => new(
        Domain.Config.Service.DefaultName, new Listener(new Host.Address(IPAddress.Any), 9_295), Method.RoundRobin,
        new Arr<BackendConfig>(backends.Select(e => new BackendConfig(e))), tuning);

    public static BalConfig Of(params Service[] services) =>
        new(Mode.Simple, LogLevel.Info, Option<int>.None, new Arr<Service>(services));

    public static Arbitrary<Tuning> Tunings() => (
        from interval in Gen.Elements(1, 100, 500)
        from fail in Gen.Choose(1, 3)
        from success in Gen.Choose(1, 3)
        from initial in Gen.Elements(1, 100, 200)
        from max in Gen.Elements(0, 100, 5_000)
        from cooldown in Gen.Elements(0, 1, 500)
        from trigger in Gen.Choose(1, 5)
        from window in Gen.Elements(1, 1_000, 30_000)
        from stable in Gen.Choose(1, 4)
        from limit in Gen.Elements(1, 4_000)
        from connect in Gen.Elements(800, 5_000)
        from idle in Gen.Elements(120_000, 60_000)
        from slow in Gen.Elements(0, 0, 7, 500, 30_000)
        from relay in Gen.Elements(RelayMode.Auto, RelayMode.Copy, RelayMode.Splice)
        select Tuning.For(1) with
        {
            Health = new HealthPolicy(new(interval), new(800), fail, success),
            Backoff = new BackoffPolicy(new(initial), new(initial + max), new(cooldown)),
            Protection = new ProtectionPolicy(trigger, new(window), stable),
            MaxConcurrentConnections = limit,
            ConnectTimeout = new(connect),
            IdleTimeout = new(idle),
            Relay = relay,
            SlowStart = new(slow),
        }).ToArbitrary();

    public static Arbitrary<Service> Services() => Arb.From(
        from tuning in Tunings().Generator
        from backends in Backends
        from port in Gen.Elements(9_295, 9_296)
        select Service(tuning, backends) with { Listener = new Listener(new Host.Address(IPAddress.Any), port) },
        service => Enumerable.Range(0, service.Backends.Count > 1 ? service.Backends.Count : 0)
            .Select(i => service with { Backends = service.Backends.RemoveAt(i) }));

    public static Arbitrary<BalConfig> BalConfigs() => Arb.From(
        from main in Services().Generator
        select Of(main),
        config => Services().Shrinker(config.Services[0])
            .Select(main => config with { Services = config.Services.SetItem(0, main) }));

    /// <summary>A configuration in one line, for counter-examples.</summary>
    public static string Text(BalConfig config) => string.Join(" + ", config.Services.Select(s =>
        $"{s.Name} {s.Backends} port {s.Listener.Port} every {s.Tuning.Health.Interval.ToText()}" +
        $" fall {s.Tuning.Health.FailThreshold} rise {s.Tuning.Health.SuccessThreshold}" +
        $" backoff {s.Tuning.Backoff.Initial.ToText()}..{s.Tuning.Backoff.Max.ToText()}" +
        $" cooldown {s.Tuning.Backoff.Cooldown.ToText()}" +
        $" protection {s.Tuning.Protection.TriggerThreshold} in {s.Tuning.Protection.Window.ToText()}" +
        $" until {s.Tuning.Protection.StableSuccessThreshold} slowly {s.Tuning.SlowStart.ToText()}"));

    private static Gen<Endpoint[]> Backends =>
        from count in Gen.Choose(1, Pool.Length)
        from order in Gen.Shuffle(Pool)
        select order.Take(count).ToArray();
}
