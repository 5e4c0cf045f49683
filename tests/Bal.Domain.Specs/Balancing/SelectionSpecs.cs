using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.Specs.Generators;
using FsCheck.Xunit;
using LanguageExt;

namespace Bal.Domain.Specs.Balancing;

/// <summary>
/// Which backend a client gets, and which next when that one fails (docs/behaviour.md, Balancing): whatever the method,
/// those that are up, then those that cool down, then those that are down; round robin takes turns among them.
/// </summary>
[Properties(Arbitrary = [typeof(Values), typeof(Tables)])]
public class SelectionSpecs
{
    [Property]
    public void A_worse_backend_is_never_chosen_while_a_better_one_is_untried(
        RoutingTable table, Turn turn, int[] others)
    {
        // Whatever this client has tried before, also identities that this table does not know.
        var tried = others.Select(id => Math.Abs(id % 15)).ToArray();

        Tables.Next(table, turn.Value, tried, lastResorts: 0).IfSome(chosen =>
        {
            Assert.DoesNotContain(chosen.Route.Id.Value, tried);
            if (chosen.Tier != Tier.Up)
                Assert.All(table.Up, route => Assert.Contains(route.Id.Value, tried));
            if (chosen.Tier == Tier.Down)
                Assert.All(table.Cooling, route => Assert.Contains(route.Id.Value, tried));
        });
    }

    [Property]
    public void The_tier_reported_is_the_tier_of_the_backend_chosen(RoutingTable table, Turn turn) =>
        Assert.All(VisitAll(table, turn), chosen => Assert.Contains(chosen.Route, chosen.Tier switch
        {
            Tier.Up => table.Up,
            Tier.Cooling => table.Cooling,
            _ => table.Down,
        }));

    [Property]
    public void A_client_visits_every_backend_once_and_then_none(RoutingTable table, Turn turn)
    {
        var visited = VisitAll(table with { Protection = false }, turn).Select(c => c.Route.Id.Value).ToArray();

        Assert.Equal(visited.Distinct(), visited);
        Assert.Equal(AllOf(table).Order(), visited.Order());
    }

    [Property]
    public void Backups_that_are_down_are_the_very_last(RoutingTable table, Turn turn)
    {
        var longer = Tables.WithBackupsDown(table with { Protection = false }, 2);
        var visited = VisitAll(longer, turn);

        Assert.Equal(VisitAll(table with { Protection = false }, turn), visited.Take(visited.Count - 2));
        Assert.All(visited.TakeLast(2), c => Assert.Equal(Tier.BackupDown, c.Tier));
        Assert.Equal(longer.BackupsDown, visited.TakeLast(2).Select(c => c.Route).OrderBy(r => r.Id.Value));
    }

    [Property]
    public void In_protection_mode_a_client_gets_one_last_resort(RoutingTable table, Turn turn)
    {
        var visited = VisitAll(table with { Protection = true }, turn);

        Assert.Equal(table.Up.Count, visited.Count(c => c.Tier == Tier.Up));
        Assert.Equal(Math.Min(1, table.Cooling.Count + table.Down.Count), visited.Count(c => c.Tier != Tier.Up));
    }

    [Property]
    public void A_backend_that_came_up_meanwhile_is_still_tried_after_the_last_resort(RoutingTable table, Turn turn)
    {
        var tried = AllOf(table with { Up = Arr<Route>.Empty }).ToArray();

        Assert.Equal(table.Up.Count > 0, Tables.Next(table, turn.Value, tried, lastResorts: tried.Length).IsSome);
    }

    [Property]
    public void With_no_backend_there_is_no_choice(Turn turn, bool protection) =>
        Assert.True(Tables.Next(Tables.Of(0, 0, 0, protection), turn.Value, [], 0).IsNone);

    [Property]
    public void A_single_backend_gets_every_client_whatever_its_state(Turn turn, bool protection)
    {
        RoutingTable[] tables =
            [Tables.Of(1, 0, 0, protection), Tables.Of(0, 1, 0, protection), Tables.Of(0, 0, 1, protection)];
        foreach (var table in tables)
            Assert.Equal(1, FirstChoice(table, turn.Value));
    }

    [Property]
    public void Consecutive_turns_go_to_the_backends_in_the_order_of_the_table(RoutingTable table, ushort start)
    {
        var tier = new[] { table.Up, table.Cooling, table.Down }.FirstOrDefault(t => t.Count > 0);
        if (tier.Count == 0)
            return;

        for (var turn = 0UL; turn < 20; turn++)
            Assert.Equal(tier[(int)((start + turn) % (ulong)tier.Count)].Id.Value, FirstChoice(table, start + turn));
    }

    [Property]
    public void Turns_are_shared_fairly_to_within_one(RoutingTable table, Turn start, ushort clients)
    {
        // Only the wrap of the 64-bit sequence, after 10^19 clients, may break it.
        if (table.Up.Count == 0 || start.Value > ulong.MaxValue - ushort.MaxValue)
            return;

        var shares = new Dictionary<int, int>(table.Up.Map(r => KeyValuePair.Create(r.Id.Value, 0)));
        for (var client = 0UL; client < clients; client++)
            shares[FirstChoice(table, start.Value + client)]++;

        Assert.InRange(shares.Values.Max() - shares.Values.Min(), 0, 1);
    }

    [Property]
    public void The_last_turn_of_the_sequence_is_as_good_as_any(RoutingTable table) =>
        Assert.Equal(AllOf(table).Any(), Tables.Next(table, ulong.MaxValue, [], 0).IsSome);

    [Fact]
    public void Choosing_allocates_nothing()
    {
        var tables = new[] { Tables.Of(4, 0, 0, false), Tables.Of(0, 3, 1, true), Tables.Of(1, 1, 1, false) }
            .SelectMany(table => Enum.GetValues<Method>().Select(method => Tables.Choosing(table, method)))
            .Select(table => Selector.Of(table, Option<Selector>.None)).ToArray();
        int[] tried = [1, 2];
        Visit(tables, tried);

        var before = GC.GetAllocatedBytesForCurrentThread();
        Visit(tables, tried);

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static int Visit(Selector[] selectors, int[] tried)
    {
        var some = 0;
        for (var turn = 0UL; turn < 10_000; turn++)
        {
            foreach (var selector in selectors)
            {
                for (var n = 0; n <= tried.Length; n++)
                {
                    var attempt = new Attempt(turn, tried.AsSpan(0, n), 0) { Source = turn, Load = Load };
                    some += selector.Next(attempt).IsSome ? 1 : 0;
                }
            }
        }

        return some;
    }

    private static readonly Func<Tier, int, long> Load = (_, place) => place;

    private static List<Candidate> VisitAll(RoutingTable table, Turn turn)
    {
        var visited = new List<Candidate>();
        while (visited.Count < 100)
        {
            var tried = visited.Select(c => c.Route.Id.Value).ToArray();
            var next = Tables.Next(table, turn.Value, tried, visited.Count(c => c.Tier != Tier.Up));
            if (next.IsNone)
                break;
            next.IfSome(visited.Add);
        }

        return visited;
    }

    private static IEnumerable<int> AllOf(RoutingTable table) =>
        table.Up.Concat(table.Cooling).Concat(table.Down).Select(route => route.Id.Value);

    private static int FirstChoice(RoutingTable table, ulong turn) =>
        Tables.Next(table, turn, [], 0).Match(c => c.Route.Id.Value, () => -1);
}
