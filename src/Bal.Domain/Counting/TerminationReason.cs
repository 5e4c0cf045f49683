using Bal.Domain.Admission;
using LanguageExt;

namespace Bal.Domain.Counting;

/// <summary>Why a proxied connection ended; <see cref="ServiceCounters.All"/> has the words.</summary>
public enum TerminationReason
{
    /// <summary>Both sides had sent their FIN.</summary>
    Completed,

    /// <summary>The client sent an RST.</summary>
    ClientReset,

    /// <summary>The backend sent an RST.</summary>
    BackendReset,

    /// <summary>The client went away while a backend was being connected.</summary>
    ClientAborted,

    /// <summary>No byte in either direction for the idle timeout.</summary>
    IdleTimeout,

    /// <summary>Every candidate failed.</summary>
    NoBackend,

    /// <summary>This machine ran out of something (descriptors, ports, memory).</summary>
    LocalFailure,

    /// <summary>Cut by the end of a drain.</summary>
    Cut,

    /// <summary>No byte in either direction for the time allowed once one side had sent its FIN.</summary>
    HalfClosedTimeout,

    /// <summary>A peer no longer answered: neither keepalive probes nor what was sent to it again and again.</summary>
    PeerTimeout,

    /// <summary>Its backend went down, and the service ends the connections of such a backend.</summary>
    BackendDown,

    /// <summary>A primary is up again, and the service then ends the connections of backups.</summary>
    PrimaryUp,

    /// <summary>An operator drained its backend, and had what was left ended.</summary>
    Drain,

    /// <summary>Every usable backend was full, and the queue as well.</summary>
    RejectedQueueFull,

    /// <summary>Every usable backend was full for as long as a client may wait.</summary>
    RejectedQueueTimeout,

    /// <summary>The connection limit of its service was reached.</summary>
    RejectedLimit,

    /// <summary><c>allow</c> or <c>deny</c> excludes the client.</summary>
    RejectedDenied,

    /// <summary>The client had as many connections as one may have.</summary>
    RejectedClientLimit,

    /// <summary>The client connected more often than one may.</summary>
    RejectedClientRate,

    /// <summary>It did not begin with a PROXY header.</summary>
    RejectedProxyHeader,

    /// <summary>No service has the name that the client asked for.</summary>
    RejectedServerName,

    /// <summary>An operator ended it.</summary>
    SessionsReset,
}

/// <summary>The ends of connections that the log tells of: nobody asked for them.</summary>
public static class Silences
{
    /// <summary>The reasons. New ones come last: the places are written down.</summary>
    public static Arr<TerminationReason> All { get; } = new(
        [TerminationReason.IdleTimeout, TerminationReason.HalfClosedTimeout, TerminationReason.PeerTimeout]);

    /// <summary>Nothing has ended for any of them.</summary>
    public static Arr<Notice> None { get; } = All.Map(_ => Notice.None);

    /// <summary>The place of a reason in <see cref="All"/>.</summary>
    public static int PlaceOf(TerminationReason reason) => All.IndexOf(reason);
}

/// <summary>The ends of connections of clients that were not served.</summary>
public static class Rejections
{
    /// <summary>How the connection ends of a client that is rejected; none where it never was one.</summary>
    public static Option<TerminationReason> EndOf(Refusal reason) => reason switch
    {
        Refusal.Limit => TerminationReason.RejectedLimit,
        Refusal.Denied => TerminationReason.RejectedDenied,
        Refusal.QueueFull => TerminationReason.RejectedQueueFull,
        Refusal.QueueTimeout => TerminationReason.RejectedQueueTimeout,
        Refusal.ClientLimit => TerminationReason.RejectedClientLimit,
        Refusal.ClientRate => TerminationReason.RejectedClientRate,
        Refusal.ProxyHeader => TerminationReason.RejectedProxyHeader,
        Refusal.ServerName => TerminationReason.RejectedServerName,
        _ => Option<TerminationReason>.None,
    };
}
