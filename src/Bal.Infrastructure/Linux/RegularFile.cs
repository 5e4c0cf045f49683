using System.Runtime.InteropServices;
using LanguageExt;
using Microsoft.Win32.SafeHandles;

namespace Bal.Infrastructure.Linux;

/// <summary>Why the content of a path could not be had.</summary>
/// <param name="Reason">The kind of failure.</param>
/// <param name="Detail">The system's own words, or the kind of file found.</param>
internal sealed record FileFault(FileFaultReason Reason, string Detail);

/// <summary>The kinds of failure that an operator remedies differently.</summary>
internal enum FileFaultReason
{
    /// <summary>There is nothing at the path.</summary>
    Missing,

    /// <summary>It is a directory.</summary>
    Directory,

    /// <summary>It is a pipe, a socket or a device.</summary>
    NotRegular,

    /// <summary>This user may not read it.</summary>
    Denied,

    /// <summary>It has more bytes than asked for.</summary>
    TooLarge,

    /// <summary>Somebody wrote to it while it was read: what was read may be half of it.</summary>
    Changing,

    /// <summary>Anything else.</summary>
    Failed,
}

/// <summary>Reads regular files without ever blocking on what only looks like one.</summary>
internal static partial class RegularFile
{
    private const int ENOENT = 2;
    private const int ENXIO = 6;
    private const int EACCES = 13;
    private const int ENOTDIR = 20;
    private const int O_NOCTTY = 0x100;
    private const int O_NONBLOCK = 0x800;
    private const int O_CLOEXEC = 0x80000;
    private const int AT_EMPTY_PATH = 0x1000;
    private const uint STATX_TYPE = 1;
    private const int StatxSize = 256;
    private const int StatxModeOffset = 28;
    private const int S_IFMT = 0xF000;
    private const int S_IFDIR = 0x4000;
    private const int S_IFREG = 0x8000;

    /// <summary>
    /// The bytes of the regular file at <paramref name="path"/>, symbolic links followed. It is opened with
    /// O_NONBLOCK, so
    /// that a FIFO without a writer returns at once (fifo(7)), and read to at most <paramref name="limit"/> bytes
    /// whatever
    /// size it claims.
    /// </summary>
    public static Either<FileFault, byte[]> Read(string path, int limit) => Open(path).Bind(handle =>
    {
        using (handle)
            return Guarded(() => Unchanged(handle, () => Content(handle, limit)));
    });

    private static Either<FileFault, byte[]> Unchanged(SafeFileHandle handle, Func<Either<FileFault, byte[]>> read)
    {
        var descriptor = (int)handle.DangerousGetHandle();
        var before = FileFacts.Of(descriptor);
        var content = read();
        // A name that now leads to another file is not a change: that file was put there whole, by rename(2).
        return content.IsRight && FileFacts.Of(descriptor) is { } after && before is { } first
            && (first.Size != after.Size || first.Changed.Content != after.Changed.Content
                || (first.Changed != after.Changed && first.Links == after.Links))
                ? new FileFault(FileFaultReason.Changing, "it changed while it was read")
                : content;
    }

    /// <summary>The same file, open for reading.</summary>
    public static Either<FileFault, SafeFileHandle> Open(string path)
    {
        if (path.Contains('\0', StringComparison.Ordinal))
            return new FileFault(FileFaultReason.Missing, "the path contains a NUL character");
        var descriptor = Open(path, O_NONBLOCK | O_CLOEXEC | O_NOCTTY, 0);
        if (descriptor < 0)
            return Fault(Marshal.GetLastPInvokeError());
        var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        var opened = Guarded<SafeFileHandle>(() => TypeOf(descriptor) switch
        {
            S_IFREG => handle,
            S_IFDIR => new FileFault(FileFaultReason.Directory, "a directory"),
            var other => new FileFault(FileFaultReason.NotRegular, Name(other)),
        });
        if (opened.IsLeft)
            handle.Dispose();
        return opened;
    }

    private static Either<FileFault, T> Guarded<T>(Func<Either<FileFault, T>> read)
    {
        try
        {
            return read();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return new FileFault(FileFaultReason.Failed, error.Message);
        }
    }

    private static Either<FileFault, byte[]> Content(SafeFileHandle handle, int limit)
    {
        var buffer = new byte[limit + 1];
        var length = 0;
        while (length < buffer.Length)
        {
            var read = RandomAccess.Read(handle, buffer.AsSpan(length), length);
            if (read == 0)
                return buffer[..length];
            length += read;
        }
        return new FileFault(FileFaultReason.TooLarge, $"more than {limit} bytes");
    }

    private static unsafe int TypeOf(int descriptor)
    {
        // statx(2) has one layout on every architecture, which fstat(2) has not.
        var status = stackalloc byte[StatxSize];
        return Statx(descriptor, "", AT_EMPTY_PATH, STATX_TYPE, status) == 0
            ? *(ushort*)(status + StatxModeOffset) & S_IFMT
            : throw new IOException(Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError()));
    }

    private static FileFault Fault(int errno) => errno switch
    {
        ENOENT or ENOTDIR => new(FileFaultReason.Missing, Marshal.GetPInvokeErrorMessage(errno)),
        // open(2) of a socket, or of a device that is not there.
        ENXIO => new(FileFaultReason.NotRegular, "a socket or a device"),
        EACCES => new(FileFaultReason.Denied, Marshal.GetPInvokeErrorMessage(errno)),
        _ => new(FileFaultReason.Failed, Marshal.GetPInvokeErrorMessage(errno)),
    };

    private static string Name(int type) => type switch
    {
        0x1000 => "a named pipe",
        0x2000 => "a character device",
        0x6000 => "a block device",
        0xC000 => "a socket",
        _ => "a file of unknown type",
    };

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int Statx(int directory, string path, int flags, uint mask, byte* status);
}
