using Bal.Infrastructure.Linux;
using LanguageExt;

namespace Bal.Infrastructure.Hosting;

/// <summary>A child, held by a pidfd, with a link to it as its descriptor 3.</summary>
internal sealed class ChildProcess : IDisposable
{
    private const long DyingMs = 1_000;

    private bool reaped;

    private ChildProcess(int pid, int pidfd, Link link) => (Pid, Pidfd, Link) = (pid, pidfd, link);

    public int Pid { get; }

    /// <summary>Readable once it is gone (pidfd_open(2)).</summary>
    public int Pidfd { get; }

    public Link Link { get; }

    /// <summary>Starts a program; an errno where it could not be started.</summary>
    /// <param name="command">The program by its path, and its arguments.</param>
    /// <param name="environment">Entries of the form <c>NAME=value</c>.</param>
    /// <param name="detached">Whether it has a session of its own, and nothing for its standard streams.</param>
    public static Either<int, ChildProcess> Start(
        IReadOnlyList<string> command, IReadOnlyList<string> environment, bool detached)
    {
        if (MessageSocket.Pair() is not { } pair)
            return Sockets.LastError;
        var errno = Spawn.Start(command[0], command, environment, pair.Other, detached, out var pid);
        _ = Libc.close(pair.Other);
        var link = new Link(pair.Own);
        // A child that nobody has waited for keeps its number.
        var pidfd = errno == 0 ? Libc.OpenPidfd(pid) : -1;
        if (pidfd >= 0)
            return new ChildProcess(pid, pidfd, link);
        var spawned = errno == 0;
        if (spawned)
            errno = Errno.Last;
        link.Dispose();
        if (!spawned)
            return errno;
        _ = Libc.kill(pid, Libc.SIGKILL);
        _ = Descriptors.Reap(pid, 0);
        return errno;
    }

    public void Kill() => Signal(Libc.SIGKILL);

    /// <summary>The same, returning when it is gone, and nothing that it has open is open any more.</summary>
    public void KillAndWait()
    {
        Kill();
        _ = Libc.WaitFor(Pidfd, Libc.POLLIN, DyingMs);
    }

    public void Signal(int number)
    {
        // Its number means it for as long as nobody has waited for it.
        if (Libc.SignalPidfd(Pidfd, number) != 0 && !reaped)
            _ = Libc.kill(Pid, number);
    }

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
}
