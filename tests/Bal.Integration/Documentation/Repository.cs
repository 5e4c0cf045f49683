using System.Text.RegularExpressions;

namespace Bal.Integration.Documentation;

/// <summary>The working tree that these tests were built in.</summary>
internal static partial class Repository
{
    public static string Root()
    {
        var at = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(at.FullName, "Bal.sln")))
            at = at.Parent ?? throw new InvalidOperationException("not inside the repository");
        return at.FullName;
    }

    public static string At(params string[] path) => Path.Combine([Root(), .. path]);

    /// <summary>Every test as <c>Class.Method</c>, of the projects under <paramref name="folder"/>.</summary>
    public static HashSet<string> TestsOf(params string[] folder) =>
        Sources(folder).SelectMany(file => MethodsOf(File.ReadAllText(file))).ToHashSet();

    public static IEnumerable<string> Sources(params string[] folder) =>
        Directory.EnumerateFiles(Path.Combine([Root(), .. folder]), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal));

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

    [GeneratedRegex(@"\bclass (?<type>\w+)|public (?:async )?(?:void|Task|Property) (?<method>\w+)\(")]
    private static partial Regex Declared();
}
