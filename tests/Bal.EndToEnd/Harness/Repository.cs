namespace Bal.EndToEnd.Harness;

/// <summary>The sources that this was built from.</summary>
internal static class Repository
{
    /// <summary>The directory of the solution.</summary>
    public static string Root { get; } = Find();

    private static string Find()
    {
        var at = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(at!.FullName, "Bal.sln")))
            at = at.Parent ?? throw new InvalidOperationException("not inside the repository");
        return at.FullName;
    }
}
