namespace Bal.Infrastructure.Process;

/// <summary>Where the lines of a process go, as /proc tells.</summary>
/// <param name="IsFile">Whether it has that file open; false where that cannot be seen.</param>
/// <param name="Unit">The unit of systemd that it belongs to; empty where there is none.</param>
/// <param name="IsUserUnit">Whether it is a unit of a user's own manager.</param>
public sealed record LogPlace(bool IsFile, string Unit, bool IsUserUnit)
{
    /// <summary>The command that shows them, where they go to the journal.</summary>
    public string? Journalctl => Unit.Length == 0 ? null
        : $"journalctl {(IsUserUnit ? "--user " : "")}-u {Unit}";

    /// <summary>Of a process, with the log that it may write.</summary>
    public static LogPlace Of(int pid, string log)
    {
        var group = Read($"/proc/{pid}/cgroup").Split('\n').FirstOrDefault(line =>
            line.StartsWith("0::", StringComparison.Ordinal)) ?? "";
        var unit = group.Split('/').LastOrDefault(part => part.EndsWith(".service", StringComparison.Ordinal)) ?? "";
        return new(
            HasOpen(pid, log),
            unit.StartsWith("user@", StringComparison.Ordinal) ? "" : unit,
            group.Contains("/user@", StringComparison.Ordinal));
    }

    private static bool HasOpen(int pid, string log)
    {
        try
        {
            return Directory.EnumerateFileSystemEntries($"/proc/{pid}/fd")
                .Any(fd => new FileInfo(fd).LinkTarget == log);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static string Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
