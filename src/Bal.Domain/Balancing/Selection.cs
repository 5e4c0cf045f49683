using LanguageExt;

namespace Bal.Domain.Balancing;

/// <summary>A backend to try next.</summary>
/// <param name="Route">The backend.</param>
/// <param name="Tier">How good a candidate it is.</param>
/// <param name="Place">Its place among the routes of that tier.</param>
public readonly record struct Candidate(Route Route, Tier Tier, int Place);

/// <summary>Chooses the backend of a client, and after a failure the next one. Allocates nothing.</summary>
public static class Selection
{
    /// <summary>
    /// Round robin over the backends that are up; then, as a last resort, over those that cool down, then over those
    /// that are down. None when all have been tried, or when the last-resort tries are used up.
    /// </summary>
    /// <param name="table">The table as it is now, not as it was when the client came: state may have changed since.</param>
    /// <param name="turn">The client's number in the one sequence of the process.</param>
    /// <param name="tried">The identities this client has tried.</param>
    /// <param name="lastResorts">How many of those were last resorts when chosen.</param>
    public static Option<Candidate> Next(RoutingTable table, ulong turn, ReadOnlySpan<int> tried, int lastResorts)
    {
        var up = FirstUntried(table.Up, Tier.Up, turn, tried);
        if (up.IsSome || (table.Protection && lastResorts >= 1))
            return up;

        var cooling = FirstUntried(table.Cooling, Tier.Cooling, turn, tried);
        return cooling.IsSome ? cooling : FirstUntried(table.Down, Tier.Down, turn, tried);
    }

    private static Option<Candidate> FirstUntried(Arr<Route> routes, Tier tier, ulong turn, ReadOnlySpan<int> tried)
    {
        var count = routes.Count;
        if (count == 0)
            return Option<Candidate>.None;

        var first = (int)(turn % (ulong)count);
        for (var step = 0; step < count; step++)
        {
            var place = first + step < count ? first + step : first + step - count;
            var route = routes[place];
            if (tried.IndexOf(route.Id.Value) < 0)
                return Option<Candidate>.Some(new Candidate(route, tier, place));
        }

        return Option<Candidate>.None;
    }
}
