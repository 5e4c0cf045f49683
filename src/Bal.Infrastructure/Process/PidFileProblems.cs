using Bal.Domain.Messages;
using Bal.Infrastructure.Linux;

namespace Bal.Infrastructure.Process;

/// <summary>What can be wrong with a PID file, in the three lines for the operator.</summary>
internal static class PidFileProblems
{
    internal static Problem AlreadyRunning(string path, int pid) => new(
        "already_running",
        $"bal is already running ({(pid > 0 ? $"pid={pid}" : "pid unknown")}): it holds the lock on {path}",
        "an earlier 'bal start' with the same BAL_HOME has not been stopped, or is still draining",
        "run 'bal status' to look at it, 'bal stop' to end it (or to wait for the end of its drain), or set another "
        + "BAL_HOME for a second instance");

    internal static Problem RunsWithoutPidFile(string path, string socket) => new(
        "already_running",
        $"bal is already running: it answers on {socket}, although nobody held the lock on {path}",
        "the PID file was deleted while bal runs, or an upgrade has just failed",
        "wait a second until the running bal has restored the file; then run 'bal status', and 'bal stop' to end it");

    internal static Problem TakenWhileRunning(string path, int pid) => new(
        "pid_file_taken",
        $"another process{(pid > 0 ? $" (pid={pid})" : "")} holds the lock on {path}, which was removed while bal "
        + $"(pid={Environment.ProcessId}) runs: commands do not find this bal",
        "a second 'bal start' with the same BAL_HOME came after the file was deleted",
        $"end one of the two, this one with 'kill -TERM {Environment.ProcessId}'");

    internal static Problem NotAFile(string path) => new(
        "pid_file_not_a_file",
        $"{path} is not a regular file",
        "something else was created under that name",
        $"look at it with 'ls -ld {path}' and move it away");

    internal static Problem Contended(string path, int attempts) => new(
        "pid_file_contended",
        $"{path} was replaced {attempts} times while bal tried to lock it",
        "another program keeps deleting or replacing it",
        "stop that program, then start bal again");

    internal static Problem UnknownHolder(string path) => new(
        "pid_file_foreign_holder",
        $"{path} is locked by a process that is not visible from here",
        "bal is already running in another container, or on another machine that shares this directory",
        "run the command where that bal runs, or set another BAL_HOME here");

    internal static Problem CannotLock(string path, int errno) => new(
        "pid_file_lock_failed",
        $"{path} could not be locked: {Errno.Text(errno)}",
        "the file system does not support POSIX locks",
        "set BAL_HOME to a directory on a local disk");

    internal static Problem CannotWrite(string path, int errno) => new(
        "pid_file_write_failed",
        $"{path} could not be written: {Errno.Text(errno)}",
        errno is Errno.ENOSPC or Errno.EDQUOT ? "the disk or the quota is full" : "the file system refuses writes",
        errno is Errno.ENOSPC or Errno.EDQUOT
            ? $"free some space (see 'df {Directory(path)}'), then start bal again"
            : "set BAL_HOME to a directory that you can write to");

    internal static Problem CannotOpen(string path, int errno) => errno switch
    {
        Errno.ELOOP => new("pid_file_symlink", $"{path} is a symbolic link, which bal does not follow",
            "someone created the link, perhaps to have another file overwritten",
            $"look at it with 'ls -l {path}', remove it, then run the command again"),
        Errno.EISDIR => new("pid_file_not_a_file", $"{path} is a directory",
            "it was created by mistake, for example by a container's volume mount",
            $"remove it with 'rmdir {path}', then run the command again"),
        Errno.EACCES or Errno.EPERM => new("pid_file_permission", $"{path} could not be opened: {Errno.Text(errno)}",
            "it, or the directory, belongs to another user, such as root after a 'sudo bal start'",
            $"look at 'ls -la {Directory(path)}', run the command as that user, or set another BAL_HOME"),
        Errno.EROFS => new("pid_file_read_only", $"{path} could not be created: {Errno.Text(errno)}",
            "the file system is mounted read-only",
            "set BAL_HOME to a directory that you can write to"),
        Errno.ENOSPC or Errno.EDQUOT => new("pid_file_write_failed",
            $"{path} could not be created: {Errno.Text(errno)}",
            "the disk or the quota is full",
            $"free some space (see 'df {Directory(path)}'), then start bal again"),
        Errno.ENOENT or Errno.ENOTDIR => new("pid_file_no_home", $"{path} could not be created: {Errno.Text(errno)}",
            "the directory does not exist",
            $"create it with 'mkdir -p {Directory(path)}', then start bal again"),
        _ => new("pid_file_open_failed", $"{path} could not be opened: {Errno.Text(errno)}",
            "the system refused it",
            $"look at 'ls -la {Directory(path)}', or set another BAL_HOME"),
    };

    private static string Directory(string path) => Path.GetDirectoryName(path) ?? "/";
}
