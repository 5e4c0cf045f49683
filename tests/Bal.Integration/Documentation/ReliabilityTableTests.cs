using System.Text.RegularExpressions;
using Bal.Domain.Messages;

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
            .Where(line => line.StartsWith("| ", StringComparison.Ordinal)
                && !line.StartsWith("| what happens |", StringComparison.Ordinal)
                && !line.StartsWith("| facility |", StringComparison.Ordinal) && !Refused().IsMatch(line))
            .ToArray();

        Assert.NotEmpty(rows);
        Assert.All(rows, row => Assert.EndsWith("` |", row, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_facility_that_bal_does_without_has_its_row()
    {
        var rows = Refused().Matches(File.ReadAllText(Repository.At("docs", "reliability.md")))
            .Select(match => match.Groups[1].Value).ToArray();

        Assert.All(Enum.GetValues<Facility>(), facility => Assert.Contains(FacilityText.NameOf(facility), rows));
    }

    // One test for all of them compares them with its own rows (RefusedFacilityTests).
    [GeneratedRegex(@"^\| `([a-z0-9_]+)` \|", RegexOptions.Multiline)]
    private static partial Regex Refused();

    [GeneratedRegex(@"`([A-Za-z0-9]+\.[A-Z][A-Za-z0-9]*_[A-Za-z0-9_]*)`")]
    private static partial Regex Named();
}
