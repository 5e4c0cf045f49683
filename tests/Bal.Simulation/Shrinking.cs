using Bal.Domain.Simulation;

namespace Bal.Simulation;

/// <summary>
/// Makes the world of a seed that fails as small as it still fails in the same way. A roll of the dice depends on the
/// seed and on what it is for, so what is taken away changes nothing of the rest.
/// </summary>
internal static class Shrinking
{
    /// <summary>Runs at most: each takes some milliseconds, and the last ones take away little.</summary>
    public const int MaxTries = 400;

    /// <summary>
    /// The smallest trial found that breaks the same invariant; the trial itself where it breaks none.
    /// </summary>
    public static Trial Smallest(Trial failed)
    {
        var (best, tries) = (failed, 0);
        // Each success begins again with the largest steps: what has gone may have kept something else.
        while (Smaller(best.World).TakeWhile(_ => tries++ < MaxTries).Select(best.Again).FirstOrDefault(best.FailsLike)
            is { } smaller)
            best = smaller;
        return best;
    }

    /// <summary>Halves of the events first, then single ones, then less time and fewer clients.</summary>
    private static IEnumerable<SeededWorld> Smaller(SeededWorld world)
    {
        var scenario = world.Scenario;
        for (var size = (scenario.Events.Count + 1) / 2; size >= 1; size = size == 1 ? 0 : (size + 1) / 2)
        {
            for (var from = 0; from < scenario.Events.Count; from += size)
            {
                var gone = Math.Min(size, scenario.Events.Count - from);
                yield return world with
                {
                    Scenario = scenario with { Events = scenario.Events.RemoveRange(from, gone) },
                };
            }
        }

        for (var i = 0; i < scenario.Clients.Count; i++)
        {
            if (scenario.Clients[i].Retries > 0)
                yield return With(world, i, scenario.Clients[i] with { Retries = 0 });
        }

        foreach (var length in Halves(scenario.Length.Milliseconds).Where(ms => ms >= End(scenario)))
            yield return world with { Scenario = scenario with { Length = new Duration(length) } };
        for (var i = 0; i < scenario.Clients.Count; i++)
        {
            foreach (var rate in Halves(scenario.Clients[i].Rate.PerThousandSeconds))
                yield return With(world, i, scenario.Clients[i] with { Rate = new ClientRate(rate) });
        }
    }

    private static SeededWorld With(SeededWorld world, int stream, ClientLoad load) => world with
    {
        Scenario = world.Scenario with { Clients = world.Scenario.Clients.SetItem(stream, load) },
    };

    // A drain takes up to 30 s, and a run that ends before would fail for that alone.
    private static long End(Scenario scenario) => scenario.Events
        .Select(e => e.At.Milliseconds + (e.Do is ScenarioAction.Stop ? 31_000 : 1)).DefaultIfEmpty(1).Max();

    // Half of it first, then three quarters, and so on.
    private static IEnumerable<long> Halves(long value)
    {
        for (var less = value - value / 2; less > 0; less /= 2)
            yield return value - less;
    }
}
