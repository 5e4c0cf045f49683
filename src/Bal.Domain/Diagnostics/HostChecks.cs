namespace Bal.Domain.Diagnostics;

/// <summary>The user, the directory and the log file that bal works with.</summary>
public static class HostChecks
{
    /// <summary>Below this much free space the log is about to lose lines.</summary>
    public const long LeastFreeBytes = 64L << 20;

    private const int WritableByOthers = 0b010_010;

    /// <summary>The directory BAL_HOME; 0755, as mkdir makes it, is accepted (contract, section 2).</summary>
    public static DoctorCheck Home(HomeFact home) => home.Match(
        missing: m => m.Creatable
            ? DoctorCheck.Ok(CheckName.Home, $"{m.Path} does not exist yet; start creates it")
            : DoctorCheck.Critical(CheckName.Home, new Problem(
                "home_not_creatable",
                $"{m.Path} does not exist and this user may not create it",
                "BAL_HOME or HOME points into a directory of another user",
                $"run 'sudo install -d -m 0700 -o \"$(id -un)\" {Quoted(m.Path)}', or set BAL_HOME to another place")),
        notDirectory: n => DoctorCheck.Critical(CheckName.Home, new Problem(
            "home_not_directory",
            $"{n.Path} is no directory",
            "BAL_HOME names a file, or a file was put where the directory belongs",
            $"move {Quoted(n.Path)} away, or set BAL_HOME to a directory")),
        present: p => !p.Writable ? NotWritable(p)
            : (p.Mode & WritableByOthers) != 0 ? Open(p)
            : DoctorCheck.Ok(CheckName.Home, $"{p.Path} is writable (mode {Octal(p.Mode)})"));

    /// <summary>Running as root is said, and no fault.</summary>
    public static DoctorCheck User(long effectiveUserId) => effectiveUserId == 0
        ? DoctorCheck.OkWithNote(
            CheckName.User,
            "running as root",
            "bal needs no root: a user of its own is safer, with CAP_NET_BIND_SERVICE for ports below 1024")
        : DoctorCheck.Ok(CheckName.User, $"running as user {effectiveUserId}");

    /// <summary>The log file; a sink that fails costs lines, never connections, so it only warns.</summary>
    public static DoctorCheck Log(LogFact log) => log.State switch
    {
        LogState.NotWritable => DoctorCheck.Warn(CheckName.Log, new Problem(
            "log_not_writable",
            $"{log.Path} may not be written by this user",
            "it was made by another user, for example by a start with sudo",
            $"run 'sudo chown \"$(id -un)\" {Quoted(log.Path)}'")),
        LogState.NotRegular => DoctorCheck.Warn(CheckName.Log, new Problem(
            "log_not_regular",
            $"{log.Path} is no regular file, so bal refuses to write to it",
            "a symbolic link or a directory was put there by hand",
            $"run 'ls -ld {Quoted(log.Path)}', then remove it or move it away")),
        _ => log.FreeBytes.Filter(free => free < LeastFreeBytes).Match(
            Some: free => DoctorCheck.Warn(CheckName.Log, new Problem(
                "disk_nearly_full",
                $"the file system of {log.Path} has {free >> 20} MiB left",
                "logs or other data have filled it",
                $"free some space; 'df -h {Quoted(log.Path)}' shows the file system")),
            None: () => DoctorCheck.Ok(
                CheckName.Log,
                log.State == LogState.Absent ? $"{log.Path} does not exist yet" : $"{log.Path} is writable")),
    };

    private static DoctorCheck NotWritable(HomeFact.Present home) =>
        DoctorCheck.Critical(CheckName.Home, new Problem(
            "home_not_writable",
            $"{home.Path} may not be written by this user (mode {Octal(home.Mode)})",
            "it belongs to another user, for example because bal once ran with sudo",
            $"run 'sudo chown -R \"$(id -un)\" {Quoted(home.Path)} && chmod 0700 {Quoted(home.Path)}'"));

    private static DoctorCheck Open(HomeFact.Present home) =>
        DoctorCheck.Warn(CheckName.Home, new Problem(
            "home_too_open",
            $"{home.Path} may be written by other users (mode {Octal(home.Mode)})",
            "it was made with a permissive umask or chmod",
            $"run 'chmod 0700 {Quoted(home.Path)}'"));

    private static string Octal(int mode) => Convert.ToString(mode, 8).PadLeft(4, '0');

    private static string Quoted(string path) =>
        path.All(c => char.IsAsciiLetterOrDigit(c) || "/._-+".Contains(c, StringComparison.Ordinal))
            ? path
            : $"'{path.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
