using Bal.Domain.Messages;
using Bal.Domain.Recording;
using Bal.Infrastructure.Linux;
using LanguageExt;

namespace Bal.Infrastructure.Recording;

/// <summary>
/// The file that decisions are recorded in: appended to in whole lines, and locked, since two processes would spoil
/// each other's lines. Used by one thread.
/// </summary>
internal sealed class DecisionFile : IDisposable
{
    private static readonly byte[] FirstBytes = "{\"decision_log\":"u8.ToArray();

    // Longer than the checksum that ends a line.
    private const int TailLength = 64;

    private readonly int _fd;

    private DecisionFile(string path, int fd, long size)
    {
        (Path, _fd, Size) = (path, fd, size);
        var tail = new byte[Math.Min(size, TailLength)];
        if (tail.Length > 1 && Descriptors.ReadAt(fd, tail, size - tail.Length) == tail.Length)
            LastChain = DecisionChain.Of(tail.AsSpan(0, tail.Length - 1));
    }

    /// <summary>The checksum of the line that ended the file when it was opened; none where it was empty.</summary>
    internal Option<DecisionChain> LastChain { get; }

    /// <summary>Where it was opened.</summary>
    internal string Path { get; }

    /// <summary>The bytes in it, whole lines only.</summary>
    internal long Size { get; private set; }

    /// <summary>
    /// Opens it for appending, 0600 where it is created, following no symlink. Half a line at its end, which a crash
    /// or a power cut has left, is removed. A file that is not a decision log is left alone.
    /// </summary>
    internal static Either<Problem, DecisionFile> Open(string path)
    {
        var flags =
            Libc.O_RDWR | Libc.O_APPEND | Libc.O_CREAT | Libc.O_NOFOLLOW | Libc.O_CLOEXEC | Libc.O_NONBLOCK;
        var fd = Libc.open(path, flags, 0x180 /* 0600 */);
        if (fd < 0) return DecisionFileProblems.NotOpened(path, Errno.Last);
        var opened = Check(path, fd).Map(size => new DecisionFile(path, fd, size));
        if (opened.IsLeft) _ = Libc.close(fd);
        return opened;
    }

    /// <summary>Whether a file that can be read contains something other than decisions.</summary>
    internal static bool IsForeign(string path) => RegularFile.Open(path).Match(
        Right: handle =>
        {
            using (handle)
                return !BeginsAsOne((into, offset) => RandomAccess.Read(handle, into, offset));
        },
        Left: _ => false);

    private static bool BeginsAsOne(Func<byte[], long, int> readAt)
    {
        var head = new byte[FirstBytes.Length];
        var length = readAt(head, 0);
        return length == 0 || (length == head.Length && head.AsSpan().SequenceEqual(FirstBytes));
    }

    /// <summary>Writes whole lines, or nothing of them.</summary>
    /// <returns>0, or why not.</returns>
    internal int Append(ReadOnlySpan<byte> lines)
    {
        var sent = 0;
        while (sent < lines.Length)
        {
            var count = Descriptors.Write(_fd, lines[sent..]);
            if (count > 0)
            {
                sent += count;
                continue;
            }

            var errno = count < 0 ? Errno.Last : Errno.EIO;
            if (errno == Errno.EINTR) continue;
            _ = Libc.ftruncate(_fd, Size);
            return errno;
        }

        Size += lines.Length;
        return 0;
    }

    /// <summary>
    /// Puts the file aside as <c>FILE.1</c>, over the one that was put aside before; nothing where its path names
    /// another file by now, because somebody else has put it aside. 0, or the errno.
    /// </summary>
    internal int PutAside()
    {
        var mine = FileFacts.Of(_fd);
        var there = FileFacts.Of(Path, follow: false);
        return mine is { } a && there is { } b && a.IsSameFile(b) && Libc.rename(Path, Path + ".1") != 0
            ? Errno.Last
            : 0;
    }

    public void Dispose() => _ = Libc.close(_fd);

    private static Either<Problem, long> Check(string path, int fd)
    {
        if (FileFacts.Of(fd) is not { IsRegular: true }) return DecisionFileProblems.NotRegular(path);
        if (FileLock.TryTake(fd) != 0) return DecisionFileProblems.InUse(path, FileLock.Holder(fd));
        var size = Libc.EndOf(fd);
        if (size == 0) return 0L;
        if (!BeginsAsOne((into, offset) => Descriptors.ReadAt(fd, into, offset)))
            return DecisionFileProblems.Foreign(path);
        var whole = EndOfLastLine(fd, size);
        return whole == size || Libc.ftruncate(fd, whole) == 0
            ? whole
            : DecisionFileProblems.NotOpened(path, Errno.Last);
    }

    private static long EndOfLastLine(int fd, long size)
    {
        var block = new byte[64 * 1024];
        for (var end = size; end > 0;)
        {
            var start = Math.Max(0, end - block.Length);
            var length = Descriptors.ReadAt(fd, block.AsSpan(0, (int)(end - start)), start);
            if (length <= 0) return size;
            if (block.AsSpan(0, length).LastIndexOf((byte)'\n') is >= 0 and var at) return start + at + 1;
            end = start;
        }

        return 0;
    }
}
