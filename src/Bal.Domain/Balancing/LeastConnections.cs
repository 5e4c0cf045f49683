using LanguageExt;

namespace Bal.Domain.Balancing;

/// <summary>
/// The backend with the fewest connections for its weight, (connections + 1) / weight; of equals the one whose turn it
/// is.
/// </summary>
internal sealed class LeastConnections(Tier tier, Arr<Route> routes) : Picker(tier, routes)
{
    public override int Choose(Attempt attempt)
    {
        if (Routes.IsEmpty)
            return -1;
        var (best, bestLoad) = (-1, 0L);
        var place = (int)(attempt.Turn % (ulong)Routes.Count);
        for (var step = 0; step < Routes.Count; step++, place = place + 1 < Routes.Count ? place + 1 : 0)
        {
            if (Skips(place, attempt))
                continue;
            var load = attempt.Load?.Invoke(Tier, place) ?? 0;
            if (best < 0 || IsLess(load, Routes[place], bestLoad, Routes[best]))
                (best, bestLoad) = (place, load);
        }

        return best;
    }

    /// <summary>Whether one has fewer connections for its weight than the other.</summary>
    public static bool IsLess(long load, Route route, long otherLoad, Route other) =>
        (load + 1) * other.Weight < (otherLoad + 1) * route.Weight;
}
