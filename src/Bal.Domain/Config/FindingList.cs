using Bal.Domain.Messages;
using LanguageExt;

namespace Bal.Domain.Config;

/// <summary>Findings as they are reported: in the order of the file, and bounded.</summary>
internal static class FindingList
{
    /// <summary>How many findings are reported one by one; the rest is only counted.</summary>
    public const int MaxReported = 100;

    /// <summary>
    /// Sorts by position and replaces what exceeds <see cref="MaxReported"/> by one finding that counts it.
    /// </summary>
    public static Arr<Finding> Of(IEnumerable<Finding> findings)
    {
        var sorted = findings.OrderBy(f => f.At.Line).ThenBy(f => f.At.Column).ToList();
        if (sorted.Count <= MaxReported)
            return new Arr<Finding>(sorted);
        var rest = sorted.Skip(MaxReported).ToList();
        var worst = rest.Any(f => f.Severity == Severity.Error) ? Severity.Error : Severity.Warning;
        var more = new Finding(worst, "more_findings", "", rest[0].At,
            $"and {rest.Count} more problems from here on", "fix those above first, then check again");
        return new Arr<Finding>(sorted.Take(MaxReported).Append(more));
    }
}
