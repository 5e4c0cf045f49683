using System.Text.RegularExpressions;

namespace Bal.Integration.Documentation;

/// <summary>docs/reliability.md promises a test for every case; a promise that nobody keeps is found here.</summary>
public sealed partial class ReliabilityTableTests
{
    [Fact]
    public void Every_test_that_the_table_names_exists()
    {
        var root = Root();
        var methods = Directory.EnumerateFiles(Path.Combine(root, "tests"), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal))
            .SelectMany(file => MethodsOf(File.ReadAllText(file)))
            .ToHashSet();
        var named = Named().Matches(File.ReadAllText(Path.Combine(root, "docs", "reliability.md")))
            .Select(match => match.Groups[1].Value)
            .ToArray();

        Assert.NotEmpty(named);
        Assert.All(named, name => Assert.Contains(name, methods));
    }

    [Fact]
    public void Every_case_of_the_table_names_a_test()
    {
        var rows = File.ReadLines(Path.Combine(Root(), "docs", "reliability.md"))
            .Where(line => line.StartsWith("| ", StringComparison.Ordinal) && line != "| case | expected | test |")
            .ToArray();

        Assert.NotEmpty(rows);
        Assert.All(rows, row => Assert.EndsWith("` |", row, StringComparison.Ordinal));
    }

    // A file may hold several classes: each method belongs to the last one that begins before it.
    private static IEnumerable<string> MethodsOf(string source)
    {
        var type = "";
        foreach (Match match in Declared().Matches(source))
        {
            if (match.Groups["type"].Success)
                type = match.Groups["type"].Value;
            else
                yield return $"{type}.{match.Groups["method"].Value}";
        }
    }

    private static string Root()
    {
        var at = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(at.FullName, "Bal.sln")))
            at = at.Parent ?? throw new InvalidOperationException("not inside the repository");
        return at.FullName;
    }

    [GeneratedRegex(@"`([A-Za-z0-9]+\.[A-Z][A-Za-z0-9]*_[A-Za-z0-9_]*)`")]
    private static partial Regex Named();

    [GeneratedRegex(@"\bclass (?<type>\w+)|public (?:async )?(?:void|Task|Property) (?<method>\w+)\(")]
    private static partial Regex Declared();
}
