namespace Bal.Domain.Messages;

/// <summary>
/// What bal asks of the kernel and can do without (docs/reliability.md, Refused by the kernel or the machine).
/// </summary>
public enum Facility
{
    /// <summary>splice(2).</summary>
    Splice,

    /// <summary>pipe2(2), for splicing.</summary>
    Pipe,

    /// <summary>F_SETPIPE_SZ and F_GETPIPE_SZ, fcntl(2).</summary>
    PipeSize,

    /// <summary>SO_RCVLOWAT, socket(7).</summary>
    LowWater,

    /// <summary>TCP_CONGESTION, tcp(7).</summary>
    Congestion,

    /// <summary>TCP_NODELAY, tcp(7).</summary>
    NoDelay,

    /// <summary>IP_BIND_ADDRESS_NO_PORT, ip(7).</summary>
    SourcePort,

    /// <summary>SO_LINGER, socket(7).</summary>
    Linger,

    /// <summary>SO_OOBINLINE, socket(7).</summary>
    UrgentInline,

    /// <summary>SIOCINQ, tcp(7).</summary>
    Unread,

    /// <summary>SIOCOUTQ, tcp(7).</summary>
    Unacknowledged,

    /// <summary>SO_REUSEPORT, socket(7).</summary>
    ReusePort,

    /// <summary>SO_REUSEADDR, socket(7).</summary>
    ReuseAddress,

    /// <summary>SO_ATTACH_FILTER, socket(7).</summary>
    Filter,

    /// <summary>SO_PEERCRED, unix(7).</summary>
    PeerUser,

    /// <summary>inotify(7).</summary>
    Inotify,

    /// <summary>memfd_create(2).</summary>
    SharedMemory,

    /// <summary>RLIMIT_NOFILE, getrlimit(2).</summary>
    DescriptorLimit,

    /// <summary>/dev/null, null(4).</summary>
    NullDevice,

    /// <summary>/dev/urandom, random(4).</summary>
    Random,
}

/// <summary>What the log says of a facility that was refused.</summary>
public static class FacilityText
{
    /// <summary>The name of the event.</summary>
    public const string Event = "facility_refused";

    /// <summary>The stable name that the line has in its field <c>facility</c>.</summary>
    public static string NameOf(Facility facility) => Row(facility).Name;

    /// <summary>The line, said once by a process for each facility.</summary>
    /// <param name="facility">What was refused.</param>
    /// <param name="reason">The system's words for the error.</param>
    public static LogEvent Refused(Facility facility, string reason)
    {
        var (name, call, without) = Row(facility);
        return LogEvent.Warn("kernel", Event, $"{call} is refused ({reason}): {without}",
            LogField.Of("facility", name), LogField.Of("reason", reason));
    }

    /// <summary>The line that says how often a bulk transfer was copied for want of a pipe.</summary>
    /// <param name="times">How often since the last such line.</param>
    /// <param name="reason">Why there was none.</param>
    public static LogEvent PipesExhausted(long times, string reason) => LogEvent.Warn("kernel", "pipes_exhausted",
        $"no pipe to splice through ({reason}): bulk transfers are copied meanwhile, which costs more CPU",
        LogField.Of("times", times), LogField.Of("reason", reason));

    /// <summary>The line that says that the shortage is over.</summary>
    /// <param name="times">How often a bulk transfer found no pipe.</param>
    public static LogEvent PipesAvailable(long times) => LogEvent.Info("kernel", "pipes_available",
        "there are pipes to splice through again", LogField.Of("times", times));

    private static (string Name, string Call, string Without) Row(Facility facility) => facility switch
    {
        Facility.Splice => ("splice", "splice(2)", "bytes are copied instead, which costs more CPU"),
        Facility.Pipe => ("pipe", "pipe2(2)", "bytes are copied instead of spliced, which costs more CPU"),
        Facility.PipeSize => ("pipe_size", "the size of a pipe",
            "pipes of the default size are used, or bytes are copied, which costs more CPU"),
        Facility.LowWater => ("low_water", "SO_RCVLOWAT",
            "bulk transfers wake bal more often, which costs more CPU"),
        Facility.Congestion => ("congestion", "TCP_CONGESTION",
            "connections on loopback keep the machine's congestion control, which may be slow there"),
        Facility.NoDelay => ("no_delay", "TCP_NODELAY", "small messages may be delayed by some 40 ms"),
        Facility.SourcePort => ("source_port", "IP_BIND_ADDRESS_NO_PORT",
            "each address of source_addresses has its local ports once for all backends, not once for each"),
        Facility.Linger => ("linger", "SO_LINGER", "connections are reset by other means"),
        Facility.UrgentInline => ("urgent_inline", "SO_OOBINLINE", "an urgent byte is left out of the stream"),
        Facility.Unread => ("unread", "SIOCINQ",
            "a client that leaves while a backend is tried is noticed only once the backend has answered"),
        Facility.Unacknowledged => ("unacknowledged", "SIOCOUTQ",
            "a reset is passed on a second later, so that the bytes before it arrive"),
        Facility.ReusePort => ("reuse_port", "SO_REUSEPORT",
            "the event loops accept from one socket, and a reload to an overlapping address is refused"),
        Facility.ReuseAddress => ("reuse_address", "SO_REUSEADDR",
            "a start soon after a stop may find its port taken for up to a minute"),
        Facility.Filter => ("filter", "SO_ATTACH_FILTER",
            "clients that are connecting while a reload gives up an address may be reset"),
        Facility.PeerUser => ("peer_user", "SO_PEERCRED",
            "requests on the control socket are refused, as their sender is unknown; signals still work"),
        Facility.Inotify => ("inotify", "inotify(7)",
            "a PID file or control socket that is removed is not restored until the next start"),
        Facility.SharedMemory => ("shared_memory", "memfd_create(2)",
            "'bal upgrade' is not possible; stop and start bal instead"),
        Facility.DescriptorLimit => ("descriptor_limit", "the limit on open files (prlimit(2))",
            "it is not raised, and bal does not check it against the connections that the file allows"),
        Facility.NullDevice => ("null_device", "/dev/null",
            "the standard streams of the daemon are closed in another way"),
        Facility.Random => ("random", "/dev/urandom", "hash tables are seeded by the clock"),
        _ => throw new System.Diagnostics.UnreachableException(),
    };
}
