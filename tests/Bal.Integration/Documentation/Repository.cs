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
            .Where(file => !IsOutput(file));

    /// <summary>Every source in C# or F#, relative to the root.</summary>
    public static IEnumerable<string> AllSources() =>
        from folder in new[] { "src", "tests", "bench", "sample" }
        from file in Directory.EnumerateFiles(At(folder), "*.*", SearchOption.AllDirectories)
        where Path.GetExtension(file) is ".cs" or ".fs" or ".fsx" && !IsOutput(file)
        orderby file
        select Path.GetRelativePath(Root(), file);

    private static bool IsOutput(string file) =>
        file.Contains("/obj/", StringComparison.Ordinal) || file.Contains("/bin/", StringComparison.Ordinal);

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
