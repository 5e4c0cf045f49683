using Bal.Domain.Messages;
using Bal.Infrastructure.Linux;
using LanguageExt;

namespace Bal.Infrastructure.Process;

/// <summary>
/// A running bal, held by a pidfd (pidfd_open(2)): whatever becomes of its process id, a signal reaches this process
/// or none.
/// </summary>
public sealed class RunningProcess : IDisposable
{
    /// <summary>The code of the problem that nobody holds the lock.</summary>
    public const string NotRunningCode = "not_running";

    private const int Attempts = 8;
    private readonly int _pidfd;

    private RunningProcess(int pid, int pidfd) => (Pid, _pidfd) = (pid, pidfd);

    /// <summary>Its process id.</summary>
    public int Pid { get; }

    /// <summary>Whether it is stopped at this moment, by SIGSTOP or the terminal (proc(5)).</summary>
    public bool IsPaused => ProcessState.Of(Pid) == 'T';

    /// <summary>Finds the process that holds the lock of a PID file.</summary>
    /// <returns>A problem, code <c>not_running</c> with the words "not running" where nobody does.</returns>
    public static Either<Problem, RunningProcess> Find(string pidFile)
    {
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var state = PidFile.Inspect(pidFile);
            if (state is PidFileState.Unreadable unreadable) return unreadable.Problem;
            if (state is not PidFileState.Held held) return NotRunning(pidFile, state);
            var pidfd = Libc.OpenPidfd(held.Pid);
            if (pidfd < 0 && Errno.Last == Errno.ESRCH) continue;
            if (pidfd < 0) return NoPidfd(held.Pid, Errno.Last);
            // Only if the same pid still has the lock, the pidfd was opened on the holder and not on its successor.
            if (PidFile.Inspect(pidFile) is PidFileState.Held again && again.Pid == held.Pid)
                return new RunningProcess(held.Pid, pidfd);
            _ = Libc.close(pidfd);
        }
        return NotRunning(pidFile, new PidFileState.Missing());
    }

    /// <summary>A process that has said its number itself, over the control socket.</summary>
    public static Either<Problem, RunningProcess> Of(int pid) =>
        pid > 0 && Libc.OpenPidfd(pid) is >= 0 and var pidfd
            ? new RunningProcess(pid, pidfd)
            : NoPidfd(pid, Errno.Last);

    /// <summary>Asks it to drain and end (SIGTERM). One that has just ended is not a problem.</summary>
    public Either<Problem, Unit> Terminate() => Signal(Libc.SIGTERM);

    /// <summary>Sends a signal by its Linux number. A process that has just ended is not a problem.</summary>
    public Either<Problem, Unit> Signal(int number)
    {
        if (Libc.SignalPidfd(_pidfd, number) == 0 || Errno.Last == Errno.ESRCH) return Unit.Default;
        return new Problem(
            "signal_refused",
            $"the signal to bal (pid={Pid}) was refused: {Errno.Text(Errno.Last)}",
            "it runs as another user, such as root after a 'sudo bal start'",
            $"see who owns it with 'ps -o user= -p {Pid}' and run the command as that user");
    }

    /// <summary>Waits until the process is gone; a zombie that nobody has reaped yet is gone.</summary>
    /// <returns>Whether it went in time.</returns>
    public bool WaitGone(TimeSpan timeout) => Libc.WaitFor(_pidfd, Libc.POLLIN, (long)timeout.TotalMilliseconds);

    /// <inheritdoc/>
    public void Dispose() => _ = Libc.close(_pidfd);

    private static Problem NotRunning(string pidFile, PidFileState state) => new(
        NotRunningCode,
        $"bal is not running in BAL_HOME={Path.GetDirectoryName(pidFile)}: no process holds the lock on {pidFile}",
        state is PidFileState.Stale stale
            ? $"it was killed or the machine went down; the file left over says: {stale.Content.ToText()}"
            : "it was never started with this BAL_HOME, or has been stopped",
        "run 'bal start -d', or set BAL_HOME to the one it was started with");

    private static Problem NoPidfd(int pid, int errno) => new(
        "pidfd_failed",
        $"process {pid} could not be opened: {Errno.Text(errno)}",
        errno == Errno.ENOSYS ? "the kernel is older than 5.3" : "a resource limit or a security policy forbids it",
        $"end it by hand: 'kill -TERM {pid}'");
}
