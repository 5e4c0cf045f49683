using Bal.Infrastructure.Linux;

namespace Bal.Infrastructure.Process;

/// <summary>
/// By which path this program was started. /proc/self/exe would name the file behind every symbolic link, and
/// "(deleted)" once it was replaced; what is to be started again is what is at the operator's path then.
/// </summary>
internal static class ProgramPath
{
    private static readonly Lazy<string?> Found = new(Find);

    /// <summary>To be called early: it depends on the current directory and on the file that is there.</summary>
    public static void Remember() => _ = Found.Value;

    /// <summary>An absolute path; null where none is known.</summary>
    public static string? Value => Found.Value;

    /// <summary>The program with its arguments. Under 'dotnet bal.dll' the program is the runtime's host, which needs
    /// to be told the assembly.</summary>
    public static List<string> CommandLine(string program, IEnumerable<string> arguments)
    {
        var hosted = Path.GetFileNameWithoutExtension(program) == "dotnet";
        string[] head = hosted ? [program, Path.GetFullPath(Environment.GetCommandLineArgs()[0])] : [program];
        return [.. head, .. arguments];
    }

    private static string? Find()
    {
        var running = Environment.ProcessPath;
        if (FileFacts.Of("/proc/self/exe", follow: true) is not { } own) return running;
        return Candidates()
            .FirstOrDefault(path => FileFacts.Of(path, follow: true) is { } there && there.IsSameFile(own))
            ?? running;
    }

    private static IEnumerable<string> Candidates()
    {
        if (FirstArgument() is not { Length: > 0 } given) return [];
        if (given.Contains('/', StringComparison.Ordinal)) return [Path.GetFullPath(given)];
        return (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Select(directory => Path.GetFullPath(Path.Combine(directory, given)));
    }

    private static string? FirstArgument()
    {
        try
        {
            return File.ReadAllText("/proc/self/cmdline").Split('\0')[0];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
