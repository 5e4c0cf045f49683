using Bal.Domain.Config;
using Bal.Domain.Messages;
using LanguageExt;

namespace Bal.Domain.Doctor;

/// <summary>Everything that doctor observed, and nothing that it thinks of it.</summary>
/// <param name="Config">The configuration file.</param>
/// <param name="Home">The directory BAL_HOME.</param>
/// <param name="Pid">The PID file in it.</param>
/// <param name="Control">What came back from the control socket.</param>
/// <param name="Binds">One entry per service; empty without a valid configuration.</param>
/// <param name="Backends">One entry per backend in the order of the file; empty without a valid configuration.</param>
/// <param name="Limits">Limits of the process and of the kernel.</param>
/// <param name="EffectiveUserId">The user that doctor ran as; 0 is root.</param>
/// <param name="Log">The daemon's log file.</param>
public sealed record DoctorFacts(
    ConfigFact Config,
    HomeFact Home,
    PidFact Pid,
    ControlFact Control,
    Arr<BindFact> Binds,
    Arr<BackendFact> Backends,
    LimitFacts Limits,
    long EffectiveUserId,
    LogFact Log)
{
    /// <summary>The file that decisions are recorded in; none where the configuration names none.</summary>
    public Option<DecisionLogFact> DecisionLog { get; init; }

    /// <summary>The file of the access log; none where the configuration names none.</summary>
    public Option<AccessLogFact> AccessLog { get; init; }

    /// <summary>The path of the control socket, where a directory lies that no start can replace.</summary>
    public Option<string> BlockedSocket { get; init; }
}

/// <summary>The file that decisions are recorded in.</summary>
/// <param name="Path">The absolute path.</param>
/// <param name="State">What this user finds there.</param>
public sealed record DecisionLogFact(string Path, DecisionLogState State)
{
    /// <summary>Whether root writes it outside of the directory of the configuration.</summary>
    public bool IsElsewhereAsRoot { get; init; }
}

/// <summary>The file that connections are logged in.</summary>
/// <param name="Path">The absolute path.</param>
/// <param name="State">What this user finds there.</param>
public sealed record AccessLogFact(string Path, AccessLogState State);

/// <summary>Whether connections can be logged in a file.</summary>
public enum AccessLogState
{
    /// <summary>It is there and may be written, or may be made.</summary>
    Usable,

    /// <summary>Its directory does not exist.</summary>
    NoDirectory,

    /// <summary>This user may not write or make it.</summary>
    NotWritable,

    /// <summary>It is a directory, a symbolic link, a device or a socket.</summary>
    NotRegular,

    /// <summary>It is another file that bal itself uses.</summary>
    Own,
}

/// <summary>Whether decisions can be recorded in a file.</summary>
public enum DecisionLogState
{
    /// <summary>It is there and may be written, or may be made.</summary>
    Usable,

    /// <summary>Its directory does not exist.</summary>
    NoDirectory,

    /// <summary>This user may not write or make it.</summary>
    NotWritable,

    /// <summary>It is a directory, a symbolic link, a device or a pipe.</summary>
    NotRegular,

    /// <summary>It contains something other than decisions.</summary>
    Foreign,

    /// <summary>It is another file that bal itself writes.</summary>
    Own,
}

/// <summary>What became of finding, reading and validating the configuration.</summary>
public abstract record ConfigFact
{
    private ConfigFact() { }

    /// <summary>No file was found, or it could not be read.</summary>
    /// <param name="Reason">Why, as the loader says it.</param>
    public sealed record Unavailable(Problem Reason) : ConfigFact;

    /// <summary>The file was read.</summary>
    /// <param name="Path">The absolute path.</param>
    /// <param name="Outcome">The configuration, unless a finding is an error.</param>
    public sealed record Read(string Path, ConfigOutcome Outcome) : ConfigFact;

    /// <summary>Applies the function of the case that this fact is.</summary>
    public T Match<T>(Func<Unavailable, T> unavailable, Func<Read, T> read) => this switch
    {
        Unavailable u => unavailable(u),
        Read r => read(r),
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    /// <summary>The valid configuration, if there is one.</summary>
    public Option<BalConfig> Valid => Match(_ => Option<BalConfig>.None, r => r.Outcome.Config);
}

/// <summary>What stands at the path BAL_HOME.</summary>
public abstract record HomeFact
{
    private HomeFact(string path) => Path = path;

    /// <summary>The absolute path.</summary>
    public string Path { get; }

    /// <summary>Nothing: the first start creates it.</summary>
    public sealed record Missing : HomeFact
    {
        /// <summary>Creates the fact; <paramref name="creatable"/> says whether this user could create it.</summary>
        public Missing(string path, bool creatable) : base(path) => Creatable = creatable;

        /// <summary>Whether the nearest existing ancestor is a directory that this user may write to.</summary>
        public bool Creatable { get; }
    }

    /// <summary>Something that is not a directory.</summary>
    public sealed record NotDirectory : HomeFact
    {
        /// <summary>Creates the fact.</summary>
        public NotDirectory(string path) : base(path) { }
    }

    /// <summary>A directory.</summary>
    public sealed record Present : HomeFact
    {
        /// <summary>Creates the fact from what stat(2) and access(2) said.</summary>
        public Present(string path, long owner, int mode, bool writable) : base(path) =>
            (Owner, Mode, Writable) = (owner, mode, writable);

        /// <summary>The user that it belongs to.</summary>
        public long Owner { get; }

        /// <summary>The permission bits, such as octal 0700.</summary>
        public int Mode { get; }

        /// <summary>Whether this user may create files in it.</summary>
        public bool Writable { get; }
    }

    /// <summary>Applies the function of the case that this fact is.</summary>
    public T Match<T>(Func<Missing, T> missing, Func<NotDirectory, T> notDirectory, Func<Present, T> present) =>
        this switch
        {
            Missing m => missing(m),
            NotDirectory n => notDirectory(n),
            Present p => present(p),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
}

/// <summary>What the PID file says; the lock on it decides, never its text alone.</summary>
public abstract record PidFact
{
    private PidFact() { }

    /// <summary>There is no PID file.</summary>
    public sealed record Absent : PidFact;

    /// <summary>Nobody holds the lock: what a killed daemon left, or foreign content.</summary>
    /// <param name="Content">The content as text, such as <c>empty</c> or <c>pid 4711</c>.</param>
    public sealed record Stale(string Content) : PidFact;

    /// <summary>A process holds the lock.</summary>
    /// <param name="ProcessId">Its PID; none while it is still starting.</param>
    public sealed record Held(Option<int> ProcessId) : PidFact;

    /// <summary>The file could not be examined.</summary>
    /// <param name="Reason">Why not.</param>
    public sealed record Unreadable(Problem Reason) : PidFact;

    /// <summary>Whether a daemon runs, starts or ends.</summary>
    public bool IsHeld => Match(absent: () => false, stale: _ => false, held: _ => true, unreadable: _ => false);

    /// <summary>Applies the function of the case that this fact is.</summary>
    public T Match<T>(
        Func<T> absent, Func<Stale, T> stale, Func<Held, T> held, Func<Unreadable, T> unreadable) => this switch
        {
            Absent => absent(),
            Stale s => stale(s),
            Held h => held(h),
            Unreadable u => unreadable(u),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
}

/// <summary>What came back from the control socket.</summary>
public abstract record ControlFact
{
    private ControlFact() { }

    /// <summary>No daemon holds the PID file, so there was nobody to ask.</summary>
    public sealed record NotAsked : ControlFact;

    /// <summary>The daemon answered.</summary>
    /// <param name="ConfigPath">The file that it was started with; empty where there is none.</param>
    /// <param name="Listener">Where it listens, as <c>address:port</c>.</param>
    /// <param name="ProtectionReason">Why protection mode is on; none while it is off.</param>
    public sealed record Answered(string ConfigPath, string Listener, Option<string> ProtectionReason) : ControlFact;

    /// <summary>The daemon should have answered and did not.</summary>
    /// <param name="Reason">What was tried, how it failed, and what to do.</param>
    public sealed record Silent(Problem Reason) : ControlFact;

    /// <summary>Applies the function of the case that this fact is.</summary>
    public T Match<T>(Func<T> notAsked, Func<Answered, T> answered, Func<Silent, T> silent) => this switch
    {
        NotAsked => notAsked(),
        Answered a => answered(a),
        Silent s => silent(s),
        _ => throw new System.Diagnostics.UnreachableException(),
    };
}

/// <summary>Limits that decide how many connections fit; none where the kernel did not say.</summary>
/// <param name="OfDaemon">Whether the descriptor limits are those of the running daemon, not of this shell.</param>
/// <param name="SoftDescriptors">Soft RLIMIT_NOFILE; <c>start</c> raises it to the hard one.</param>
/// <param name="HardDescriptors">Hard RLIMIT_NOFILE; none also where it is unlimited.</param>
/// <param name="ListenBacklog">net.core.somaxconn, which caps every listen(2) backlog.</param>
/// <param name="EphemeralPorts">net.ipv4.ip_local_port_range, from which outgoing connections take their port.</param>
/// <param name="PipePages">fs.pipe-user-pages-soft, in pages; 0 is unlimited.</param>
/// <param name="PipesUnlimited">The process is exempt from it: it has CAP_SYS_RESOURCE or CAP_SYS_ADMIN.</param>
public sealed record LimitFacts(
    bool OfDaemon,
    Option<long> SoftDescriptors,
    Option<long> HardDescriptors,
    Option<long> ListenBacklog,
    Option<PortRange> EphemeralPorts,
    Option<long> PipePages,
    bool PipesUnlimited)
{
    /// <summary>Usable cores: as many event loops run unless the file says otherwise.</summary>
    public int Processors { get; init; } = 1;

    /// <summary>Nothing is known.</summary>
    public static LimitFacts Unknown => new(
        false, Option<long>.None, Option<long>.None, Option<long>.None, Option<PortRange>.None, Option<long>.None,
        PipesUnlimited: false);
}

/// <summary>A range of ports, both ends included.</summary>
/// <param name="Low">The first port.</param>
/// <param name="High">The last port.</param>
public sealed record PortRange(int Low, int High)
{
    /// <summary>How many ports there are.</summary>
    public int Count => Math.Max(0, High - Low + 1);

    /// <summary>Whether <paramref name="port"/> is one of them.</summary>
    public bool Contains(int port) => port >= Low && port <= High;
}

/// <summary>The log file of the daemon.</summary>
/// <param name="Path">The absolute path.</param>
/// <param name="State">What stands there.</param>
/// <param name="FreeBytes">Free space of its file system for this user; none where unknown.</param>
public sealed record LogFact(string Path, LogState State, Option<long> FreeBytes);

/// <summary>What stands at the path of the log file.</summary>
public enum LogState
{
    /// <summary>Nothing yet.</summary>
    Absent,

    /// <summary>A regular file that this user may write to.</summary>
    Writable,

    /// <summary>A regular file that this user may not write to.</summary>
    NotWritable,

    /// <summary>A symbolic link, a directory or another thing that bal refuses to write to.</summary>
    NotRegular,
}
