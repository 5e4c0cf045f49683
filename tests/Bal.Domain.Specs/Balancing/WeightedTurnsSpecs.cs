using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.Specs.Generators;
using FsCheck.Xunit;
using LanguageExt;

namespace Bal.Domain.Specs.Balancing;

/// <summary>
/// Round robin with weights: exact shares over every run of as many clients as the weights sum to, and no backend gets
/// more clients in a row than in the smooth order of nginx.
/// </summary>
public class WeightedTurnsSpecs
{
    [Property]
    public void Every_run_of_the_sum_of_the_weights_gives_each_backend_its_weight(byte[] given, ushort start)
    {
        var weights = Weights(given);
        var selector = Selector.Of(Tables.Weighing(Method.RoundRobin, weights), Option<Selector>.None);
        var got = new int[weights.Length];
        for (var i = 0; i < weights.Sum(); i++)
            got[Choice(selector, (ulong)start + (ulong)i)]++;

        Assert.Equal(weights, got);
    }

    [Property]
    public void No_backend_gets_more_clients_in_a_row_than_in_the_order_of_nginx(byte[] given)
    {
        var weights = Weights(given);
        var order = SmoothOrder.Of(weights);
        if (order.Length == 0)
            return;

        var (own, theirs) = (LongestRuns(order, weights.Length), LongestRuns(OfNginx(weights), weights.Length));
        Assert.All(own.Zip(theirs), pair => Assert.InRange(pair.Item1, 0, pair.Item2));
    }

    [Property]
    public void A_common_factor_of_the_weights_changes_nothing(byte[] given, byte factor)
    {
        var weights = Weights(given);
        Assert.Equal(
            SmoothOrder.Of(weights), SmoothOrder.Of([.. weights.Select(weight => weight * (1 + (factor % 5)))]));
    }

    [Fact]
    public void The_order_has_a_limit_and_shares_stay_close_beyond_it()
    {
        var weights = Enumerable.Range(0, 20_000).Select(i => 1 + (i % 256)).ToArray();
        var order = SmoothOrder.Of(weights);

        Assert.InRange(order.Length, weights.Length, SmoothOrder.Longest);
        var heavy = order.Count(place => weights[place] == 256);
        var due = order.Length * (256.0 * weights.Count(weight => weight == 256) / weights.Sum());
        Assert.InRange(heavy / due, 0.8, 1.25);
    }

    [Property]
    public void The_order_is_kept_while_the_weights_are_the_same(byte[] given)
    {
        var table = Tables.Weighing(Method.RoundRobin, Weights(given));
        var before = Selector.Of(table, Option<Selector>.None);
        var after = Selector.Of(table with { Protection = true }, before);
        for (var turn = 0UL; turn < 50; turn++)
            Assert.Equal(Choice(before, turn), Choice(after, turn));
    }

    private static int[] Weights(byte[] given) => [.. given.Take(6).Append((byte)3).Select(b => 1 + (b % 20))];

    private static int Choice(Selector selector, ulong turn) =>
        selector.Next(new Attempt(turn, [], 0)).Match(c => c.Place, () => -1);

    // http/ngx_http_upstream_round_robin.c: the one with the most credit, which then pays the sum.
    private static int[] OfNginx(int[] weights)
    {
        var (credit, sum) = (new int[weights.Length], weights.Sum());
        return [.. Enumerable.Range(0, sum).Select(_ =>
        {
            var best = 0;
            for (var i = 0; i < weights.Length; i++)
            {
                credit[i] += weights[i];
                if (credit[i] > credit[best])
                    best = i;
            }

            credit[best] -= sum;
            return best;
        })];
    }

    // Around the end as well, since the order is repeated.
    private static int[] LongestRuns(int[] order, int backends)
    {
        var (longest, run) = (new int[backends], 0);
        for (var i = 0; i < 2 * order.Length; i++)
        {
            var place = order[i % order.Length];
            run = i > 0 && order[(i - 1) % order.Length] == place ? run + 1 : 1;
            longest[place] = Math.Max(longest[place], run);
        }

        return longest;
    }
}
