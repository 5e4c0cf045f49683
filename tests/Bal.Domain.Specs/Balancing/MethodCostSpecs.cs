using System.Diagnostics;
using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.Specs.Generators;
using FsCheck;
using FsCheck.Xunit;
using LanguageExt;
using Xunit.Abstractions;

namespace Bal.Domain.Specs.Balancing;

/// <summary>What publication and choice cost, told apart from what a busy machine makes of it.</summary>
public class MethodCostSpecs(ITestOutputHelper output)
{
    private const int Many = 1_000;

    [Property]
    public void The_order_of_the_turns_is_kept_while_no_weight_changes(NonEmptyArray<byte> given, bool protection)
    {
        var table = Tables.Weighing(
            Method.RoundRobin, [.. given.Get.Take(9).Append((byte)3).Append((byte)5).Select(b => 1 + (b % 9))]);
        var before = RoundRobin.Of(Tier.Up, table.Up, Option<Picker>.None);
        var same = table.Up.Map(route => route with { WantsSuccess = protection });
        var other = same.SetItem(0, same[0] with { Weight = same[0].Weight + 10 });

        Assert.Same(before.Order, RoundRobin.Of(Tier.Up, same, Option<Picker>.Some(before)).Order);
        Assert.NotSame(before.Order, RoundRobin.Of(Tier.Up, other, Option<Picker>.Some(before)).Order);
    }

    [Fact]
    public void An_order_of_turns_is_no_longer_than_the_smallest_numbers_with_these_shares()
    {
        // A slow start among 1,000 equal backends: a one and 999 tens have no common factor; a two and tens have.
        Assert.Empty(SmoothOrder.Of([.. Enumerable.Repeat(7, Many)]));
        Assert.Equal((10 * (Many - 1)) + 1, SmoothOrder.Of([1, .. Enumerable.Repeat(10, Many - 1)]).Length);
        Assert.Equal((5 * (Many - 1)) + 1, SmoothOrder.Of([2, .. Enumerable.Repeat(10, Many - 1)]).Length);
    }

    [Fact]
    public void Whoever_has_tried_them_all_finds_that_out_without_a_long_search()
    {
        // Four backends: a search through 65,537 slots or 262,144 turns takes thousands of times as long as a look at
        // each of them. The shortest of many is what the machine needs when nobody disturbs it.
        int[] all = [1, 2, 3, 4];
        foreach (var method in Enum.GetValues<Method>())
        {
            var selector = Selector.Of(Tables.Weighing(method, 1, 2, 200, 255), Option<Selector>.None);
            var (tried, first) = (Shortest(selector, all), Shortest(selector, []));

            output.WriteLine($"{Words.Of(method)}: {tried} ticks with all tried, {first} for a first choice");
            Assert.InRange(tried, 0, 100 * Math.Max(first, Stopwatch.Frequency / 10_000_000));
        }
    }

    [Fact]
    public void Tables_of_a_thousand_backends_are_built_in_milliseconds()
    {
        // The promise is 10 ms of a machine that mixes a million numbers in 4 ms. Both are measured by turns, so that
        // what else the machine has to do, and how fast it is, makes no difference.
        var shapes = new (string Name, int[] Weights)[]
        {
            ("equal weights", [.. Enumerable.Repeat(1, Many)]),
            ("weights 1 to 10", [.. Enumerable.Range(0, Many).Select(i => 1 + (i % 10))]),
            ("weights 1 to 256", [.. Enumerable.Range(0, Many).Select(i => 1 + (i % 256))]),
            ("one starts slowly", [1, .. Enumerable.Repeat(10, Many - 1)]),
        };
        foreach (var method in Enum.GetValues<Method>())
        {
            foreach (var (name, weights) in shapes)
            {
                var table = Tables.Weighing(method, weights);
                var (shortest, yardstick) = (double.MaxValue, double.MaxValue);
                for (var round = 0; round < 7; round++)
                {
                    yardstick = Math.Min(yardstick, Took(() => MixAMillion()));
                    shortest = Math.Min(shortest, Took(() => Selector.Of(table, Option<Selector>.None)));
                }

                output.WriteLine($"{Words.Of(method)}, {name}: {shortest:0.00} ms; a yardstick is {yardstick:0.00} ms");
                Assert.InRange(shortest, 0, 10 * yardstick);
            }
        }
    }

    private static double Took<T>(Func<T> work)
    {
        var clock = Stopwatch.StartNew();
        _ = work();
        return clock.Elapsed.TotalMilliseconds;
    }

    private static ulong MixAMillion()
    {
        var sum = 0UL;
        for (var i = 0UL; i < 1_000_000; i++)
            sum += Hash.Mix(i ^ sum);
        return sum;
    }

    // The shortest of many batches of choices, in ticks a choice.
    private static long Shortest(Selector selector, int[] tried)
    {
        const int Batch = 64;
        var shortest = long.MaxValue;
        for (var i = 0; i < 200; i++)
        {
            var from = Stopwatch.GetTimestamp();
            for (var turn = 0UL; turn < Batch; turn++)
                _ = selector.Next(new Attempt(turn, tried, 0) { Source = Hash.Mix(turn), Load = Load });
            shortest = Math.Min(shortest, (Stopwatch.GetTimestamp() - from) / Batch);
        }

        return shortest;
    }

    private static readonly Func<Tier, int, long> Load = (_, place) => place;
}
