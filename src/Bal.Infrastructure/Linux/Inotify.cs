using System.Runtime.InteropServices;

namespace Bal.Infrastructure.Linux;

/// <summary>
/// Tells that names of one directory have gone, by an inotify(7) descriptor: nothing wakes up while none does. Which
/// ones is for the caller to look at.
/// </summary>
internal sealed partial class Inotify : IDisposable
{
    private const int CloseOnExec = 0x80000;
    private const int NonBlocking = 0x800;
    private const uint MovedFrom = 0x40;
    private const uint Delete = 0x200;
    private const uint DeleteSelf = 0x400;
    private const uint MoveSelf = 0x800;
    private const uint OnlyDirectory = 0x1000000;

    private Inotify(int fd) => Fd = fd;

    /// <summary>Readable once something has gone.</summary>
    public int Fd { get; }

    /// <summary>A watch over a directory; null where it cannot be watched.</summary>
    public static Inotify? Over(string directory, out int errno)
    {
        errno = 0;
        var fd = inotify_init1(NonBlocking | CloseOnExec);
        if (fd >= 0
            && inotify_add_watch(fd, directory, MovedFrom | Delete | DeleteSelf | MoveSelf | OnlyDirectory) >= 0)
            return new Inotify(fd);
        errno = Errno.Last;
        if (fd >= 0)
            _ = Libc.close(fd);
        return null;
    }

    /// <summary>Takes what has been told so far.</summary>
    public void Clear()
    {
        Span<byte> events = stackalloc byte[4096];
        while (Descriptors.Read(Fd, events) > 0)
        {
        }
    }

    public void Dispose() => _ = Libc.close(Fd);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int inotify_init1(int flags);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int inotify_add_watch(int fd, string path, uint mask);
}
