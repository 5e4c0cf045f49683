using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Infrastructure.Linux;
using LanguageExt;

namespace Bal.Infrastructure.Accounting;

/// <summary>
/// What lines of the access log are written to: a regular file, a named pipe, or standard output. Whole lines only,
/// also where a process that was replaced writes to the same file: each write appends (O_APPEND, open(2)), and what
/// goes into a pipe at once is not mixed with anything else (PIPE_BUF, pipe(7)). Used by one thread.
/// </summary>
internal sealed class AccessFile : IDisposable
{
    private const uint Mode = 0x1A0; // 0640
    private const int PipeBytes = 4_096;

    private readonly int fd;
    private readonly bool owned;
    private readonly bool isRegular;

    // A part of a line that could not be taken back stands at the end.
    private bool midLine;

    private AccessFile(string path, int fd, FileFacts facts, bool owned)
    {
        (Path, this.fd, this.owned) = (path, fd, owned);
        isRegular = facts.IsRegular;
        MostAtOnce = isRegular ? int.MaxValue : PipeBytes;
    }

    /// <summary>What it was opened by.</summary>
    public string Path { get; }

    /// <summary>How many bytes may be given to <see cref="Write"/>, so that nothing comes between them.</summary>
    public int MostAtOnce { get; }

    /// <summary>The descriptor.</summary>
    public int Descriptor => fd;

    /// <summary>
    /// Opens it for appending, following no symlink; a file that is made has mode 0640 whatever the umask says. A pipe
    /// needs no reader yet, and outlives one.
    /// </summary>
    public static Either<Problem, AccessFile> Open(string path)
    {
        if (path == BalConfig.StandardOutput)
            return FileFacts.Of(StandardOutput) is { } output
                ? new AccessFile(path, StandardOutput, output, owned: false)
                : AccessFileProblems.NotOpened(path, Errno.Last);
        const int flags =
            Libc.O_RDWR | Libc.O_APPEND | Libc.O_CLOEXEC | Libc.O_NONBLOCK;
        var fd = Libc.open(path, flags | Libc.O_NOFOLLOW, 0);
        for (var again = 0; fd < 0 && Errno.Last == Errno.ENOENT && again < 2; again++)
        {
            fd = Libc.open(path, flags | Libc.O_NOFOLLOW | Libc.O_CREAT | Libc.O_EXCL, Mode);
            if (fd >= 0)
                _ = Libc.fchmod(fd, Mode);
            else if (Errno.Last == Errno.EEXIST)
                fd = Libc.open(path, flags | Libc.O_NOFOLLOW, 0);
        }

        if (fd < 0)
            return AccessFileProblems.NotOpened(path, Errno.Last);
        if (FileFacts.Of(fd) is { } facts && (facts.IsRegular || facts.IsPipe))
            return new AccessFile(path, fd, facts, owned: true);
        _ = Libc.close(fd);
        return AccessFileProblems.NotRegular(path);
    }

    /// <summary>Whether the path names nothing any more: lines would go where nobody finds them.</summary>
    public bool IsGone => owned && FileFacts.Of(fd) is { Links: 0 };

    /// <summary>
    /// Writes whole lines as far as they are taken; what is left of a line that was taken in part is taken back.
    /// </summary>
    /// <param name="lines">Lines with their newlines, at most <see cref="MostAtOnce"/> bytes.</param>
    /// <param name="errno">0, or why not all of them were taken.</param>
    /// <returns>The bytes of whole lines that were taken.</returns>
    public int Write(ReadOnlySpan<byte> lines, out int errno)
    {
        errno = 0;
        if (midLine && Descriptors.Write(fd, "\n"u8) != 1)
        {
            errno = Errno.Last;
            return 0;
        }

        midLine = false;
        var taken = 0;
        while (taken < lines.Length && errno == 0)
        {
            var count = Descriptors.Write(fd, lines[taken..]);
            if (count > 0)
                taken += count;
            else if (count == 0 || Errno.Last != Errno.EINTR)
                errno = count == 0 ? Errno.EIO : Errno.Last;
        }

        var whole = lines[..taken].LastIndexOf((byte)'\n') + 1;
        if (whole < taken && !TakeBack(lines[whole..taken]))
            midLine = true;
        return whole;
    }

    public void Dispose()
    {
        if (owned)
            _ = Libc.close(fd);
    }

    private const int StandardOutput = 1;

    // Only what this process has written: another one may have appended since.
    private bool TakeBack(ReadOnlySpan<byte> part)
    {
        var end = isRegular && owned ? Libc.EndOf(fd) : -1;
        if (end < part.Length)
            return false;
        var there = new byte[part.Length];
        return Descriptors.ReadAt(fd, there, end - part.Length) == part.Length && part.SequenceEqual(there)
            && Libc.ftruncate(fd, end - part.Length) == 0;
    }
}

/// <summary>Why connections are not logged; bal keeps serving.</summary>
internal static class AccessFileProblems
{
    public static Problem NotOpened(string path, int errno) => new(
        "access_log_failed",
        $"the access log {path} could not be opened, so connections are not logged: "
            + (errno == Errno.ELOOP ? "it is a symbolic link" : Errno.Text(errno)),
        Cause(errno),
        $"look at it with 'ls -ld {path}', or name another file as access_log, then run 'bal graceful'");

    public static Problem NotRegular(string path) => new(
        "access_log_failed",
        $"the access log {path} is neither a regular file nor a named pipe, so connections are not logged",
        "access_log names a directory, a device or a socket",
        "name a file or a named pipe as access_log, then run 'bal graceful'");

    public static Problem Own(string path) => new(
        "access_log_failed",
        $"{path} is a file that bal itself uses, so connections are not logged",
        "access_log names the configuration, the PID file, the control socket or another log",
        "name another file as access_log, then run 'bal graceful'");

    public static Problem NotWritten(string path, int errno) => new(
        "access_log_failed",
        $"the access log {path} could not be written, so connections may be missing in it: {Errno.Text(errno)}",
        Cause(errno),
        "free some space; the log goes on by itself, and 'bal status' counts the connections that it misses");

    public static Problem Stalled(string path) => new(
        "access_log_stalled",
        $"the access log {path} is not being read, so connections may be missing in it",
        "the program that reads the pipe has stopped, hangs, or is too slow",
        "start it again; the log goes on by itself, and 'bal status' counts the connections that it misses");

    public static Problem NoThread(string path) => new(
        "access_log_failed",
        $"nothing can write the access log {path}, so connections are not logged: no thread could be started",
        "a limit on threads or processes is reached",
        "raise it ('ulimit -u', TasksMax= in the unit), then run 'bal graceful'");

    private static string Cause(int errno) => errno switch
    {
        Errno.ELOOP => "someone created the link, perhaps to have another file overwritten",
        Errno.EACCES or Errno.EPERM => "it belongs to another user, or its directory does",
        Errno.ENOSPC or Errno.EDQUOT => "the disk or the quota is full",
        Errno.EFBIG => "a limit on the size of files is reached (ulimit -f, LimitFSIZE= in the unit)",
        Errno.ENOENT or Errno.ENOTDIR => "its directory does not exist",
        Errno.EISDIR => "a directory has that name",
        Errno.EPIPE => "the program that reads it has ended",
        _ => "the file system is read-only or damaged",
    };
}
