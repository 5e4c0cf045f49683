using System.Text;
using Bal.Domain.Messages;

namespace Bal.Fuzz;

/// <summary>What is claimed of every finding about a file.</summary>
internal static class FindingClaims
{
    private const int LongestText = 1_000;

    /// <summary>It stands inside the text, is short, and cannot steer the terminal.</summary>
    internal static void IsUseful(Finding finding, IReadOnlyList<int> lines)
    {
        Claim.That(finding.At.Line >= 1 && finding.At.Line <= lines.Count
            && finding.At.Column >= 1 && finding.At.Column <= lines[finding.At.Line - 1] + 1,
            () => $"{finding.Code} stands at {finding.At.Line}:{finding.At.Column}, outside the text");
        foreach (var text in (string[])[finding.Code, finding.Path, finding.Message, finding.Hint])
        {
            Claim.That(text.Length <= LongestText, () => $"{finding.Code} says {text.Length} characters");
            Claim.That(Terminal.IsHarmless(text), () => $"{finding.Code} can steer the terminal");
        }
    }

    /// <summary>How long each line is. A line ends as YAML has it: CR, LF, CRLF, and the breaks of Unicode.</summary>
    internal static IReadOnlyList<int> LengthsOfLines(byte[] bytes)
    {
        var lengths = new List<int>();
        foreach (var line in Encoding.UTF8.GetString(bytes).AsSpan().EnumerateLines())
            lengths.Add(line.Length);
        return lengths;
    }
}
