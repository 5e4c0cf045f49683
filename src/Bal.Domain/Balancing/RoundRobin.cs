using LanguageExt;

namespace Bal.Domain.Balancing;

/// <summary>
/// Each client has a number in one sequence of its service, and that number chooses where it begins; from there on it
/// goes round until it finds a backend that it has not tried.
/// </summary>
internal static class RoundRobin
{
    /// <summary>
    /// The place of the backend to try among <paramref name="routes"/>; negative where all have been tried.
    /// </summary>
    public static int Choose(Arr<Route> routes, ulong turn, ReadOnlySpan<int> tried)
    {
        var count = routes.Count;
        if (count == 0)
            return -1;

        var first = (int)(turn % (ulong)count);
        for (var step = 0; step < count; step++)
        {
            var place = first + step < count ? first + step : first + step - count;
            if (tried.IndexOf(routes[place].Id.Value) < 0)
                return place;
        }

        return -1;
    }
}
