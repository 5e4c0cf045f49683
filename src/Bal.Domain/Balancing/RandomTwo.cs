using LanguageExt;

namespace Bal.Domain.Balancing;

/// <summary>
/// Two different backends are drawn by weight, and the one with fewer connections for its weight is taken: nearly as
/// even as <see cref="LeastConnections"/> at a cost that does not grow with the number of backends (M. Mitzenmacher,
/// The Power of Two Choices in Randomized Load Balancing, 2001). The draw is a function of the client's turn and of
/// how many it has tried, so that a replay draws the same.
/// </summary>
internal sealed class RandomTwo : Picker
{
    // Draws before the rest is looked through in order: only a client that has tried most backends needs them.
    private const int MostDraws = 8;

    // The sum of the weights up to and including each place.
    private readonly long[] sums;

    public RandomTwo(Tier tier, Arr<Route> routes) : base(tier, routes)
    {
        sums = new long[routes.Count];
        var sum = 0L;
        for (var i = 0; i < sums.Length; i++)
            sums[i] = sum += routes[i].Weight;
    }

    public override int Choose(Attempt attempt)
    {
        if (sums.Length <= 1)
            return FirstUntried(0, attempt);
        var seed = attempt.Turn + ((ulong)attempt.Tried.Length << 48);
        for (var draw = 0UL; draw < MostDraws; draw++)
        {
            var one = Draw(Hash.Mix(seed ^ Hash.Mix(2 * draw)), -1);
            var two = Draw(Hash.Mix(seed ^ Hash.Mix((2 * draw) + 1)), one);
            var (first, second) = (!Skips(one, attempt), !Skips(two, attempt));
            if (first && second)
                return LeastConnections.IsLess(LoadOf(two, attempt), Routes[two], LoadOf(one, attempt), Routes[one])
                    ? two : one;
            if (first || second)
                return first ? one : two;
        }

        return FirstUntried((int)(attempt.Turn % (ulong)sums.Length), attempt);
    }

    private long LoadOf(int place, Attempt attempt) => attempt.Load?.Invoke(Tier, place) ?? 0;

    // A place drawn by weight from all but one.
    private int Draw(ulong random, int without)
    {
        var (before, width) = without < 0
            ? (long.MaxValue, 0L)
            : (sums[without] - Routes[without].Weight, (long)Routes[without].Weight);
        var at = (long)Math.BigMul(random, (ulong)(sums[^1] - width), out _);
        if (at >= before)
            at += width;
        var place = Array.BinarySearch(sums, at + 1);
        return place >= 0 ? place : ~place;
    }
}
