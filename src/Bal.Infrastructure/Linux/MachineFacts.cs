using System.Globalization;
using Bal.Domain.Doctor;
using LanguageExt;

namespace Bal.Infrastructure.Linux;

/// <summary>Facts of the file system and of /proc; what cannot be read is unknown, never an error.</summary>
internal static class MachineFacts
{
    private const uint PermissionBits = 0xFFF;
    private static readonly char[] Blanks = [' ', '\t'];

    internal static HomeFact Home(string path)
    {
        if (FileFacts.Of(path, follow: true) is { IsDirectory: true } found)
            return new HomeFact.Present(
                path, found.Owner, (int)(found.Mode & PermissionBits), AccessCheck.MayCreateIn(path));
        if (FileFacts.Of(path, follow: false) is not null) return new HomeFact.NotDirectory(path);
        var ancestor = ExistingAncestor(path);
        return new HomeFact.Missing(path, Directory.Exists(ancestor) && AccessCheck.MayCreateIn(ancestor));
    }

    internal static LogFact Log(string path)
    {
        var state = FileFacts.Of(path, follow: false) switch
        {
            null => LogState.Absent,
            { IsRegular: false, IsCharacterDevice: false } => LogState.NotRegular,
            _ => AccessCheck.MayWriteFile(path) ? LogState.Writable : LogState.NotWritable,
        };
        return new LogFact(path, state, FreeBytes(ExistingAncestor(path)));
    }

    internal static DecisionLogFact DecisionLog(string path, Process.BalHome home) =>
        new(path, FileFacts.Of(path, follow: false) switch
        {
            _ when home.Owns(path) => DecisionLogState.Own,
            { IsRegular: false } => DecisionLogState.NotRegular,
            null when Path.GetDirectoryName(path) is not { } parent || !Directory.Exists(parent) =>
                DecisionLogState.NoDirectory,
            null => AccessCheck.MayCreateIn(Path.GetDirectoryName(path)!)
                ? DecisionLogState.Usable
                : DecisionLogState.NotWritable,
            _ when !AccessCheck.MayWriteFile(path) => DecisionLogState.NotWritable,
            _ => Recording.DecisionFile.IsForeign(path) ? DecisionLogState.Foreign : DecisionLogState.Usable,
        });

    /// <summary>What is found where connections are to be logged.</summary>
    /// <param name="path">The file.</param>
    /// <param name="isOwn">Whether bal uses it for something else.</param>
    internal static AccessLogFact AccessLog(string path, bool isOwn) =>
        new(path, FileFacts.Of(path, follow: false) switch
        {
            _ when isOwn => AccessLogState.Own,
            { IsRegular: false, IsPipe: false } => AccessLogState.NotRegular,
            null when Path.GetDirectoryName(path) is not { } parent || !Directory.Exists(parent) =>
                AccessLogState.NoDirectory,
            null => AccessCheck.MayCreateIn(Path.GetDirectoryName(path)!)
                ? AccessLogState.Usable
                : AccessLogState.NotWritable,
            _ => AccessCheck.MayWriteFile(path) ? AccessLogState.Usable : AccessLogState.NotWritable,
        });

    internal static LimitFacts Limits(Option<int> daemon)
    {
        var ofDaemon = daemon.Map(id => Descriptors(string.Create(CultureInfo.InvariantCulture, $"/proc/{id}/limits")))
            .Filter(words => words.Length >= 5);
        var words = ofDaemon.IfNone(() => Descriptors("/proc/self/limits"));
        var ports = Words(Text("/proc/sys/net/ipv4/ip_local_port_range"));
        return new LimitFacts(
            ofDaemon.IsSome,
            words.Length >= 5 ? Parsed(words[3]) : Option<long>.None,
            words.Length >= 5 ? Parsed(words[4]) : Option<long>.None,
            Number("/proc/sys/net/core/somaxconn"),
            ports.Length == 2
                ? Parsed(ports[0]).Bind(low => Parsed(ports[1]).Map(high => new PortRange((int)low, (int)high)))
                : Option<PortRange>.None,
            Number("/proc/sys/fs/pipe-user-pages-soft"),
            MayExceedPipes(daemon))
        {
            Processors = Environment.ProcessorCount,
        };
    }

    // CAP_SYS_RESOURCE is number 24 and CAP_SYS_ADMIN 21 (linux/capability.h); both lift the limit (pipe(7)).
    private static bool MayExceedPipes(Option<int> daemon)
    {
        var status = daemon.Match(
            Some: id => string.Create(CultureInfo.InvariantCulture, $"/proc/{id}/status"), None: () =>
                "/proc/self/status");
        var words = Words(Line(status, "CapEff:"));
        return words.Length == 2
            && ulong.TryParse(words[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var set)
            && (set & ((1UL << 24) | (1UL << 21))) != 0;
    }

    /// <summary>The first port that needs no capability (ip(7)); 1024 where the kernel does not say.</summary>
    internal static int FirstUnprivilegedPort() =>
        (int)Number("/proc/sys/net/ipv4/ip_unprivileged_port_start").IfNone(1024);

    internal static Option<long> Number(string path) => Parsed(Text(path).Trim());

    private static string[] Descriptors(string path) => Words(Line(path, "Max open files"));

    private static string Line(string path, string prefix) =>
        Text(path).Split('\n').FirstOrDefault(line => line.StartsWith(prefix, StringComparison.Ordinal), "");

    private static string[] Words(string line) =>
        line.Trim().Split(Blanks, StringSplitOptions.RemoveEmptyEntries);

    /// <summary>None for "unlimited".</summary>
    private static Option<long> Parsed(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            ? Prelude.Some(value)
            : Option<long>.None;

    private static string ExistingAncestor(string path)
    {
        var at = Path.GetDirectoryName(path);
        while (at is not null && !Path.Exists(at)) at = Path.GetDirectoryName(at);
        return at ?? "/";
    }

    private static Option<long> FreeBytes(string directory)
    {
        try
        {
            return Prelude.Some(new DriveInfo(directory).AvailableFreeSpace);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return Option<long>.None;
        }
    }

    private static string Text(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
