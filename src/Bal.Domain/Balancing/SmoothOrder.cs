namespace Bal.Domain.Balancing;

/// <summary>
/// The order in which weighted backends take turns. A backend of weight w among a sum of W is due every W / w turns:
/// its k-th turn may not come before k * W / w, and should come before (k + 1) * W / w. At each turn, of those that
/// may come the one that is due first does. So each gets exactly its weight in every run of W turns, and none gets
/// more turns in a row than it must.
/// </summary>
internal static class SmoothOrder
{
    /// <summary>The longest order that is made, 1 MiB; beyond it weights are rounded to fit.</summary>
    public const int Longest = 1 << 18;

    /// <summary>The places in the order of the turns; empty where all weights are equal.</summary>
    /// <param name="weights">Each above 0.</param>
    public static int[] Of(int[] weights)
    {
        if (weights.Length == 0 || Array.TrueForAll(weights, weight => weight == weights[0]))
            return [];
        weights = Reduced(weights);
        var sum = weights.Sum();
        var order = new int[sum];
        // Turns taken, and who may come from which turn on: a list for each turn, linked by place.
        var (taken, first, next) = (new int[weights.Length], new int[sum + 1], new int[weights.Length]);
        Array.Fill(first, -1);
        for (var place = weights.Length - 1; place >= 0; place--)
            (next[place], first[0]) = (first[0], place);

        var due = new DueTurns(weights.Length);
        for (var turn = 0; turn < sum; turn++)
        {
            for (var place = first[turn]; place >= 0; place = next[place])
                due.Add(DueOf(taken[place] + 1, weights[place], place));
            var chosen = (int)(due.TakeFirst() & PlaceMask);
            order[turn] = chosen;
            taken[chosen]++;
            if (taken[chosen] == weights[chosen])
                continue;
            var from = (int)Math.Max(
                turn + 1, (((long)taken[chosen] * sum) + weights[chosen] - 1) / weights[chosen]);
            (next[chosen], first[from]) = (first[from], chosen);
        }

        return order;
    }

    // The same shares in smaller numbers.
    private static int[] Reduced(int[] weights)
    {
        var common = weights.Aggregate(0, Gcd);
        var sum = weights.Sum(weight => (long)weight / common);
        return sum <= Longest
            ? [.. weights.Select(weight => weight / common)]
            : [.. weights.Select(weight => (int)Math.Max(1, weight / common * (long)(Longest / 2) / sum))];
    }

    /// <summary>The greatest number that divides both; the other where one is zero.</summary>
    public static int Gcd(int a, int b) => b == 0 ? a : Gcd(b, a % b);

    private const long PlaceMask = (1 << 20) - 1;

    // When a turn is due: at turn / weight of the whole, and ties go by place. Two that differ do so by 1 / (Longest *
    // Longest) at least, which 40 bits tell apart.
    private static long DueOf(int turn, int weight, int place) => ((((long)turn << 40) / weight) << 20) | (long)place;

    // A binary heap of numbers. PriorityQueue takes twice as long here, and a table is made while clients wait for it.
    private struct DueTurns(int most)
    {
        private readonly long[] heap = new long[most];
        private int count;

        public void Add(long due)
        {
            var at = count++;
            for (int above; at > 0 && heap[above = (at - 1) / 2] > due; at = above)
                heap[at] = heap[above];
            heap[at] = due;
        }

        public long TakeFirst()
        {
            var (first, last) = (heap[0], heap[--count]);
            var at = 0;
            for (int below; (below = (2 * at) + 1) < count; at = below)
            {
                if (below + 1 < count && heap[below + 1] < heap[below])
                    below++;
                if (heap[below] >= last)
                    break;
                heap[at] = heap[below];
            }

            heap[at] = last;
            return first;
        }
    }
}
