using LanguageExt;

namespace Bal.Domain.Primitives;

/// <summary>"Did you mean": the known word that a mistyped one is nearest to.</summary>
public static class Nearest
{
    /// <summary>
    /// Longer words get no suggestion: nobody mistypes a key by that much, and the work stays bounded.
    /// </summary>
    public const int MaxLength = 64;

    /// <summary>
    /// The candidate nearest to <paramref name="word"/>; none if all of them are too far away to be meant. Case,
    /// hyphens
    /// and underscores do not count; a word that one candidate alone starts with, or continues, is near as well.
    /// </summary>
    public static Option<string> To(string word, Arr<string> candidates)
    {
        if (word.Length is 0 or > MaxLength)
            return Option<string>.None;
        var typed = Simplify(word);
        var best = candidates
            .Select(candidate => new Scored(candidate, Distance(typed, Simplify(candidate))))
            .OrderBy(scored => scored.Distance)
            .FirstOrDefault();
        return best is not null && best.Distance <= Tolerance(typed.Length, Simplify(best.Word).Length)
            ? Option<string>.Some(best.Word)
            : ByStart(typed, candidates);
    }

    /// <summary>
    /// The optimal string alignment distance: how many insertions, deletions, replacements and swaps of neighbours turn
    /// one word into the other. Of longer words only the first <see cref="MaxLength"/> characters count.
    /// </summary>
    public static int Distance(string left, string right)
    {
        var (a, b) = (Cut(left), Cut(right));
        var cost = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
            cost[i, 0] = i;
        for (var j = 0; j <= b.Length; j++)
            cost[0, j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            for (var j = 1; j <= b.Length; j++)
            {
                var replaced = cost[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                cost[i, j] = Math.Min(replaced, 1 + Math.Min(cost[i - 1, j], cost[i, j - 1]));
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    cost[i, j] = Math.Min(cost[i, j], 1 + cost[i - 2, j - 2]);
            }
        }
        return cost[a.Length, b.Length];
    }

    // One slip in a short word, one in three characters of a long one: beyond that a suggestion misleads.
    private static int Tolerance(int typed, int meant) => Math.Max(1, Math.Min(typed, meant) / 3);

    private static Option<string> ByStart(string typed, Arr<string> candidates)
    {
        var near = candidates
            .Where(candidate => Simplify(candidate) is var known && typed.Length >= 3 && known.Length >= 3
                && (known.StartsWith(typed, StringComparison.Ordinal)
                    || typed.StartsWith(known, StringComparison.Ordinal)))
            .ToList();
        return near.Count == 1 ? Option<string>.Some(near[0]) : Option<string>.None;
    }

    private static string Simplify(string word) =>
        word.ToLowerInvariant().Replace("-", "", StringComparison.Ordinal).Replace("_", "", StringComparison.Ordinal);

    private static string Cut(string word) => word.Length <= MaxLength ? word : word[..MaxLength];

    private sealed record Scored(string Word, int Distance);
}
