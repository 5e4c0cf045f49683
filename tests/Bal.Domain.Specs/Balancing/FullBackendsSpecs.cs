using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.Specs.Generators;
using FsCheck.Xunit;
using LanguageExt;

namespace Bal.Domain.Specs.Balancing;

/// <summary>
/// Backends with max_connections: one that is full is passed over as if it had been tried, and a client for which every
/// usable one is full waits, in place of being sent to one that is down.
/// </summary>
[Properties(Arbitrary = [typeof(Values), typeof(Tables)])]
public sealed class FullBackendsSpecs
{
    // The draws of random_two depend on how many have been tried, so it is compared by what it may choose alone.
    private static readonly Method[] AsIfTried = [Method.RoundRobin, Method.LeastConnections, Method.SourceHash];

    [Property]
    public void One_that_is_full_is_passed_over_as_if_it_had_been_tried(
        RoutingTable table, Turn turn, int full, int others)
    {
        foreach (var method in AsIfTried)
        {
            var selector = SelectorOf(table, method);
            var tried = Some(table, others);
            var chosen = selector.Next(With(table, turn, tried, full));
            if (chosen.IsNone || chosen.Exists(c => c.Tier == Tier.Down))
                continue;
            var asIfTried = tried.Union(Some(table, full)).ToArray();
            Assert.Equal(selector.Next(new Attempt(turn.Value, asIfTried, 0) { Source = turn.Value }), chosen);
        }
    }

    [Property]
    public void A_client_waits_exactly_while_every_usable_backend_left_to_it_is_full(
        RoutingTable table, Turn turn, int full, int others)
    {
        foreach (var method in Enum.GetValues<Method>())
        {
            var (selector, tried, taken) = (SelectorOf(table, method), Some(table, others), Some(table, full));
            var left = table.Up.Append(table.Cooling).Map(route => route.Id.Value)
                .Filter(id => !tried.Contains(id)).ToArray();
            var attempt = With(table, turn, tried, full);

            var chosen = selector.Next(attempt);

            Assert.Equal(left.Length > 0, selector.AwaitsRoom(attempt));
            Assert.Equal(left.Length > 0 && left.All(taken.Contains), chosen.IsNone && selector.AwaitsRoom(attempt));
            chosen.IfSome(c =>
            {
                Assert.DoesNotContain(c.Route.Id.Value, taken);
                Assert.DoesNotContain(c.Route.Id.Value, tried);
                Assert.True(c.Tier != Tier.Down || left.Length == 0);
            });
        }
    }

    [Property]
    public void Protection_mode_leaves_no_cooling_backend_to_wait_for_once_its_last_resort_is_used(
        RoutingTable table, Turn turn)
    {
        var attempt = new Attempt(turn.Value, [], lastResorts: 1) { IsFull = (_, _) => true };

        Assert.Equal(
            table.Up.Count > 0 || (table.Cooling.Count > 0 && !table.Protection),
            SelectorOf(table, Method.RoundRobin).AwaitsRoom(attempt));
    }

    [Property]
    public void Nobody_waits_where_no_backend_has_a_limit(RoutingTable table, Turn turn) =>
        Assert.False(SelectorOf(table, Method.RoundRobin).AwaitsRoom(new Attempt(turn.Value, [], 0)));

    private static Selector SelectorOf(RoutingTable table, Method method) =>
        Selector.Of(Tables.Choosing(table, method) with { Protection = table.Protection }, Option<Selector>.None);

    // Some of the backends, as the bits of a number.
    private static int[] Some(RoutingTable table, int bits) =>
        [.. table.Up.Append(table.Cooling).Append(table.Down).Map(r => r.Id.Value).Filter(id => (bits >> id & 1) != 0)];

    private static Attempt With(RoutingTable table, Turn turn, int[] tried, int full) => new(turn.Value, tried, 0)
    {
        Source = turn.Value,
        IsFull = (tier, place) => (full >> (tier switch
        {
            Tier.Up => table.Up,
            Tier.Cooling => table.Cooling,
            _ => table.Down,
        })[place].Id.Value & 1) != 0,
    };
}
