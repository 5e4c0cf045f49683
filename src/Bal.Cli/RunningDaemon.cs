using Bal.Domain.Messages;
using Bal.Infrastructure.Control;
using LanguageExt;

namespace Bal.Cli;

/// <summary>A question to a daemon that is known to run, because it holds the lock of the PID file.</summary>
internal static class RunningDaemon
{
    /// <summary>
    /// As <see cref="ControlClient.Ask"/>, except that a socket which is not there does not mean "not running".
    /// </summary>
    internal static Either<Problem, string> Ask(int pid, string socketPath, string request, TimeSpan patience) =>
        ControlClient.Ask(socketPath, request, patience).MapLeft(problem =>
            problem.Code is ControlClient.Missing or ControlClient.Refused
                ? new Problem(
                    "control_unavailable",
                    $"bal (pid={pid}) runs, but its control socket {socketPath} does not answer",
                    "it is starting or ending at this moment, or the socket file was removed",
                    "run the command again; if it stays like this, run 'bal stop', then 'bal start -d'")
                : problem);
}
