using Bal.Domain.Control;
using Bal.Domain.Recording;
using Bal.Infrastructure.Linux;
using LanguageExt;

namespace Bal.Infrastructure.Process;

/// <summary>
/// <c>overrides.json</c>: replaced whole or not at all, and on disk before anybody is told so. Where there is nothing
/// to keep there is no file.
/// </summary>
internal sealed class OverrideFile(string path)
{
    // 20,000 backends with names of the longest kind.
    private const int MostBytes = 32 * 1024 * 1024;

    private const uint OwnerOnly = 0x180; // 0600

    private readonly string fresh = path + ".new";

    private readonly string bad = path + ".bad";

    private readonly string directory = Path.GetDirectoryName(path)!;

    /// <summary>What the file says; it is put aside where it cannot be read. None where there is no file.</summary>
    public Option<ControlEvent.OverridesRead> Read()
    {
        // Half a file that a crash has left.
        _ = Libc.unlink(fresh);
        var content = Content();
        return content.Match(
            Right: bytes => bytes.Length == 0 && FileFacts.Of(path, follow: false) is null
                ? Option<ControlEvent.OverridesRead>.None
                : OverrideCodec.Read(bytes).Match(
                    Right: document => new ControlEvent.OverridesRead(document.Overrides, document.PutAside),
                    Left: PutAside),
            Left: PutAside);
    }

    /// <summary>Writes the file, or removes it where there is nothing to keep; why it could not, else none.</summary>
    public Option<string> Write(OverrideDocument document)
    {
        if (document.IsEmpty)
            return Libc.unlink(path) == 0 || Errno.Last == Errno.ENOENT ? Settle() : Failed("removed");
        _ = Libc.unlink(fresh);
        var flags = Libc.O_WRONLY | Libc.O_CREAT | Libc.O_EXCL | Libc.O_NOFOLLOW | Libc.O_CLOEXEC;
        var fd = Libc.open(fresh, flags, OwnerOnly);
        if (fd < 0)
            return Failed("created");
        var written = WriteAll(fd, OverrideCodec.Write(document));
        _ = Libc.close(fd);
        if (written.IsNone && Libc.rename(fresh, path) != 0)
            written = Failed("replaced");
        if (written.IsNone)
            return Settle();
        _ = Libc.unlink(fresh);
        return written;
    }

    private Option<string> WriteAll(int fd, byte[] bytes)
    {
        if (Libc.fchmod(fd, OwnerOnly) != 0)
            return Failed("protected");
        for (var sent = 0; sent < bytes.Length;)
        {
            var count = Descriptors.Write(fd, bytes.AsSpan(sent));
            if (count <= 0 && Errno.Last != Errno.EINTR)
                return Failed("written");
            sent += Math.Max(0, count);
        }

        return Libc.fsync(fd) == 0 ? Option<string>.None : Failed("written");
    }

    // The name is on disk only with the directory that it stands in.
    private Option<string> Settle()
    {
        var fd = Libc.open(directory, Libc.O_RDONLY | Libc.O_CLOEXEC, 0);
        if (fd < 0)
            return Failed("written");
        var failed = Libc.fsync(fd) == 0 || Errno.Last == Errno.EINVAL ? Option<string>.None : Failed("written");
        _ = Libc.close(fd);
        return failed;
    }

    private string Failed(string what) => $"{path} cannot be {what}: {Errno.Text(Errno.Last)}";

    private Either<string, byte[]> Content()
    {
        var fd = Libc.open(path, Libc.O_RDONLY | Libc.O_NOFOLLOW | Libc.O_NONBLOCK | Libc.O_CLOEXEC, 0);
        if (fd < 0)
            return Errno.Last == Errno.ENOENT ? Array.Empty<byte>()
                : Errno.Last == Errno.ELOOP ? "it is a symbolic link" : Errno.Text(Errno.Last);
        try
        {
            if (FileFacts.Of(fd) is not { IsRegular: true } facts)
                return "it is not a regular file";
            if (facts.Size > MostBytes)
                return $"it has more than {MostBytes} bytes";
            var bytes = new byte[facts.Size];
            var length = 0;
            while (length < bytes.Length)
            {
                var count = Descriptors.ReadAt(fd, bytes.AsSpan(length), length);
                if (count < 0 && Errno.Last != Errno.EINTR)
                    return Errno.Text(Errno.Last);
                if (count == 0)
                    break;
                length += Math.Max(0, count);
            }

            return length == 0 ? "it is empty" : bytes[..length];
        }
        finally
        {
            _ = Libc.close(fd);
        }
    }

    private Option<ControlEvent.OverridesRead> PutAside(string why)
    {
        var aside = Libc.rename(path, bad) == 0
            ? why
            : $"{why}, and it cannot be renamed: {Errno.Text(Errno.Last)}";
        return new ControlEvent.OverridesRead(Arr<KeptOverride>.Empty, aside);
    }
}
