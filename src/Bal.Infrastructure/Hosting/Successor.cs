using Bal.Domain.Messages;
using Bal.Infrastructure.Linux;
using Bal.Infrastructure.Process;
using LanguageExt;

namespace Bal.Infrastructure.Hosting;

/// <summary>The process that is to replace this one: a child, held by a pidfd, with a link to it.</summary>
internal sealed class Successor : IDisposable
{
    private bool reaped;

    private Successor(int pid, int pidfd, Link link) => (Pid, Pidfd, Link) = (pid, pidfd, link);

    public int Pid { get; }

    /// <summary>Readable once it is gone (pidfd_open(2)).</summary>
    public int Pidfd { get; }

    public Link Link { get; }

    /// <summary>Starts what is now at the path that this process was started by.</summary>
    /// <param name="options">What this process was started with.</param>
    public static Either<Problem, Successor> Start(ServerOptions options)
    {
        if (ProgramPath.Value is not { } program)
            return NotStarted("bal", Errno.ENOENT);
        if (MessageSocket.Pair() is not { } pair)
            return NotStarted(program, Sockets.LastError);
        var variables = new Dictionary<string, string?>(options.Manager.ForSuccessor())
        {
            ["BAL_HOME"] = options.Home.Root,
            [Takeover.Variable] = options.IsDaemon ? "3:daemon" : "3:foreground",
        };
        var errno = Spawn.Start(
            program,
            ProgramPath.CommandLine(program, ["start", "--config", options.ConfigPath]),
            ProcessEnvironment.With(variables),
            pair.Other,
            options.IsDaemon,
            out var pid);
        _ = Libc.close(pair.Other);
        var link = new Link(pair.Own);
        // A child that nobody has waited for keeps its number.
        var pidfd = errno == 0 ? Libc.OpenPidfd(pid) : -1;
        if (pidfd >= 0)
            return new Successor(pid, pidfd, link);
        link.Dispose();
        if (errno != 0)
            return NotStarted(program, errno);
        errno = Errno.Last;
        _ = Libc.kill(pid, Libc.SIGKILL);
        _ = Descriptors.Reap(pid, 0);
        return NotStarted(program, errno);
    }

    public void Kill() => Signal(Libc.SIGKILL);

    public void Signal(int number) => _ = Libc.SignalPidfd(Pidfd, number);

    /// <summary>How it ended; only once the pidfd is readable.</summary>
    public string Reap()
    {
        reaped = true;
        var status = Descriptors.Reap(Pid, Libc.WNOHANG);
        return (status & 0x7f) != 0
            ? $"was killed by signal {status & 0x7f}" : $"ended with exit code {(status >> 8) & 0xff}";
    }

    public void Dispose()
    {
        if (!reaped)
            _ = Descriptors.Reap(Pid, Libc.WNOHANG);
        Link.Dispose();
        _ = Libc.close(Pidfd);
    }

    private static Problem NotStarted(string program, int errno) => new(
        "upgrade_not_started",
        $"{program} could not be started: {Errno.Text(errno)}; the running process keeps serving",
        errno is Errno.EAGAIN or Errno.ENOMEM or Errno.EMFILE or Errno.ENFILE
            ? "a limit on processes, memory or open files is reached"
            : "the binary was moved, is not executable, or is none of this system",
        $"look at it with 'ls -l {program}', install bal there again, then run 'bal upgrade'");
}
