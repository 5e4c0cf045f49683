using Bal.Domain.Backend;
using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Primitives;
using Bal.Domain.Specs.Generators;
using FsCheck;
using FsCheck.Xunit;
using LanguageExt;

namespace Bal.Domain.Specs.Control;

/// <summary>
/// <c>slow_start_ms</c>: a backend that is up again gets a tenth of its share first, and all of it at the end of a
/// straight line; how much it has is a function of the time alone.
/// </summary>
[Properties(Arbitrary = [typeof(Values), typeof(Configs), typeof(Scenarios)])]
public class SlowStartSpecs
{
    private const int Over = 90_000;

    [Property]
    public void The_share_is_never_further_from_the_line_than_one_step(uint since, PositiveInt overMs, uint afterMs)
    {
        // Nine steps of at least a millisecond.
        var over = new Duration(8 + overMs.Get);
        var after = afterMs % (2 * over.Milliseconds);
        var start = SlowStart.Begin(over, new(since)).IfNone(Impossible);

        var share = TenthsAt(start, new(since + after)) / 10.0;
        var line = 0.1 + (0.9 * Math.Min(1, after / (double)over.Milliseconds));

        Assert.InRange(share, line - 0.1 - 1e-9, line + 0.1 + 1e-9);
        if (after == 0)
            Assert.Equal(0.1, share);
        if (after >= over.Milliseconds)
            Assert.Equal(1, share);
    }

    [Property]
    public void The_share_never_falls_and_changes_exactly_when_it_says(uint since, PositiveInt overMs)
    {
        var over = new Duration(overMs.Get);
        for (var start = SlowStart.Begin(over, new(since)); start.IsSome;)
        {
            var now = start.IfNone(Impossible);
            var just = new Instant(now.NextAt.Milliseconds - 1);
            Assert.True(now.NextAt.Milliseconds <= now.EndsAt.Milliseconds);
            Assert.True(now.EndsAt.Milliseconds <= since + over.Milliseconds + 1);
            Assert.Equal(now, now.At(just));
            Assert.True(TenthsAt(now, now.NextAt) > now.Tenths);
            start = now.At(now.NextAt);
        }
    }

    [Property]
    public void All_steps_of_a_time_are_taken_together(NonEmptyArray<ushort> since, PositiveInt overMs)
    {
        var over = new Duration(overMs.Get);
        var steps = since.Get.SelectMany(at => StepsOf(SlowStart.Begin(over, new(at)))).Distinct().ToArray();
        var longest = since.Get.Max() - since.Get.Min() + (long)overMs.Get;

        // However many there are: what one backend takes, and more only for the time between the first and the last.
        Assert.InRange(steps.Length, 1, 2 + (longest / Math.Max(1, overMs.Get / 9)));
    }

    [Property]
    public void Who_comes_back_starts_slowly_and_the_clock_alone_says_how_far_it_is(Scenario scenario)
    {
        var since = new Dictionary<BackendId, Instant>();
        Life.Of(scenario, o =>
        {
            if (o.Before.Phase is Phase.Ended)
                return;
            var before = o.Before.Backends().ToDictionary(b => b.Id);
            foreach (var backend in o.After.State.Backends().Where(b => !b.Draining))
            {
                // Whoever has all of it by the time of before has it, whatever a reload makes of that time.
                var was = before.GetValueOrDefault(backend.Id);
                if (was is { Draining: false } && Tenths(backend.Id, o.Before, o.Now) == 10)
                    since.Remove(backend.Id);
                if (!backend.Health.Up)
                    since.Remove(backend.Id);
                else if (was is { Health.Up: false })
                    since[backend.Id] = o.Now;

                Assert.Equal(Tenths(backend.Id, o.After.State, o.Now), backend.Tenths);
                if (backend.Tenths == 10)
                    since.Remove(backend.Id);
            }
        });

        int Tenths(BackendId id, ControlState state, Instant now) => since.TryGetValue(id, out var at)
            ? NaiveTenths(
                at.Milliseconds, state.ServiceOf(id.Value).Config.SlowStart.Milliseconds, now.Milliseconds)
            : 10;
    }

    [Property]
    public void At_the_start_and_when_it_is_added_a_backend_has_all_of_its_share(Scenario scenario) =>
        Life.Of(scenario, o =>
        {
            var known = o.Before.Backends().Select(b => b.Id).ToHashSet();
            Assert.All(
                o.After.State.Backends().Where(b => !known.Contains(b.Id)), b => Assert.True(b.SlowStart.IsNone));
            if (o.Before.ConfigVersion == 1)
                Assert.All(o.Before.Backends().Where(b => b.History.LastOutage.IsNone), b =>
                    Assert.True(b.SlowStart.IsNone));
        });

    [Property]
    public void Its_share_of_the_turns_is_exactly_what_the_line_says_and_the_others_share_by_weight(
        NonEmptyArray<byte> given, uint afterMs)
    {
        var weights = Weights(given);
        var (tenths, table) = BackAt(Method.RoundRobin, weights, afterMs % (Over + 1_000));
        var selector = Selector.Of(table, Option<Selector>.None);
        var got = new long[weights.Length];
        var round = table.Up.Sum(route => route.Weight);
        for (var turn = 0; turn < round; turn++)
            got[PlaceOf(selector.Next(new Attempt((ulong)turn, [], 0)))]++;

        AssertShares(weights, tenths, got, tolerance: 0);
    }

    [Property(MaxTest = 30)]
    public void Its_share_of_the_connections_is_what_the_line_says_with_methods_that_go_by_load(
        NonEmptyArray<byte> given, uint afterMs)
    {
        foreach (var method in (Method[])[Method.LeastConnections, Method.RandomTwo])
        {
            var weights = Weights(given);
            var (tenths, table) = BackAt(method, weights, afterMs % (Over + 1_000));
            var selector = Selector.Of(table, Option<Selector>.None);
            var loads = new long[weights.Length];
            Func<Tier, int, long> load = (_, place) => loads[place];
            for (var turn = 0; turn < 20_000; turn++)
                loads[PlaceOf(selector.Next(new Attempt((ulong)turn, [], 0) { Load = load }))]++;

            AssertShares(weights, tenths, loads, tolerance: 0.05);
        }
    }

    [Property]
    public void With_source_hash_there_is_none(NonEmptyArray<byte> given, uint afterMs)
    {
        var weights = Weights(given);
        var (tenths, table) = BackAt(Method.SourceHash, weights, afterMs % (Over + 1_000));

        Assert.Equal(10, tenths);
        Assert.Equal(weights, table.Up.Map(route => route.Weight));
    }

    [Fact]
    public void Of_backends_that_are_back_together_each_has_its_weight()
    {
        var config = ConfigOf(Method.RoundRobin, [2, 4]);
        var state = Life.At(
            Life.Birth, config, Life.Tick, Life.ProbeFailed(1), Life.ProbeFailed(2), Life.ConnectsSucceeded(1, 9),
            Life.ConnectsSucceeded(2, 9));

        Assert.Equal(Prelude.Array(1, 1), state.InOrder[0].InOrder.Map(b => b.Tenths));
        Assert.Equal(Prelude.Array(1, 2), state.InOrder[0].Table.Up.Map(route => route.Weight));
    }

    [Fact]
    public void A_reload_changes_the_time_of_one_that_is_under_way_and_zero_ends_it()
    {
        var state = Back(Method.RoundRobin, [1, 1]);
        var (twice, none) = (Retimed(2 * Over), Retimed(0));
        var at = new Instant(Life.Birth.Milliseconds + (Over / 2));

        Assert.Equal(
            NaiveTenths(Life.Birth.Milliseconds, 2 * Over, at.Milliseconds), state.Then(at, twice).Backend(1).Tenths);
        Assert.True(state.Then(Life.Birth, none).Backend(1).SlowStart.IsNone);

        static ControlEvent Retimed(int over)
        {
            var config = ConfigOf(Method.RoundRobin, [1, 1]);
            var service = config.Services[0];
            return new ControlEvent.Reloaded(config with
            {
                Services = Prelude.Array(service with { Tuning = service.Tuning with { SlowStart = new(over) } }),
            });
        }
    }

    // A second way to say it: by the last multiple of a ninth, and in decimals.
    private static int NaiveTenths(long since, long over, long now)
    {
        if (over == 0)
            return 10;
        var step = Math.Max(1, over / 9);
        var last = now / step * step;
        return last <= since ? 1 : (int)Math.Min(10, 1 + Math.Ceiling(9m * (last - since) / over));
    }

    private static void AssertShares(int[] weights, int tenths, long[] got, double tolerance)
    {
        var due = weights.Select((weight, i) => weight * (i == 0 ? tenths : 10)).ToArray();
        foreach (var (share, place) in due.Select((share, i) => (share, i)))
        {
            var exact = got.Sum() * (double)share / due.Sum();
            Assert.InRange(got[place], (exact * (1 - tolerance)) - (tolerance * 60), (exact * (1 + tolerance))
                + (tolerance * 60));
        }
    }

    /// <summary>The first backend was down at birth and is up again; so long after.</summary>
    private static (int Tenths, RoutingTable Table) BackAt(Method method, int[] weights, long afterMs)
    {
        var state = Back(method, weights).Then(Life.Birth.Plus(new(afterMs)), Life.Tick);
        return (state.Backend(1).Tenths, state.InOrder[0].Table);
    }

    private static ControlState Back(Method method, int[] weights) => Life.At(
        Life.Birth, ConfigOf(method, weights), Life.Tick, Life.ProbeFailed(1), Life.ConnectsSucceeded(1, 9));

    private static BalConfig ConfigOf(Method method, int[] weights)
    {
        var service = Configs.Service(
            Tuning.For(weights.Length) with { SlowStart = new(Over) },
            [.. weights.Select((_, i) => Configs.At("10.0.0.1", 9_000 + i))]);
        return Configs.Of(service with
        {
            Method = method,
            Backends = new(service.Backends.Select((backend, i) => backend with { Weight = weights[i] })),
        });
    }

    private static int[] Weights(NonEmptyArray<byte> given) =>
        [.. given.Get.Take(5).Append((byte)4).Select(one => 1 + (one % 9))];

    private static int TenthsAt(SlowStart start, Instant now) => start.At(now).Match(s => s.Tenths, () => 10);

    private static IEnumerable<long> StepsOf(Option<SlowStart> start)
    {
        for (; start.IsSome; start = start.Bind(s => s.At(s.NextAt)))
            yield return start.IfNone(Impossible).NextAt.Milliseconds;
    }

    private static int PlaceOf(Option<Candidate> chosen) => chosen.Match(c => c.Place, () => -1);

    private static SlowStart Impossible() => throw new InvalidOperationException("it has ended");
}
