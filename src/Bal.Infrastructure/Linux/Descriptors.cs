namespace Bal.Infrastructure.Linux;

/// <summary>
/// read(2), write(2), pipe2(2) and waitpid(2) without pointers, for everything that is not an event loop.
/// </summary>
internal static unsafe class Descriptors
{
    /// <summary>The bytes read; 0 at the end; negative with <see cref="Errno.Last"/> set.</summary>
    public static int Read(int fd, Span<byte> into)
    {
        fixed (byte* bytes = into)
            return (int)Libc.read(fd, bytes, (nuint)into.Length);
    }

    /// <summary>The bytes written, which may be fewer than given; negative with <see cref="Errno.Last"/> set.</summary>
    public static int Write(int fd, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* first = bytes)
            return (int)Libc.write(fd, first, (nuint)bytes.Length);
    }

    /// <summary>As <see cref="Read"/>, from a place in a file (pread(2)).</summary>
    public static int ReadAt(int fd, Span<byte> into, long offset)
    {
        fixed (byte* bytes = into)
            return (int)Libc.pread(fd, bytes, (nuint)into.Length, offset);
    }

    /// <summary>The two ends of a new pipe; null with <see cref="Errno.Last"/> set.</summary>
    public static (int Out, int In)? Pipe(int flags)
    {
        var ends = stackalloc int[2];
        return Libc.pipe2(ends, flags) == 0 ? (ends[0], ends[1]) : null;
    }

    /// <summary>
    /// The status of a child that has ended; 0 where <paramref name="options"/> said not to wait for it.
    /// </summary>
    public static int Reap(int pid, int options)
    {
        var status = 0;
        while (Libc.waitpid(pid, &status, options) < 0 && Errno.Last == Errno.EINTR)
        {
        }

        return status;
    }
}
