using System.Text.Json;
using System.Text.RegularExpressions;

namespace Bal.Integration.Documentation;

/// <summary>
/// docs/specification.md says which property caught which broken rule. Breaking them all takes half an hour
/// (scripts/mutate.py); that the list still fits the code and the page is found here.
/// </summary>
public sealed partial class BrokenRulesTests
{
    private static readonly string[] Specs = ["tests", "Bal.Domain.Specs"];

    private static readonly BrokenRule[] Rules = JsonSerializer.Deserialize<BrokenRule[]>(
        File.ReadAllText(Repository.At([.. Specs, "broken-rules.json"])), JsonSerializerOptions.Web)!;

    [Fact]
    public void The_text_of_every_rule_stands_in_its_file_exactly_once() => Assert.All(Rules, rule =>
        Assert.Equal(1, Count(rule.Old, File.ReadAllText(Repository.At("src", "Bal.Domain", $"{rule.File}.cs")))));

    [Fact]
    public void Every_rule_is_caught_by_a_property_that_exists()
    {
        var properties = Repository.TestsOf(Specs);

        Assert.All(Rules, rule => Assert.NotEmpty(rule.CaughtBy));
        Assert.All(Rules.SelectMany(rule => rule.CaughtBy), name => Assert.Contains(name, properties));
    }

    [Fact]
    public void No_two_rules_have_one_name() => Assert.Distinct(Rules.Select(rule => rule.Rule));

    [Fact]
    public void The_page_tells_the_rules_of_the_list_in_its_order_and_how_many_they_are()
    {
        var page = File.ReadAllText(Repository.At("docs", "specification.md"));

        Assert.Equal(
            Rules.Select(rule => $"{rule.Rule} | {rule.File.Split('/')[^1]} | {string.Join("; ", rule.CaughtBy)}"),
            Row().Matches(page).Select(row => $"{row.Groups[1].Value} | {row.Groups[2].Value} | {row.Groups[3].Value}"));
        Assert.Contains($"\n{Rules.Length} of {Rules.Length} are caught.\n", page, StringComparison.Ordinal);
    }

    [Fact]
    public void The_page_says_what_every_file_of_specifications_is_read_for()
    {
        var page = File.ReadAllText(Repository.At("docs", "specification.md"));
        var files = Repository.Sources(Specs).Select(Path.GetFileNameWithoutExtension)
            .Where(name => name!.EndsWith("Specs", StringComparison.Ordinal))
            .ToArray();

        Assert.NotEmpty(files);
        Assert.All(files, name => Assert.Matches($@"(?m)^\| .*\b{name}`.* \| .+ \|$", page));
    }

    private static int Count(string part, string text) => text.Split(part).Length - 1;

    [GeneratedRegex(@"^\| (.+?) \| (\w+): .+ \| (\w+Specs\..+) \|$", RegexOptions.Multiline)]
    private static partial Regex Row();

    private sealed record BrokenRule(string Rule, string File, string Old, string New, string[] CaughtBy);
}
