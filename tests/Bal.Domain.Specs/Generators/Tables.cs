using System.Net;
using Bal.Domain.Backend;
using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.Primitives;
using FsCheck;
using FsCheck.Fluent;
using LanguageExt;

namespace Bal.Domain.Specs.Generators;

/// <summary>A client's number in the one sequence of the process.</summary>
public readonly record struct Turn(ulong Value);

/// <summary>Routing tables of up to four backends in each tier, any tier possibly empty.</summary>
public static class Tables
{
    public static RoutingTable Of(int up, int cooling, int down, bool protection) => new(
        new ServiceId(1), Configs.Service(Tuning.For(1), Configs.Pool[0]),
        Routes(1, up), Routes(1 + up, cooling), Routes(1 + up + cooling, down),
        protection, Removed: false, Arr<BackendId>.Empty);

    /// <summary>A table of backends that are up, one of each weight.</summary>
    public static RoutingTable Weighing(Method method, params int[] weights) => Of(
        method, weights.Select((weight, i) => new BackendConfig(
            new Endpoint(new Host.Address(IPAddress.Loopback), 9_000 + i))
        {
            Weight = weight,
        }));

    /// <summary>A table of these backends, all up, known by their place from 1.</summary>
    public static RoutingTable Of(Method method, IEnumerable<BackendConfig> backends)
    {
        var all = new Arr<BackendConfig>(backends);
        var table = Choosing(Of(0, 0, 0, false), method);
        return table with
        {
            Service = table.Service with { Backends = all },
            Up = new(all.Select((backend, i) => new Route(
                new BackendId(i + 1), backend, backend.Weight, Prelude.Array(IPAddress.Loopback),
                WantsSuccess: false))),
        };
    }

    /// <summary>The same table with another method.</summary>
    public static RoutingTable Choosing(RoutingTable table, Method method) =>
        table with { Service = table.Service with { Method = method } };

    /// <summary>The choice by a table that has just been published.</summary>
    public static Option<Candidate> Next(
        RoutingTable table, ulong turn, ReadOnlySpan<int> tried, int lastResorts) =>
        Selector.Of(table, Option<Selector>.None).Next(new Attempt(turn, tried, lastResorts));

    public static Arbitrary<RoutingTable> RoutingTables() => Arb.From(
        from up in Gen.Choose(0, 4)
        from cooling in Gen.Choose(0, 4)
        from down in Gen.Choose(0, 4)
        from protection in Gen.Elements(false, true)
        select Of(up, cooling, down, protection),
        t => Smaller(t.Up.Count).Select(n => Of(n, t.Cooling.Count, t.Down.Count, t.Protection))
            .Concat(Smaller(t.Cooling.Count).Select(n => Of(t.Up.Count, n, t.Down.Count, t.Protection)))
            .Concat(Smaller(t.Down.Count).Select(n => Of(t.Up.Count, t.Cooling.Count, n, t.Protection))));

    public static Arbitrary<Turn> Turns() => Arb.From(
        Gen.Frequency(
            (4, Gen.Choose(0, 1_000).Select(n => new Turn((ulong)n))),
            (1, Gen.Choose(0, 1_000).Select(n => new Turn(ulong.MaxValue - (ulong)n)))),
        turn => turn.Value == 0 ? [] : new[] { new Turn(0), new Turn(turn.Value / 2) });

    /// <summary>The same table with so many backups that are down, after everything else.</summary>
    public static RoutingTable WithBackupsDown(RoutingTable table, int count) => table with
    {
        BackupsDown = Routes(1 + table.All.Count(), count),
    };

    private static IEnumerable<int> Smaller(int n) => n == 0 ? [] : [n - 1];

    private static Arr<Route> Routes(int first, int count) => new(Enumerable.Range(first, count).Select(id => new Route(
        new BackendId(id),
        new BackendConfig(new Endpoint(new Host.Address(IPAddress.Loopback), 9_000 + id)),
        Weight: 1,
        Prelude.Array(IPAddress.Loopback),
        WantsSuccess: false)));
}
