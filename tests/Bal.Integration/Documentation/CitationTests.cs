using System.Text.RegularExpressions;

namespace Bal.Integration.Documentation;

/// <summary>
/// Comments refer to a page of docs/ by file and heading, as in "docs/behaviour.md, Health". Both must exist, and so
/// must every file that a page links to.
/// </summary>
public sealed partial class CitationTests
{
    [Fact]
    public void Every_heading_cited_in_a_source_exists()
    {
        var cited = (from source in Repository.AllSources()
                     from Match match in Cited().Matches(Flat(File.ReadAllText(Repository.At(source))))
                     select (source, page: match.Groups["page"].Value, heading: match.Groups["heading"].Value))
                         .ToList();

        Assert.Contains(cited, citation => citation.page == "behaviour.md");
        Assert.Empty(cited.Where(citation => !HeadingsOf(citation.page).Contains(citation.heading))
            .Select(citation => $"{citation.source} cites docs/{citation.page}, {citation.heading}"));
    }

    [Fact]
    public void Every_file_that_a_page_links_to_exists()
    {
        var broken = from page in Pages()
                     from Match match in Linked().Matches(File.ReadAllText(page))
                     let target = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(page)!, match.Groups[1].Value))
                     where !File.Exists(target) && !Directory.Exists(target)
                     select $"{Path.GetRelativePath(Repository.Root(), page)} links to {match.Groups[1].Value}";

        Assert.Empty(broken);
    }

    [Fact]
    public void The_specification_names_every_class_of_properties_and_no_other()
    {
        var named = NamedSpecs().Matches(File.ReadAllText(Repository.At("docs", "specification.md")))
            .Select(match => match.Value).Distinct().Order(StringComparer.Ordinal);
        var there = Repository.Sources("tests", "Bal.Domain.Specs")
            .Select(file => Path.GetFileNameWithoutExtension(file))
            .Where(name => name.EndsWith("Specs", StringComparison.Ordinal)).Distinct().Order(StringComparer.Ordinal);

        Assert.Equal(there, named);
    }

    // A citation may be broken over two lines of a comment.
    private static string Flat(string source) => LineEnd().Replace(source, " ");

    private static string[] HeadingsOf(string page) =>
        Repository.At("docs", page) is var path && File.Exists(path)
            ? [.. File.ReadLines(path).Where(line => line.StartsWith('#')).Select(line => line.TrimStart('#').Trim())]
            : [];

    private static IEnumerable<string> Pages() =>
        Directory.EnumerateFiles(Repository.Root(), "*.md")
            .Concat(Directory.EnumerateFiles(Repository.At("docs"), "*.md"));

    [GeneratedRegex(@"docs/(?<page>[a-z-]+\.md), (?<heading>[A-Z][A-Za-z -]*[A-Za-z])")]
    private static partial Regex Cited();

    [GeneratedRegex(@"\b[A-Z]\w+Specs\b(?!\.)")]
    private static partial Regex NamedSpecs();

    [GeneratedRegex(@"\]\((?![a-z]+:)([^)#\s]+)[^)]*\)")]
    private static partial Regex Linked();

    [GeneratedRegex(@"\s*\n\s*(///?|\(\*|\*)?\s*")]
    private static partial Regex LineEnd();
}
