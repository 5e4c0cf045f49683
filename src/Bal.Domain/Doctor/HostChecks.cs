using Bal.Domain.Messages;

namespace Bal.Domain.Doctor;

/// <summary>The user, the directory and the log file that bal works with.</summary>
public static class HostChecks
{
    /// <summary>Below this much free space the log is about to lose lines.</summary>
    public const long LeastFreeBytes = 64L << 20;

    private const int WritableByGroup = 0b010_000;
    private const int WritableByAll = 0b000_010;

    /// <summary>
    /// The directory BAL_HOME; 0755, as mkdir makes it, is accepted (docs/behaviour.md, Files). What would keep this
    /// user from starting is not a fault while the daemon runs: another user may be looking, such as a monitor or root.
    /// </summary>
    public static DoctorCheck Home(HomeFact home, long effectiveUserId, bool running) => home.Match(
        missing: m => m.Creatable
            ? DoctorCheck.Ok(CheckName.Home, $"{m.Path} does not exist yet; start creates it")
            : DoctorCheck.Critical(CheckName.Home, new Problem(
                "home_not_creatable",
                $"{m.Path} does not exist and this user may not create it",
                "BAL_HOME or HOME points into a directory of another user",
                $"run 'sudo install -d -m 0700 -o \"$(id -un)\" {Quoted(m.Path)}', or set another BAL_HOME")),
        notDirectory: n => DoctorCheck.Critical(CheckName.Home, new Problem(
            "home_not_directory",
            $"{n.Path} is not a directory",
            "BAL_HOME names a file, or a file exists where the directory should be",
            $"move {Quoted(n.Path)} away, or set BAL_HOME to a directory")),
        present: p =>
            (p.Mode & WritableByAll) != 0 && (running || p.Owner == effectiveUserId) ? Open(p, running)
            : !running && p.Owner != effectiveUserId ? DoctorCheck.Critical(
                CheckName.Home, Foreign(p, effectiveUserId))
            : (p.Mode & WritableByGroup) != 0 ? DoctorCheck.Warn(CheckName.Home, TooOpen(p, "its group"))
            : running ? DoctorCheck.Ok(CheckName.Home, $"{p.Path} is used by the daemon (mode {Octal(p.Mode)})")
            : !p.Writable ? DoctorCheck.Critical(CheckName.Home, NotWritable(p))
            : DoctorCheck.Ok(CheckName.Home, $"{p.Path} is writable (mode {Octal(p.Mode)})"));

    /// <summary>What lies where the control socket has to be.</summary>
    public static DoctorCheck Socket(string path) => DoctorCheck.Critical(CheckName.Control, new Problem(
        "control_socket_blocked",
        $"{path} is a directory, and bal needs that name for its control socket",
        "it was created by mistake, for example by a container's volume mount",
        $"remove it with 'rmdir {Quoted(path)}'"));

    /// <summary>Running as root is reported, but is not a fault.</summary>
    public static DoctorCheck User(long effectiveUserId) => effectiveUserId == 0
        ? DoctorCheck.OkWithNote(
            CheckName.User,
            "running as root",
            "bal does not need root: a dedicated user is safer, with CAP_NET_BIND_SERVICE for ports below 1024")
        : DoctorCheck.Ok(CheckName.User, $"running as user {effectiveUserId}");

    /// <summary>
    /// The log file: a start refuses one that it cannot open; later a sink that fails costs lines, never connections.
    /// </summary>
    public static DoctorCheck Log(LogFact log, bool running) => log.State switch
    {
        LogState.NotWritable when !running => DoctorCheck.Critical(CheckName.Log, new Problem(
            "log_not_writable",
            $"{log.Path} is not writable by this user",
            "it was created by another user, for example by a start with sudo",
            $"run 'sudo chown \"$(id -un)\" {Quoted(log.Path)}'")),
        LogState.NotRegular => Fault(running, new Problem(
            "log_not_regular",
            $"{log.Path} is not a regular file, so bal refuses to write to it",
            "a symbolic link or a directory was put there by hand",
            $"run 'ls -ld {Quoted(log.Path)}', then remove it or move it away")),
        _ => log.FreeBytes.Filter(free => free < LeastFreeBytes).Match(
            Some: free => Fault(running || free > 0, new Problem(
                "disk_nearly_full",
                $"the file system of {log.Path} has {free >> 20} MiB left",
                "logs or other data have filled it",
                $"free some space; 'df -h {Quoted(log.Path)}' shows the file system")),
            None: () => DoctorCheck.Ok(
                CheckName.Log,
                log.State switch
                {
                    LogState.Absent => $"{log.Path} does not exist yet",
                    LogState.Writable => $"{log.Path} is writable",
                    _ => $"{log.Path} is written by the daemon",
                })),
    };

    private static DoctorCheck Fault(bool bearable, Problem problem) => bearable
        ? DoctorCheck.Warn(CheckName.Log, problem)
        : DoctorCheck.Critical(CheckName.Log, problem);

    private static Problem NotWritable(HomeFact.Present home) => new(
        "home_not_writable",
        $"{home.Path} is not writable by its owner (mode {Octal(home.Mode)})",
        "its permissions were changed, or the file system is mounted read-only",
        $"run 'chmod 0700 {Quoted(home.Path)}'; if that fails, set BAL_HOME to another directory");

    private static Problem Foreign(HomeFact.Present home, long effectiveUserId) => new(
        "home_foreign",
        $"{home.Path} belongs to user {home.Owner}, and bal would run as user {effectiveUserId}",
        "bal once ran with sudo, or BAL_HOME belongs to another user",
        home.Writable
            ? $"set BAL_HOME={Quoted(home.Path.TrimEnd('/'))}/bal, which start creates for this user"
            : "run bal as the owner of the directory, or set BAL_HOME to a directory of your own");

    /// <summary>A start refuses such a directory, so it is critical unless the daemon is running already.</summary>
    private static DoctorCheck Open(HomeFact.Present home, bool running) => running
        ? DoctorCheck.Warn(CheckName.Home, TooOpen(home, "everybody"))
        : DoctorCheck.Critical(CheckName.Home, TooOpen(home, "everybody"));

    private static Problem TooOpen(HomeFact.Present home, string whom) => new(
        "home_too_open",
        $"{home.Path} is writable by {whom} (mode {Octal(home.Mode)}), so the files of bal can be replaced",
        "it was made with a permissive umask or chmod, or it is a shared directory such as /tmp",
        $"run 'chmod 0700 {Quoted(home.Path)}', or set BAL_HOME to a directory of its own");

    private static string Octal(int mode) => Convert.ToString(mode, 8).PadLeft(4, '0');

    private static string Quoted(string path) =>
        path.All(c => char.IsAsciiLetterOrDigit(c) || "/._-+".Contains(c, StringComparison.Ordinal))
            ? path
            : $"'{path.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
