using System.Runtime.InteropServices;

namespace Bal.Infrastructure.Linux;

/// <summary>
/// POSIX record locks over a whole file (fcntl(2), "Advisory record locking"). They belong to the process: they end
/// with it, and also when it closes any descriptor of that file.
/// </summary>
internal static unsafe class FileLock
{
    private const int GetLock = 5;
    private const int SetLock = 6;
    private const short ReadLock = 0;
    private const short WriteLock = 1;
    private const short Unlocked = 2;

    // Whoever may read a file can lock it as often as he likes.
    private const int MostHolders = 256;

    [StructLayout(LayoutKind.Sequential)]
    private struct Flock
    {
        internal short Type;
        internal short Whence;
        internal long Start;
        internal long Length;
        internal int Pid;
    }

    /// <summary>
    /// Takes the write lock without waiting; 0, or the errno (EAGAIN or EACCES: somebody else holds it).
    /// </summary>
    internal static int TryTake(int fd) => Change(fd, WriteLock, 0);

    /// <summary>
    /// The same from the second byte on. Between two processes of which one hands the file to the other the lock is
    /// never free: one holds the first byte, one the rest, and whoever else wants the whole gets nothing.
    /// </summary>
    internal static int TryTakeRest(int fd) => Change(fd, WriteLock, 1);

    /// <summary>Lets go of everything but the first byte.</summary>
    internal static void ReleaseRest(int fd) => _ = Change(fd, Unlocked, 1);

    /// <summary>Lets go of all that this process holds, the file staying open.</summary>
    internal static void Release(int fd) => _ = Change(fd, Unlocked, 0);

    /// <summary>
    /// Who else holds a lock on the file: his process id, 0 for nobody, -1 for somebody whom this PID namespace
    /// cannot name, -2 when it cannot be found out.
    /// </summary>
    internal static int Holder(int fd)
    {
        var wanted = new Flock { Type = WriteLock };
        if (Libc.fcntl(fd, GetLock, (nint)(&wanted)) != 0) return -2;
        if (wanted.Type == Unlocked) return 0;
        return wanted.Pid > 0 ? wanted.Pid : -1;
    }

    /// <summary>
    /// Takes a read lock on one byte, which need not exist; a descriptor for reading is enough. 0, or the errno.
    /// </summary>
    internal static int TryShare(int fd, long at) => Change(fd, ReadLock, at, 1);

    /// <summary>Lets go of it.</summary>
    internal static void Unshare(int fd, long at) => _ = Change(fd, Unlocked, at, 1);

    /// <summary>
    /// All who hold a lock in a part of the file. Empty where it cannot be found out.
    /// </summary>
    internal static List<LockHolder> Holders(int fd, long start, long length)
    {
        var found = new List<LockHolder>();
        Find(fd, start, start + length, found);
        return found;
    }

    // The kernel names one of them, in no particular order: the others are before and behind it.
    private static void Find(int fd, long start, long end, List<LockHolder> found)
    {
        if (start >= end || found.Count >= MostHolders)
            return;
        var wanted = new Flock { Type = WriteLock, Start = start, Length = end - start };
        if (Libc.fcntl(fd, GetLock, (nint)(&wanted)) != 0 || wanted.Type == Unlocked)
            return;
        found.Add(new LockHolder(wanted.Pid > 0 ? wanted.Pid : -1, wanted.Start));
        Find(fd, start, wanted.Start, found);
        if (wanted.Length > 0)
            Find(fd, wanted.Start + wanted.Length, end, found);
    }

    private static int Change(int fd, short type, long start, long length = 0)
    {
        var wanted = new Flock { Type = type, Start = start, Length = length };
        return Libc.fcntl(fd, SetLock, (nint)(&wanted)) == 0 ? 0 : Errno.Last;
    }
}

/// <summary>Who holds a lock.</summary>
/// <param name="Pid">His process id; -1 for somebody who has none here.</param>
/// <param name="At">The byte at which it begins.</param>
internal sealed record LockHolder(int Pid, long At);
