using Bal.Domain.Config;
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
    /// The service's method chooses among the backends that are up; then, as a last resort, among those that cool down,
    /// then among those that are down. None when all have been tried, or when the last-resort tries are used up.
    /// </summary>
    /// <param name="table">
    /// The table as it is now, not as it was when the client came: state may have changed since.
    /// </param>
    /// <param name="turn">The client's number in the one sequence of its service.</param>
    /// <param name="tried">The identities this client has tried.</param>
    /// <param name="lastResorts">How many of those were last resorts when chosen.</param>
    public static Option<Candidate> Next(RoutingTable table, ulong turn, ReadOnlySpan<int> tried, int lastResorts)
    {
        var up = Choose(table, table.Up, Tier.Up, turn, tried);
        if (up.IsSome || (table.Protection && lastResorts >= 1))
            return up;

        var cooling = Choose(table, table.Cooling, Tier.Cooling, turn, tried);
        return cooling.IsSome ? cooling : Choose(table, table.Down, Tier.Down, turn, tried);
    }

    // Every method: its word stands in Method, its rule in a file of its own.
    private static Option<Candidate> Choose(
        RoutingTable table, Arr<Route> routes, Tier tier, ulong turn, ReadOnlySpan<int> tried)
    {
        var place = table.Service.Method switch
        {
            Method.RoundRobin => RoundRobin.Choose(routes, turn, tried),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
        return place < 0
            ? Option<Candidate>.None
            : Option<Candidate>.Some(new Candidate(routes[place], tier, place));
    }
}
