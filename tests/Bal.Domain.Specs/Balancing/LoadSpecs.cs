using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.Specs.Generators;
using FsCheck;
using FsCheck.Xunit;
using LanguageExt;

namespace Bal.Domain.Specs.Balancing;

/// <summary>The methods that go by open connections: <c>least_connections</c> and <c>random_two</c>.</summary>
public class LoadSpecs
{
    [Property]
    public void Least_connections_takes_none_that_another_untried_one_beats(
        NonEmptyArray<(byte Load, byte Weight)> given, ulong turn, byte[] others)
    {
        var (loads, weights) = (Loads(given), Weights(given));
        var tried = others.Select(id => 1 + (id % (loads.Length + 1))).ToArray();
        var chosen = Chosen(Method.LeastConnections, weights, loads, turn, tried);

        var left = Enumerable.Range(0, loads.Length).Where(place => !tried.Contains(place + 1)).ToArray();
        Assert.Equal(left.Length > 0, chosen >= 0);
        Assert.All(left, place => Assert.True(
            (loads[chosen] + 1) * weights[place] <= (loads[place] + 1) * weights[chosen],
            $"{place} has less for its weight than {chosen}"));
    }

    [Property]
    public void Equals_take_turns(PositiveInt backends, uint start)
    {
        var count = 1 + (backends.Get % 20);
        var (weights, loads) = (Enumerable.Repeat(1, count).ToArray(), new long[count]);
        var got = Enumerable.Range(0, count)
            .Select(i => Chosen(Method.LeastConnections, weights, loads, start + (ulong)i, [])).ToArray();

        Assert.Equal(count, got.Distinct().Count());
    }

    [Property]
    public void Random_two_never_takes_the_worst_of_three_or_more(PositiveInt seed)
    {
        // One backend has far more than all others: whoever it is drawn with is better.
        var count = 2 + (seed.Get % 20);
        var loads = Enumerable.Range(0, count).Select(place => place == 0 ? 1_000L : place).ToArray();
        var weights = Enumerable.Repeat(1, count).ToArray();

        for (var turn = 0UL; turn < 100; turn++)
            Assert.NotEqual(0, Chosen(Method.RandomTwo, weights, loads, turn + (ulong)seed.Get, []));
    }

    [Property]
    public void Random_two_draws_the_same_for_the_same_turn(NonEmptyArray<(byte Load, byte Weight)> given, ulong turn)
    {
        var (loads, weights) = (Loads(given), Weights(given));
        Assert.Equal(
            Chosen(Method.RandomTwo, weights, loads, turn, []), Chosen(Method.RandomTwo, weights, loads, turn, []));
    }

    [Property]
    public void Random_two_finds_every_backend_that_is_left(NonEmptyArray<(byte Load, byte Weight)> given, ulong turn)
    {
        var (loads, weights) = (Loads(given), Weights(given));
        var tried = new List<int>();
        for (var place = Chosen(Method.RandomTwo, weights, loads, turn, []); place >= 0;
            place = Chosen(Method.RandomTwo, weights, loads, turn, [.. tried]))
        {
            Assert.DoesNotContain(place + 1, tried);
            tried.Add(place + 1);
        }

        Assert.Equal(loads.Length, tried.Count);
    }

    [Property(MaxTest = 50)]
    public void The_most_loaded_of_many_is_within_the_theory_of_two_choices(uint start, byte size)
    {
        // With as many clients as backends the fullest has ln ln n / ln 2 + O(1), and with more of them no more than
        // that above the average, however many they are (Berenbrink and others, Balanced Allocations: The Heavily
        // Loaded Case, 2000). FsCheck prints the turn that a failing run began with.
        var backends = 16 + (4 * size);
        var theory = Math.Log(Math.Log(backends)) / Math.Log(2);
        var (two, one) = (new long[backends], new long[backends]);
        var selector = Selector.Of(
            Tables.Weighing(Method.RandomTwo, [.. Enumerable.Repeat(1, backends)]), Option<Selector>.None);
        for (var turn = 0; turn < 16 * backends; turn++)
        {
            two[Chosen(selector, two, start + (ulong)turn, [])]++;
            one[Hash.Mix(start + (ulong)turn) % (ulong)backends]++;
            if (turn == backends - 1)
                Assert.InRange(two.Max(), 2, theory + 3);
        }

        Assert.InRange(two.Max() - 16, 0, theory + 3);
        // One choice alone is worse by far: sqrt(2 * 16 * ln n) above the average.
        Assert.True(one.Max() - 16 > two.Max() - 16, $"{one.Max()} with one choice, {two.Max()} with two");
    }

    [Fact]
    public void Weights_are_shares_where_connections_stay_open()
    {
        int[] weights = [1, 2, 5];
        foreach (var method in (Method[])[Method.LeastConnections, Method.RandomTwo])
        {
            var loads = new long[weights.Length];
            var selector = Selector.Of(Tables.Weighing(method, weights), Option<Selector>.None);
            for (var turn = 0UL; turn < 8_000; turn++)
                loads[Chosen(selector, loads, turn, [])]++;

            Assert.All(loads.Zip(weights), pair =>
                Assert.InRange(pair.Item1, (pair.Item2 * 1_000) - 20, (pair.Item2 * 1_000) + 20));
        }
    }

    private static long[] Loads(NonEmptyArray<(byte Load, byte Weight)> given) =>
        [.. given.Get.Take(30).Select(one => (long)one.Load)];

    private static int[] Weights(NonEmptyArray<(byte Load, byte Weight)> given) =>
        [.. given.Get.Take(30).Select(one => 1 + one.Weight)];

    private static int Chosen(Method method, int[] weights, long[] loads, ulong turn, int[] tried) =>
        Chosen(Selector.Of(Tables.Weighing(method, weights), Option<Selector>.None), loads, turn, tried);

    private static int Chosen(Selector selector, long[] loads, ulong turn, int[] tried) => selector
        .Next(new Attempt(turn, tried, 0) { Load = (_, place) => loads[place] }).Match(c => c.Place, () => -1);
}
