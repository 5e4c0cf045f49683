using System.Globalization;
using System.Text;
using Bal.Domain.Messages;
using Bal.Infrastructure.Linux;
using LanguageExt;

namespace Bal.Infrastructure.Process;

/// <summary>
/// The locked PID file of the running process. The lock is what counts: it is taken before anything is written, ends
/// with the process however that ends, and names its holder (fcntl(2), F_GETLK).
/// </summary>
public sealed class PidFile : IDisposable
{
    private const int Attempts = 16;

    // A process that closes any descriptor of a locked file loses the lock: files held here must not be opened again.
    private static readonly List<(FileFacts File, PidFile Holder)> HeldHere = [];

    private readonly string _path;
    private int _fd;
    private bool _isSuccessors;

    private PidFile(string path, int fd, PidContent replaced) => (_path, _fd, Replaced) = (path, fd, replaced);

    /// <summary>
    /// What the file said before: anything but <see cref="PidContent.Empty"/> is left over from a crash.
    /// </summary>
    public PidContent Replaced { get; }

    /// <summary>
    /// Locks <paramref name="path"/>, creating it 0600 or emptying what was in it, without following a symlink.
    /// </summary>
    /// <returns>A problem, code <c>already_running</c> with the words "already running" if another process has
    /// it.</returns>
    public static Either<Problem, PidFile> Acquire(string path)
    {
        lock (HeldHere)
        {
            for (var attempt = 0; attempt < Attempts; attempt++)
            {
                if (IsHeldHere(path)) return PidFileProblems.AlreadyRunning(path, Environment.ProcessId);
                var flags = Libc.O_RDWR | Libc.O_CREAT | Libc.O_NOFOLLOW | Libc.O_CLOEXEC | Libc.O_NONBLOCK;
                var fd = Libc.open(path, flags, 0x180 /* 0600 */);
                if (fd < 0) return PidFileProblems.CannotOpen(path, Errno.Last);
                var outcome = TryLock(path, fd);
                if (outcome is { } decided)
                {
                    if (decided.IsLeft) _ = Libc.close(fd);
                    return decided;
                }
                _ = Libc.close(fd);
            }
            return PidFileProblems.Contended(path, Attempts);
        }
    }

    /// <summary>
    /// Looks at a PID file without changing it; for the holder itself it answers without opening the file.
    /// </summary>
    public static PidFileState Inspect(string path)
    {
        lock (HeldHere)
        {
            if (IsHeldHere(path)) return new PidFileState.Held(Environment.ProcessId, true);
            var fd = Libc.open(path, Libc.O_RDONLY | Libc.O_NOFOLLOW | Libc.O_CLOEXEC | Libc.O_NONBLOCK, 0);
            if (fd < 0)
                return Errno.Last is Errno.ENOENT or Errno.ENOTDIR
                    ? new PidFileState.Missing()
                    : new PidFileState.Unreadable(PidFileProblems.CannotOpen(path, Errno.Last));
            try
            {
                if (FileFacts.Of(fd) is not { IsRegular: true })
                    return new PidFileState.Unreadable(PidFileProblems.NotAFile(path));
                var holder = FileLock.Holder(fd);
                var content = Read(fd);
                if (holder < 0) return new PidFileState.Unreadable(PidFileProblems.UnknownHolder(path));
                if (holder == 0) return new PidFileState.Stale(content);
                return new PidFileState.Held(holder, content is PidContent.Pid said && said.Value == holder);
            }
            finally
            {
                _ = Libc.close(fd);
            }
        }
    }

    /// <summary>
    /// Writes the decimal process id and a newline: from now on the file says that the daemon answers.
    /// </summary>
    public Either<Problem, Unit> WritePid()
    {
        var text = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}\n"));
        if (Libc.ftruncate(_fd, 0) != 0 || Libc.lseek(_fd, 0, 0) != 0)
            return PidFileProblems.CannotWrite(_path, Errno.Last);
        return Descriptors.Write(_fd, text) == text.Length
            ? Unit.Default
            : PidFileProblems.CannotWrite(_path, Errno.Last);
    }

    /// <summary>To be passed to a process that takes the file over; a lock belongs to the process, not to the
    /// descriptor.</summary>
    internal int Descriptor => _fd;

    /// <summary>The file of a process that is being replaced; nothing of it is locked by this one yet.</summary>
    internal static PidFile Adopt(string path, int fd)
    {
        lock (HeldHere)
        {
            var file = new PidFile(path, fd, new PidContent.Empty()) { _isSuccessors = true };
            if (FileFacts.Of(fd) is { } facts) HeldHere.Add((facts, file));
            return file;
        }
    }

    /// <summary>
    /// Hands the lock over in three steps, between which it is never free: the old process lets go of the rest, the new
    /// one takes the rest, and the same with the first byte.
    /// </summary>
    internal void ReleaseRest() => FileLock.ReleaseRest(_fd);

    /// <summary>See <see cref="ReleaseRest"/>; whether it was free.</summary>
    internal bool TryTakeRest() => FileLock.TryTakeRest(_fd) == 0;

    /// <summary>Lets go of the first byte: the file is the new process's.</summary>
    internal void LeaveToSuccessor()
    {
        _isSuccessors = true;
        FileLock.Release(_fd);
    }

    /// <summary>Takes the whole; whether nobody else holds a part of it.</summary>
    internal bool TryTakeWhole()
    {
        _isSuccessors = FileLock.TryTake(_fd) != 0;
        return !_isSuccessors;
    }

    /// <summary>How often the file had to be restored.</summary>
    internal int Restored { get; private set; }

    /// <summary>
    /// Writes and locks the file anew where somebody has removed it, or put another one in its place that nobody holds.
    /// What is not a regular file, or is locked by another process, stays as it is.
    /// </summary>
    /// <returns>Whether it was restored.</returns>
    public Either<Problem, bool> Restore()
    {
        lock (HeldHere)
        {
            if (_fd < 0 || _isSuccessors) return false;
            if (FileFacts.Of(_path, follow: false) is { } there)
            {
                if (FileFacts.Of(_fd) is { } held && held.IsSameFile(there)) return false;
                if (!there.IsRegular) return PidFileProblems.NotAFile(_path);
            }
            var flags = Libc.O_RDWR | Libc.O_CREAT | Libc.O_NOFOLLOW | Libc.O_CLOEXEC | Libc.O_NONBLOCK;
            var fd = Libc.open(_path, flags, 0x180 /* 0600 */);
            if (fd < 0) return PidFileProblems.CannotOpen(_path, Errno.Last);
            // A start that was faster holds it now, and will find out that this process runs.
            if (FileLock.TryTake(fd) != 0)
            {
                var holder = FileLock.Holder(fd);
                _ = Libc.close(fd);
                return PidFileProblems.TakenWhileRunning(_path, holder);
            }
            if (FileFacts.Of(fd) is not { Links: > 0, IsRegular: true } mine)
            {
                _ = Libc.close(fd);
                return PidFileProblems.NotAFile(_path);
            }
            _ = Libc.fchmod(fd, 0x180 /* 0600 */);
            HeldHere.RemoveAll(held => ReferenceEquals(held.Holder, this));
            HeldHere.Add((mine, this));
            _ = Libc.close(_fd);
            _fd = fd;
            Restored++;
            return WritePid().Map(_ => true);
        }
    }

    /// <summary>
    /// Removes the file while it is still locked, then lets go of the lock; does nothing the second time.
    /// </summary>
    public void Dispose()
    {
        lock (HeldHere)
        {
            if (_fd < 0) return;
            // A file that replaced this one is kept, and so is one that another process has taken over.
            if (!_isSuccessors && FileFacts.Of(_fd) is { } mine && FileFacts.Of(_path, follow: false) is { } there
                && mine.IsSameFile(there))
                _ = Libc.unlink(_path);
            HeldHere.RemoveAll(held => ReferenceEquals(held.Holder, this));
            _ = Libc.close(_fd);
            _fd = -1;
        }
    }

    private static bool IsHeldHere(string path) =>
        HeldHere.Count > 0 && FileFacts.Of(path, follow: false) is { } there
            && HeldHere.Exists(held => held.File.IsSameFile(there));

    // Null means: try again, the file was replaced or let go between two steps.
    private static Either<Problem, PidFile>? TryLock(string path, int fd)
    {
        if (FileFacts.Of(fd) is not { IsRegular: true } mine) return PidFileProblems.NotAFile(path);
        switch (FileLock.TryTake(fd))
        {
            case 0: break;
            case Errno.EAGAIN or Errno.EACCES:
                var holder = FileLock.Holder(fd);
                if (holder == 0) return null;
                return PidFileProblems.AlreadyRunning(path, holder);
            case var errno: return PidFileProblems.CannotLock(path, errno);
        }
        // The previous holder may have unlinked the file after it was opened here: such a lock excludes nobody.
        if (FileFacts.Of(path, follow: false) is not { } there || !mine.IsSameFile(there)) return null;
        var file = new PidFile(path, fd, Read(fd));
        _ = Libc.fchmod(fd, 0x180 /* 0600 */);
        if (Libc.ftruncate(fd, 0) != 0) return PidFileProblems.CannotWrite(path, Errno.Last);
        HeldHere.Add((mine, file));
        return file;
    }

    private static PidContent Read(int fd)
    {
        Span<byte> buffer = stackalloc byte[PidContent.MaxBytes + 1];
        var length = Descriptors.Read(fd, buffer);
        return length < 0 ? new PidContent.Corrupt() : PidContent.Parse(buffer[..length]);
    }
}
