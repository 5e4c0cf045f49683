using Bal.Domain.Messages;
using Bal.Infrastructure.Linux;
using LanguageExt;

namespace Bal.Infrastructure.Logging;

/// <summary>
/// A descriptor that log lines go to, whole lines only as far as the target allows. Used by one thread.
/// </summary>
internal sealed class LogTarget : IDisposable
{
    private readonly string? _path;
    private int _fd;
    private bool _owned;
    private bool _midLine;

    /// <param name="fd">The descriptor.</param>
    /// <param name="owned">Whether it is closed in the end.</param>
    /// <param name="path">The file that it is open on, if that is known.</param>
    internal LogTarget(int fd, bool owned, string? path = null) => (_fd, _owned, _path) = (fd, owned, path);

    /// <summary>Whether the last write succeeded.</summary>
    internal bool Works { get; private set; } = true;

    /// <summary>Whether the last write failed in a way that only another descriptor mends.</summary>
    internal bool IsGone { get; private set; }

    /// <summary>Opens a log file for appending, 0600 where it is created, following no symlink.</summary>
    internal static Either<Problem, int> Open(string path)
    {
        var flags = Libc.O_WRONLY | Libc.O_APPEND | Libc.O_CREAT | Libc.O_NOFOLLOW | Libc.O_CLOEXEC | Libc.O_NONBLOCK;
        var fd = Libc.open(path, flags, 0x180 /* 0600 */);
        var errno = Errno.Last;
        if (fd >= 0 && FileFacts.Of(fd) is { IsRegular: true } or { IsCharacterDevice: true }) return fd;
        if (fd >= 0) Close(fd);
        // A FIFO would lose whatever nobody reads in time; one without a reader cannot even be opened, and neither can
        // a socket (fifo(7), open(2)).
        if (fd >= 0 || errno == Errno.ENXIO)
            return new Problem(
                "log_file_not_regular",
                $"the log file {path} is not a regular file",
                "a named pipe or a socket was put there by hand",
                $"look at it with 'ls -ld {path}', then remove it or set another BAL_HOME");
        var what = errno == Errno.ELOOP ? "it is a symbolic link" : Errno.Text(errno);
        return new Problem(
            errno == Errno.ELOOP ? "log_file_symlink" : "log_file_open_failed",
            $"the log file {path} could not be opened: {what}",
            errno switch
            {
                Errno.ELOOP => "someone created the link, perhaps to have another file overwritten",
                Errno.EACCES or Errno.EPERM => "it belongs to another user, such as root after a 'sudo bal start'",
                Errno.ENOSPC or Errno.EDQUOT => "the disk or the quota is full",
                Errno.EISDIR => "a directory has that name",
                _ => "the directory is missing or the file system is read-only",
            },
            $"look at it with 'ls -ld {path}', then remove it or set another BAL_HOME");
    }

    internal static void Close(int fd) => _ = Libc.close(fd);

    internal void Reopen(int fd)
    {
        Dispose();
        (_fd, _owned, _midLine, Works, IsGone) = (fd, true, false, true, false);
    }

    /// <summary>Writes a line, waiting for a slow reader; false if it was lost.</summary>
    internal bool Write(byte[] line)
    {
        // What a failure has left of an earlier line is ended first, so that this one stands alone.
        var ok = IsThere() && (!_midLine || Send("\n"u8)) && Send(line);
        Works = ok;
        if (ok) IsGone = false;
        return ok;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_owned) Close(_fd);
        _owned = false;
    }

    // A file that was removed by hand takes lines that nobody will ever read; one that was renamed still has its name.
    private bool IsThere() =>
        _path is null || FileFacts.Of(_fd) is not { Links: 0 } || Open(_path).Match(Right: Resume, Left: _ => false);

    private bool Resume(int fd)
    {
        Reopen(fd);
        return true;
    }

    private bool Send(ReadOnlySpan<byte> bytes)
    {
        var sent = 0;
        while (sent < bytes.Length)
        {
            var count = Descriptors.Write(_fd, bytes[sent..]);
            if (count > 0) sent += count;
            else if (count < 0 && !Survives(Errno.Last))
            {
                _midLine = (sent > 0 && !TakeBack(sent)) || (_midLine && sent == 0);
                return false;
            }
        }
        _midLine = false;
        return true;
    }

    private bool Survives(int errno)
    {
        if (errno == Errno.EINTR) return true;
        if (errno == Errno.EAGAIN) return Libc.WaitFor(_fd, Libc.POLLOUT, -1);
        IsGone = errno is Errno.EPIPE or Errno.EBADF;
        return false;
    }

    /// <summary>
    /// Removes the part of a line that a full disk has left at the end of a file; a pipe takes nothing back.
    /// </summary>
    private bool TakeBack(int count)
    {
        var end = Libc.EndOf(_fd);
        return end >= count && Libc.ftruncate(_fd, end - count) == 0;
    }
}
