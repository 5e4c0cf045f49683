using System.Net;
using Bal.Domain.Backend;
using Bal.Domain.Backoff;
using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Protection;
using Bal.Domain.Simulation;
using LanguageExt;

namespace Bal.Simulation;

/// <summary>A configuration and a scenario that a seed decides, all of it.</summary>
/// <param name="Seed">The seed.</param>
/// <param name="Config">What bal starts with.</param>
/// <param name="Scenario">What happens.</param>
internal sealed record SeededWorld(ulong Seed, BalConfig Config, Scenario Scenario)
{
    /// <summary>
    /// No connect of a backend that is well takes longer: every timeout made here leaves room for it.
    /// </summary>
    public const int SlowestConnect = 5;

    public static SeededWorld Of(ulong seed) => new Maker(seed).World();

    private sealed class Maker(ulong seed)
    {
        private readonly Dice dice = new(seed);
        private readonly Arr<Endpoint> pool = new(Enumerable.Range(1, 7).Select(i => new Endpoint(
            i % 4 == 0 ? new Host.Name($"b{i}.internal")
                : new Host.Address(new IPAddress([10, 0, 0, (byte)i])), 9_000 + i)));

        private static readonly List<string> Names = [Domain.Config.Service.DefaultName, "cache", "orders"];

        private long rolls;

        public SeededWorld World()
        {
            var length = Between(3, 45) * 1_000;
            var config = Config(new(Names.Take(Chance(60) ? 1 : Between(2, Names.Count))
                .Select(name => Service(name, Tuning(), Some(Between(1, 5))))));
            var events = new List<ScenarioEvent>();
            for (var i = Between(0, 14); i > 0; i--)
                events.Add(new(new Instant(Between(0, length)), Action(config)));
            // A drain takes up to 30 s, and is to be seen to its end.
            foreach (var stop in events.Where(e => e.Do is ScenarioAction.Stop))
                length = Math.Max(length, (int)stop.At.Milliseconds + 31_000);
            return new(seed, config, new Scenario(
                seed, new Duration(length), Clients(config), new Spread(new(0), new(SlowestConnect)),
                new Arr<ScenarioEvent>(events.OrderBy(e => e.At.Milliseconds)), Arr<Expectation>.Empty));
        }

        private ScenarioAction Action(BalConfig config) => Between(0, 99) switch
        {
            < 50 => new ScenarioAction.SetFault(Backend(config), Fault()),
            < 65 => new ScenarioAction.SetFault(Backend(config), Domain.Simulation.Fault.Healthy),
            < 75 => new ScenarioAction.Reload(Another(config), "another"),
            < 82 => new ScenarioAction.SetAddresses($"b{Between(1, 7)}.internal", Addresses()),
            < 90 => new ScenarioAction.SetRate(Rate(), StreamOf(Between(0, config.Services.Count - 1), config)),
            < 96 => new ScenarioAction.Crash(new(Between(0, 3_000))),
            _ => new ScenarioAction.Stop(),
        };

        private Fault Fault() => Between(0, 3) switch
        {
            0 => new Fault.Refuse(),
            1 => new Fault.Blackhole(),
            2 => new Fault.Slow(new Spread(new(Between(1, 300)), new(Between(300, 2_000)))),
            _ => new Fault.Flap(new(Between(1, 3_000)), new(Between(1, 3_000)), Chance(50)),
        };

        private BackendRef Backend(BalConfig config)
        {
            var service = config.Services[Between(0, config.Services.Count - 1)];
            return Chance(70)
                ? new BackendRef.Position(Between(1, service.Backends.Count)) { Service = service.Name }
                : new BackendRef.Address(pool[Between(0, pool.Count - 1)]);
        }

        // Each service has its clients; those of the first come to whichever is the first.
        private Arr<ClientLoad> Clients(BalConfig config) => new(config.Services.Select((_, i) => new ClientLoad(
            StreamOf(i, config), Rate(),
            new Spread(new(Between(0, 500)), new(Between(500, Chance(20) ? 60_000 : 8_000))),
            Between(0, 2), new(Between(1, 2_000)))).ToArray());

        private static Option<string> StreamOf(int service, BalConfig config) =>
            service == 0 ? Option<string>.None : config.Services[service].Name;

        private ClientRate Rate() => new(Chance(15) ? 0 : Between(100, 60_000));

        private Arr<IPAddress> Addresses() => new(Enumerable.Range(0, Between(0, 3)).Select(i =>
            new IPAddress([10, 1, (byte)Between(0, 3), (byte)i])));

        private Arr<Endpoint> Some(int count) => new(pool.OrderBy(_ => Between(0, 1_000_000)).Take(count));

        // Services keep their names, so that it is by them that they are the same.
        private BalConfig Another(BalConfig config)
        {
            var services = config.Services
                .Filter(service => service.Name == config.Services[0].Name || !Chance(25))
                .Map(service => Service(
                    service.Name,
                    Chance(50) ? Tuning() : service.Tuning,
                    Chance(30) ? service.Endpoints : Some(Between(1, 5))));
            return Config(Chance(20) ? new(services.Reverse()) : services);
        }

        private static BalConfig Config(Arr<Service> services) =>
            new(Mode.Advanced, LogLevel.Info, Option<int>.None, services);

        private static Service Service(string name, Tuning tuning, Arr<Endpoint> backends) => new(
            name, new Listener(new Host.Address(IPAddress.Loopback), 9_295 + Names.IndexOf(name)), Method.RoundRobin,
            backends.Map(backend => new BackendConfig(backend)), tuning);

        private Tuning Tuning()
        {
            var initial = Between(20, 500);
            return Domain.Config.Tuning.For(2) with
            {
                Health = new HealthPolicy(
                    new(Between(50, 1_000)), new(Between(50, 1_200)), Between(1, 4), Between(1, 3)),
                ConnectTimeout = new(Between(50, 1_000)),
                Backoff = new BackoffPolicy(new(initial), new(initial + Between(0, 5_000)), new(Between(0, 1_000))),
                Protection = new ProtectionPolicy(Between(1, 20), new(Between(300, 30_000)), Between(1, 20)),
                MaxConcurrentConnections = Chance(30) ? Between(1, 20) : Between(20, 4_000),
            };
        }

        private bool Chance(int percent) => Between(1, 100) <= percent;

        private int Between(int least, int most) => (int)dice.Between(least, most, DiceUse.Making, rolls++);
    }
}
