using System.Runtime.InteropServices;

namespace Bal.Infrastructure.Linux;

/// <summary>
/// Memory without a name in any file system (memfd_create(2)), to be passed to another process as a descriptor.
/// </summary>
internal static unsafe partial class SharedMemory
{
    private const uint MfdCloexec = 1;
    private const int ProtRead = 1;
    private const int ProtWrite = 2;
    private const int MapShared = 1;
    private const int MapAnonymous = 0x20;

    /// <summary>A descriptor of that many zero bytes; -1 with errno set.</summary>
    public static int Create(string name, long bytes)
    {
        var fd = memfd_create(name, MfdCloexec);
        if (fd < 0 || Libc.ftruncate(fd, bytes) == 0)
            return fd;
        var errno = Errno.Last;
        _ = Libc.close(fd);
        Marshal.SetLastPInvokeError(errno);
        return -1;
    }

    /// <summary>A descriptor with this content; -1 with errno set.</summary>
    public static int Of(string name, ReadOnlySpan<byte> content)
    {
        var fd = memfd_create(name, MfdCloexec);
        while (fd >= 0 && !content.IsEmpty)
        {
            var written = Descriptors.Write(fd, content);
            if (written <= 0)
            {
                _ = Libc.close(fd);
                return -1;
            }

            content = content[written..];
        }

        return fd;
    }

    /// <summary>
    /// The whole content, from the beginning; null where it is longer than <paramref name="most"/> or unreadable.
    /// </summary>
    public static byte[]? Read(int fd, long most)
    {
        var length = Libc.EndOf(fd);
        if (length < 0 || length > most || Libc.lseek(fd, 0, 0) != 0)
            return null;
        var content = new byte[length];
        for (var at = 0; at < content.Length;)
        {
            var read = Descriptors.Read(fd, content.AsSpan(at));
            if (read <= 0)
                return null;
            at += read;
        }

        return content;
    }

    /// <summary>Maps it for as long as the process lives; null with errno set.</summary>
    public static byte* Map(int fd, long bytes, bool writable)
    {
        var address = mmap(null, (nuint)bytes, ProtRead | (writable ? ProtWrite : 0), MapShared, fd, 0);
        return address == (byte*)-1 ? null : address;
    }

    /// <summary>Memory of this process alone, mapped like <see cref="Map"/>; null with errno set.</summary>
    public static byte* MapOwn(long bytes)
    {
        var address = mmap(null, (nuint)bytes, ProtRead | ProtWrite, MapShared | MapAnonymous, -1, 0);
        return address == (byte*)-1 ? null : address;
    }

    /// <summary>Ends what <see cref="Map"/> began.</summary>
    public static void Unmap(byte* address, long bytes) => _ = munmap(address, (nuint)bytes);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int memfd_create(string name, uint flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial byte* mmap(byte* address, nuint length, int protection, int flags, int fd, long offset);

    [LibraryImport("libc")]
    private static partial int munmap(byte* address, nuint length);
}
