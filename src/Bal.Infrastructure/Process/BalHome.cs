using System.Text;
using Bal.Domain.Messages;
using Bal.Infrastructure.Linux;
using LanguageExt;

namespace Bal.Infrastructure.Process;

/// <summary>
/// The directory of one instance of bal and the files in it, all absolute (docs/behaviour.md, Files).
/// </summary>
/// <param name="Root">The directory.</param>
public sealed record BalHome(string Root)
{
    /// <summary>The longest socket path that unix(7) has room for, its closing NUL not counted.</summary>
    private const int MaxSocketPath = 107;

    /// <summary>That of the packaged systemd unit (packaging/systemd/bal.service, StateDirectory=).</summary>
    public static BalHome OfUnit { get; } = new("/var/lib/bal");

    /// <summary>The configuration that is used where nothing else is named.</summary>
    public string ConfigFile => Path.Combine(Root, "config.yaml");

    /// <summary>The locked PID file.</summary>
    public string PidFile => Path.Combine(Root, "bal.pid");

    /// <summary>The control socket.</summary>
    public string ControlSocket => Path.Combine(Root, "bal.sock");

    /// <summary>The daemon's log.</summary>
    public string LogFile => Path.Combine(Root, "bal.log");

    /// <summary>What operators have ordered, while that is other than the configuration.</summary>
    public string OverrideFile => Path.Combine(Root, "overrides.json");

    /// <summary>Whether a path names a file that bal itself writes, by whatever name.</summary>
    public bool Owns(string path)
    {
        var full = Path.GetFullPath(path);
        var its = FileFacts.Of(full, follow: true);
        return new[] { PidFile, ControlSocket, LogFile, OverrideFile }.Any(own =>
            own == full || (its is { } a && FileFacts.Of(own, follow: true) is { } b && a.IsSameFile(b)));
    }

    /// <summary>
    /// <c>BAL_HOME</c>, made absolute against <paramref name="directory"/>, else <c>.bal</c> in <c>HOME</c>. An empty
    /// variable counts as unset. Nothing is created.
    /// </summary>
    public static Either<Problem, BalHome> Locate(Func<string, string?> variable, string directory)
    {
        var (given, home) = (variable("BAL_HOME"), variable("HOME"));
        if (string.IsNullOrEmpty(given) && string.IsNullOrEmpty(home))
            return new Problem(
                "home_unknown",
                "bal cannot tell where its files are: neither BAL_HOME nor HOME is set",
                "it was started by a service manager or by cron, which set no HOME",
                "set BAL_HOME to a directory of its own, for example BAL_HOME=/var/lib/bal");
        var root = string.IsNullOrEmpty(given) ? Path.Combine(home!, ".bal") : given;
        var located = new BalHome(Path.TrimEndingDirectorySeparator(Path.GetFullPath(root, directory)));
        var length = Encoding.UTF8.GetByteCount(located.ControlSocket);
        if (length > MaxSocketPath)
            return new Problem(
                "home_path_too_long",
                $"the control socket path {located.ControlSocket} has {length} bytes; at most {MaxSocketPath} fit",
                "the path of BAL_HOME is too long",
                "set BAL_HOME to a shorter path");
        return located;
    }

    /// <summary>
    /// Makes sure that the directory is there, 0700 where it has to be created (parents 0755 under the umask), and
    /// that nobody but its owner decides what is in it.
    /// </summary>
    public Either<Problem, Unit> Ensure()
    {
        if (Create(Root, 0x1C0 /* 0700 */) is var errno and not 0) return CannotCreate(errno);
        if (FileFacts.Of(Root, follow: true) is not { } facts) return CannotCreate(Errno.Last);
        if (!facts.IsDirectory) return CannotCreate(Errno.ENOTDIR);
        if (facts.Owner != Libc.geteuid())
            return new Problem(
                "home_foreign",
                $"the directory {Root} belongs to user {facts.Owner}, and bal runs as user {Libc.geteuid()}",
                "bal was started with sudo, or BAL_HOME belongs to another user",
                AccessCheck.MayCreateIn(Root)
                    ? $"set BAL_HOME={Root.TrimEnd('/')}/bal, which bal creates for this user"
                    : "run bal as the owner of the directory, or set BAL_HOME to a directory of your own");
        if (facts.IsWorldWritable)
            return new Problem(
                "home_world_writable",
                $"any user can write to the directory {Root}, and so could replace bal's files",
                "BAL_HOME is a shared directory such as /tmp, or its permissions were opened",
                $"run 'chmod 700 {Root}', or set BAL_HOME to a directory of its own");
        return Unit.Default;
    }

    private static int Create(string path, uint mode)
    {
        if (FileFacts.Of(path, follow: true) is not null) return 0;
        if (Errno.Last != Errno.ENOENT) return Errno.Last;
        if (Path.GetDirectoryName(path) is { } parent && Create(parent, 0x1ED /* 0755 */) is var errno and not 0)
            return errno;
        return Libc.mkdir(path, mode) == 0 || Errno.Last == Errno.EEXIST ? 0 : Errno.Last;
    }

    private Problem CannotCreate(int errno) => new(
        "home_unusable",
        $"the directory {Root} cannot be used: {Errno.Text(errno)}",
        errno switch
        {
            Errno.EACCES or Errno.EPERM => "a directory above it belongs to another user",
            Errno.ENOTDIR => "it, or something above it, is a file",
            Errno.EROFS => "the file system is mounted read-only",
            Errno.ENOSPC or Errno.EDQUOT => "the disk or the quota is full",
            Errno.ELOOP or Errno.ENOENT => "it is a dangling symbolic link",
            _ => "the system refused it",
        },
        "set BAL_HOME to a directory that you can write to");
}
