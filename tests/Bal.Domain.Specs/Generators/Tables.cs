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

    private static IEnumerable<int> Smaller(int n) => n == 0 ? [] : [n - 1];

    private static Arr<Route> Routes(int first, int count) => new(Enumerable.Range(first, count).Select(id => new Route(
        new BackendId(id),
        new BackendConfig(new Endpoint(new Host.Address(IPAddress.Loopback), 9_000 + id)),
        Prelude.Array(IPAddress.Loopback),
        WantsSuccess: false)));
}
