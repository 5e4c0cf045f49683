using System.Text;
using Bal.Domain.Doctor;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Infrastructure.Linux;

/// <summary>The file of a listening Unix socket, as it was when bal made it or got it.</summary>
/// <param name="Path">Its path.</param>
/// <param name="Facts">Tells it from what may have taken its place since.</param>
internal sealed record SocketFile(string Path, FileFacts Facts)
{
    private const int OPath = 0x200000;

    /// <summary>The file at a path; null where there is none, or it is not a socket.</summary>
    public static SocketFile? At(string path) =>
        FileFacts.Of(path, follow: false) is { IsSocket: true } facts ? new(path, facts) : null;

    /// <summary>Removes it, unless another file has taken its place.</summary>
    public void Unlink()
    {
        if (IsThere)
            _ = Libc.unlink(Path);
    }

    /// <summary>Gives it a mode; zero or errno. What has taken its place keeps its own.</summary>
    public int SetMode(int mode)
    {
        // By a descriptor, since chmod(2) follows symbolic links.
        var fd = Libc.open(Path, OPath | Libc.O_NOFOLLOW | Libc.O_CLOEXEC, 0);
        if (fd < 0)
            return Errno.Last;
        var error = FileFacts.Of(fd) is { } facts && facts.IsSameFile(Facts)
            ? Libc.chmod($"/proc/self/fd/{fd}", (uint)mode) == 0 ? 0 : Errno.Last
            : Errno.ENOENT;
        _ = Libc.close(fd);
        // Without /proc there is only the path, which was the right one a moment ago.
        return error == Errno.ENOENT && IsThere ? Libc.chmod(Path, (uint)mode) == 0 ? 0 : Errno.Last : error;
    }

    private bool IsThere => FileFacts.Of(Path, follow: false) is { IsSocket: true } now && now.IsSameFile(Facts);
}

/// <summary>Unix sockets by their path (unix(7)).</summary>
internal static unsafe class UnixSockets
{
    private const int SoDomain = 39;
    private const int FamilyBytes = 2;

    /// <summary>Whether it is a Unix socket.</summary>
    public static bool Is(int fd) => Sockets.GetOption(fd, Libc.SOL_SOCKET, SoDomain) == Libc.AF_UNIX;

    /// <summary>The path that a Unix socket is bound to; null where it is no such socket, or has no path.</summary>
    public static string? PathOf(int fd)
    {
        var room = FamilyBytes + Host.Unix.MaxPathBytes + 1;
        var bytes = stackalloc byte[room];
        var length = (uint)room;
        if (Libc.getsockname(fd, bytes, &length) != 0)
            return null;
        var address = new ReadOnlySpan<byte>(bytes, (int)Math.Min(length, room));
        if (address.Length <= FamilyBytes || !SockAddr.IsUnix(address) || address[FamilyBytes] == 0)
            return null;
        var path = address[FamilyBytes..];
        return Encoding.UTF8.GetString(path.IndexOf((byte)0) is var end and >= 0 ? path[..end] : path);
    }

    /// <summary>
    /// What an errno of connect(2) to a Unix socket says in terms of TCP. Where there is no file, nobody listens; and
    /// where the queue of the listener is full, a host that is as late would not answer.
    /// </summary>
    public static int MeaningOf(int error) => error switch
    {
        Errno.ENOENT or Errno.ENOTDIR => Errno.ECONNREFUSED,
        Errno.EAGAIN => Errno.ETIMEDOUT,
        _ => error,
    };

    /// <summary>Connects for a moment; zero or the errno of connect(2) as it is.</summary>
    public static int Try(string path)
    {
        var fd = Libc.socket(Libc.AF_UNIX, Libc.SOCK_STREAM | Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC, 0);
        if (fd < 0)
            return Sockets.LastError;
        var error = Connect(fd, path);
        _ = Libc.close(fd);
        return error;
    }

    /// <summary>connect(2); zero or errno. It succeeds or fails at once.</summary>
    public static int Connect(int fd, string path)
    {
        var address = SockAddr.OfUnix(path);
        fixed (byte* bytes = address)
            return Libc.connect(fd, bytes, (uint)address.Length) == 0 ? 0 : Sockets.LastError;
    }

    /// <summary>
    /// Opens a listening socket. Its file has no permissions when it appears and gets its mode once the socket listens,
    /// so that nobody is refused or let in meanwhile who should not be.
    /// </summary>
    /// <param name="path">Where. What a listener of this user has left there is replaced.</param>
    /// <param name="backlog">See listen(2).</param>
    /// <param name="mode">Permission bits.</param>
    public static Either<BindOutcome, (int Fd, SocketFile File)> Listen(string path, int backlog, int mode)
    {
        var room = RoomFor(path);
        if (room is not BindOutcome.Free)
            return room;
        var fd = Libc.socket(Libc.AF_UNIX, Libc.SOCK_STREAM | Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC, 0);
        if (fd < 0)
            return Failed(Sockets.LastError);
        // A stale one goes only now, when nothing but bind(2) and listen(2) is left to fail.
        if (SocketFile.At(path) is { } stale)
            stale.Unlink();
        // bind(2) gives the file the mode of the socket's inode.
        var error = Libc.fchmod(fd, 0) == 0 ? Sockets.Bind(fd, SockAddr.OfUnix(path)) : Errno.Last;
        if (error != 0)
        {
            _ = Libc.close(fd);
            return Failed(error);
        }

        var file = SocketFile.At(path);
        if (Libc.listen(fd, backlog) != 0)
            error = Sockets.LastError;
        if (error == 0)
            error = file?.SetMode(mode) ?? Errno.ENOENT;
        if (error == 0)
            return (fd, file!);
        file?.Unlink();
        _ = Libc.close(fd);
        return Failed(error);
    }

    /// <summary>
    /// Whether a socket could be opened at a path: <see cref="BindOutcome.Free"/> also where what a listener of this
    /// user has left there would be replaced. Changes nothing.
    /// </summary>
    public static BindOutcome RoomFor(string path)
    {
        if (FileFacts.Of(path, follow: false) is not { } there)
        {
            var missing = Errno.Last;
            var directory = Path.GetDirectoryName(path)!;
            return missing != Errno.ENOENT ? Failed(missing)
                : FileFacts.Of(directory, follow: true) is not { } its ? Failed(Errno.Last)
                : !its.IsDirectory ? Failed(Errno.ENOTDIR)
                : !AccessCheck.MayCreateIn(directory) ? Failed(Errno.Last)
                : new BindOutcome.Free();
        }

        if (!there.IsSocket)
            return new BindOutcome.Occupied(
                there.IsDirectory ? "a directory"
                : there.IsRegular ? "a file that is not a socket"
                : "something that is not a socket");
        if (there.Owner != Libc.geteuid())
            return new BindOutcome.Occupied(UserNames.Of(there.Owner).Match(
                name => $"a socket of the user {name}", () => $"a socket of the user with the number {there.Owner}"));
        return Try(path) switch
        {
            Errno.ECONNREFUSED => new BindOutcome.Free(),
            // Somebody listens, even if the queue is full.
            0 or Errno.EAGAIN => new BindOutcome.HeldByOther(SocketTable.HolderOf(SocketTable.ListenersOn(path))),
            Errno.EPROTOTYPE => new BindOutcome.Occupied("a socket of another kind"),
            var error => new BindOutcome.Occupied(
                $"a socket that does not say whether it is in use: {Errno.Text(error)}"),
        };
    }

    private static BindOutcome Failed(int error) => new BindOutcome.Failed(Errno.Text(error));
}
