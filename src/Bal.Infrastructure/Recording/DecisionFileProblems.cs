using Bal.Domain.Messages;
using Bal.Infrastructure.Linux;

namespace Bal.Infrastructure.Recording;

/// <summary>Why decisions are not recorded; bal keeps serving.</summary>
internal static class DecisionFileProblems
{
    internal static Problem NotOpened(string path, int errno) => new(
        "decision_log_failed",
        $"the decision log {path} could not be opened, so decisions are not recorded: {Reason(errno)}",
        Cause(errno),
        $"look at it with 'ls -ld {path}', or name another file as decision_log, then run 'bal graceful'");

    internal static Problem NotRegular(string path) => new(
        "decision_log_failed",
        $"the decision log {path} is not a regular file, so decisions are not recorded",
        "decision_log names a directory, a device or a pipe",
        "name a file as decision_log, then run 'bal graceful'");

    internal static Problem Foreign(string path) => new(
        "decision_log_foreign",
        $"{path} contains something other than decisions, so nothing is recorded in it",
        "decision_log names a file that has another purpose",
        "name another file as decision_log, then run 'bal graceful'");

    internal static Problem Own(string path) => new(
        "decision_log_foreign",
        $"{path} is a file that bal itself writes, so nothing is recorded in it",
        "decision_log names the PID file, the control socket or the log",
        "name another file as decision_log, then run 'bal graceful'");

    internal static Problem InUse(string path, int holder) => new(
        "decision_log_in_use",
        holder > 0
            ? $"the decision log {path} is being written by process {holder}, so decisions are not recorded"
            : $"the decision log {path} is being written by another process, so decisions are not recorded",
        "two instances of bal use the same file",
        "name another file as decision_log in one of them, then run 'bal graceful'");

    internal static Problem NotWritten(string path, int errno) => new(
        "decision_log_failed",
        $"the decision log {path} could not be written, so decisions are not recorded: {Reason(errno)}",
        Cause(errno),
        "free some space; recording resumes by itself, from a new checkpoint");

    private static string Reason(int errno) => errno == Errno.ELOOP ? "it is a symbolic link" : Errno.Text(errno);

    private static string Cause(int errno) => errno switch
    {
        Errno.ELOOP => "someone created the link, perhaps to have another file overwritten",
        Errno.EACCES or Errno.EPERM => "it belongs to another user, or its directory does",
        Errno.ENOSPC or Errno.EDQUOT => "the disk or the quota is full",
        Errno.ENOENT or Errno.ENOTDIR => "its directory does not exist",
        Errno.EISDIR => "a directory has that name",
        _ => "the file system is read-only or damaged",
    };
}
