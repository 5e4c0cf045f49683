using System.Text;
using Bal.Infrastructure.Linux;
using LanguageExt;

namespace Bal.Infrastructure.Config;

/// <summary>Writes a file that is not there yet.</summary>
public static class NewFile
{
    private const uint Own = 0x180; // 0600
    private const uint Readable = 0x1A4; // 0644, less the umask

    /// <summary>Never replaces a file, follows no link, and leaves no file that is not whole.</summary>
    /// <param name="path">An absolute path.</param>
    /// <param name="text">The content.</param>
    /// <param name="isOwn">Whether only this user is to read it.</param>
    /// <returns>Why it could not be written; empty where there is something at that path.</returns>
    public static Either<string, Unit> Write(string path, string text, bool isOwn)
    {
        var flags = Libc.O_WRONLY | Libc.O_CREAT | Libc.O_EXCL | Libc.O_CLOEXEC;
        var fd = Libc.open(path, flags, isOwn ? Own : Readable);
        if (fd < 0)
            return Errno.Last == Errno.EEXIST ? "" : Errno.Text(Errno.Last);
        var left = Encoding.UTF8.GetBytes(text).AsSpan();
        var errno = 0;
        while (errno == 0 && left.Length > 0)
            if (Descriptors.Write(fd, left) is >= 0 and var written)
                left = left[written..];
            else if (Errno.Last != Errno.EINTR)
                errno = Errno.Last;
        _ = Libc.close(fd);
        if (errno == 0)
            return Unit.Default;
        File.Delete(path);
        return Errno.Text(errno);
    }
}
