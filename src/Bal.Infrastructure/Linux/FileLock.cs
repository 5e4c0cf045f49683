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
    private const short WriteLock = 1;
    private const short Unlocked = 2;

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

    private static int Change(int fd, short type, long start)
    {
        var wanted = new Flock { Type = type, Start = start };
        return Libc.fcntl(fd, SetLock, (nint)(&wanted)) == 0 ? 0 : Errno.Last;
    }
}
