namespace Bal.EndToEnd.Harness;

/// <summary>The program under test: <c>BAL_BINARY</c>, else <c>dist/bal</c> of this repository.</summary>
internal static class BalBinary
{
    private static readonly Lazy<string> Found = new(Find);

    /// <summary>Its absolute path. Where there is none every test fails: a suite that skips proves nothing.</summary>
    public static string Path => Found.Value;

    private static string Find()
    {
        if (Environment.GetEnvironmentVariable("BAL_BINARY") is { Length: > 0 } named)
        {
            return File.Exists(named)
                ? System.IO.Path.GetFullPath(named)
                : throw new InvalidOperationException($"BAL_BINARY is {named}, and there is no such file");
        }

        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (!File.Exists(System.IO.Path.Combine(at.FullName, "Bal.sln")))
                continue;
            var built = System.IO.Path.Combine(at.FullName, "dist", "bal");
            return File.Exists(built)
                ? built
                : throw new InvalidOperationException($"no {built}: run scripts/publish.sh, or set BAL_BINARY");
        }

        throw new InvalidOperationException("not inside the repository: set BAL_BINARY to the program to test");
    }
}
