using System.Text.RegularExpressions;

namespace Bal.Integration.Documentation;

/// <summary>docs/reliability.md promises a test for every case; a promise that nobody keeps is found here.</summary>
public sealed partial class ReliabilityTableTests
{
    [Fact]
    public void Every_test_that_the_table_names_exists()
    {
        var methods = Repository.TestsOf("tests");
        var named = Named().Matches(File.ReadAllText(Repository.At("docs", "reliability.md")))
            .Select(match => match.Groups[1].Value)
            .ToArray();

        Assert.NotEmpty(named);
        Assert.All(named, name => Assert.Contains(name, methods));
    }

    [Fact]
    public void Every_case_of_the_table_names_a_test()
    {
        var rows = File.ReadLines(Repository.At("docs", "reliability.md"))
            .Where(line => line.StartsWith("| ", StringComparison.Ordinal) && line != "| case | expected | test |")
            .ToArray();

        Assert.NotEmpty(rows);
        Assert.All(rows, row => Assert.EndsWith("` |", row, StringComparison.Ordinal));
    }

    [GeneratedRegex(@"`([A-Za-z0-9]+\.[A-Z][A-Za-z0-9]*_[A-Za-z0-9_]*)`")]
    private static partial Regex Named();
}
