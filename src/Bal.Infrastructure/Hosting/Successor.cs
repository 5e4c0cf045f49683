using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Infrastructure.Linux;
using Bal.Infrastructure.Process;
using LanguageExt;

namespace Bal.Infrastructure.Hosting;

/// <summary>Starts the process that is to replace this one.</summary>
internal static class Successor
{
    /// <summary>Starts what is now at the path that this process was started by.</summary>
    /// <param name="options">What this process was started with.</param>
    public static Either<Problem, ChildProcess> Start(ServerOptions options)
    {
        if (ProgramPath.Value is not { } program)
            return NotStarted("bal", Errno.ENOENT);
        return Obstacle().Match(Some: problem => problem, None: () => Start(options, program));
    }

    private static Either<Problem, ChildProcess> Start(ServerOptions options, string program)
    {
        var variables = new Dictionary<string, string?>(options.Manager.ForSuccessor())
        {
            ["BAL_HOME"] = options.Home.Root,
            [Takeover.Variable] = options.IsDaemon ? "3:daemon" : "3:foreground",
        };
        return ChildProcess.Start(
            ProgramPath.CommandLine(program, ["start", .. options.Given.Match(
                given => (string[])[.. given.Arguments], () => ["--config", options.ConfigPath]),
                .. options.Log.Chosen.Match(
                    format => (string[])["--log-format", Words.Of(format)], () => [])]),
            ProcessEnvironment.With(variables),
            options.IsDaemon).MapLeft(errno => NotStarted(program, errno));
    }

    /// <summary>What an upgrade cannot do without, and is refused.</summary>
    private static Option<Problem> Obstacle()
    {
        var memory = SharedMemory.Create("bal-try", 1);
        if (memory < 0)
            return NotPossible("memfd_create(2)", Errno.Last);
        _ = Libc.close(memory);
        if (MessageSocket.Refusal() is not 0 and var errno)
            return NotPossible("sendmsg(2) with descriptors", errno);
        var self = Libc.OpenPidfd(Environment.ProcessId);
        if (self < 0)
            return NotPossible("pidfd_open(2)", Errno.Last);
        _ = Libc.close(self);
        return Option<Problem>.None;
    }

    private static Problem NotPossible(string call, int errno) => new(
        "upgrade_not_possible",
        $"bal cannot be upgraded while it serves: {call} is refused: {Errno.Text(errno)}; it keeps serving",
        errno is Errno.EMFILE or Errno.ENFILE or Errno.ENOMEM
            ? "a limit on open files or memory is reached"
            : "a sandbox or a container forbids it (seccomp), or the kernel is older than 5.3",
        "run 'bal stop', then 'bal start -d', or remove what forbids it and start bal again");

    private static Problem NotStarted(string program, int errno) => new(
        "upgrade_not_started",
        $"{program} could not be started: {Errno.Text(errno)}; the running process keeps serving",
        errno is Errno.EAGAIN or Errno.ENOMEM or Errno.EMFILE or Errno.ENFILE
            ? "a limit on processes, memory or open files is reached"
            : "the binary was moved, is not executable, or is for another system",
        $"look at it with 'ls -l {program}', install bal there again, then run 'bal upgrade'");
}
