using Bal.Domain.Reports;
using Bal.Infrastructure.Linux;
using LanguageExt;

namespace Bal.Infrastructure.Process;

/// <summary>
/// Says to others that this process still serves connections, although it has let go of the PID file: a read lock on
/// the directory of its BAL_HOME, at the byte of its process id. It leaves no file behind, ends with the process
/// however that ends, and stays when files are removed. A file system that knows no such locks does without.
/// </summary>
public static class DrainMark
{
    /// <summary>Process ids are below 2^22; those of processes that stop have their bytes above.</summary>
    private const long StoppingFrom = 1L << 32;

    // A process that closes any descriptor of the directory loses its locks on it.
    private static readonly Lock Gate = new();
    private static int held = -1;

    /// <summary>Sets the mark of this process.</summary>
    public static void Set(BalHome home)
    {
        lock (Gate)
        {
            if (held < 0)
                held = Open(home);
            if (held >= 0)
                _ = FileLock.TryShare(held, Environment.ProcessId);
        }
    }

    /// <summary>Takes it away: this process serves again.</summary>
    public static void Clear()
    {
        lock (Gate)
        {
            if (held >= 0)
                FileLock.Unshare(held, Environment.ProcessId);
        }
    }

    /// <summary>It was asked to stop: one more signal would cut its connections.</summary>
    public static void Stopping()
    {
        lock (Gate)
        {
            if (held >= 0)
                _ = FileLock.TryShare(held, StoppingFrom + Environment.ProcessId);
        }
    }

    /// <summary>Those that have set it, this process left out.</summary>
    public static Leftovers Seen(BalHome home)
    {
        lock (Gate)
        {
            var fd = held >= 0 ? held : Open(home);
            if (fd < 0)
                return Leftovers.None;
            var owner = FileFacts.Of(fd)?.Owner;
            var holders = FileLock.Holders(fd, 0, 2 * StoppingFrom)
                .FindAll(holder => holder.Pid > 0 && IsTrusted(holder.Pid, owner));
            if (fd != held)
                _ = Libc.close(fd);
            var stopping = Pids(holders.FindAll(holder => holder.At >= StoppingFrom));
            return new Leftovers(
                Pids(holders.FindAll(holder => holder.At < StoppingFrom)).Filter(pid => !stopping.Contains(pid)),
                stopping);
        }
    }

    private static Arr<int> Pids(List<LockHolder> holders) =>
        new(holders.ConvertAll(holder => holder.Pid).Distinct().Order());

    private static int Open(BalHome home) => Libc.open(home.Root, Libc.O_RDONLY | Libc.O_CLOEXEC | Libc.O_NONBLOCK, 0);

    // A directory that others may read, others may lock; bal's processes run as its owner.
    private static bool IsTrusted(int pid, uint? owner) =>
        FileFacts.Of($"/proc/{pid}", follow: true) is not { } facts || facts.Owner == owner || facts.Owner == 0;
}
