using LanguageExt;

namespace Bal.Domain.Backend;

/// <summary>Why a connect to the Unix socket of a backend has failed (connect(2), unix(7)).</summary>
public enum SocketFault
{
    /// <summary>ENOENT: there is no such file.</summary>
    Missing,

    /// <summary>ECONNREFUSED: there is a socket, and nobody listens on it.</summary>
    Abandoned,

    /// <summary>EACCES: this user may not write to it, or not search a directory on the way.</summary>
    NotPermitted,

    /// <summary>EAGAIN: as many connections as it allows wait to be accepted.</summary>
    Full,
}

/// <summary>What such a failure means to an operator.</summary>
/// <param name="What">What it is, after the address of the backend.</param>
/// <param name="Why">The likely cause.</param>
/// <param name="Remedy">What to do.</param>
public sealed record SocketFaultText(string What, string Why, string Remedy)
{
    /// <summary>The text for a fault.</summary>
    public static SocketFaultText Of(SocketFault fault) => fault switch
    {
        SocketFault.Missing => new(
            "its socket does not exist",
            "the service is not running, or its socket has another path",
            "start the service, or correct the path"),
        SocketFault.Abandoned => new(
            "nothing listens on its socket",
            "the service is not running, and its socket was left behind",
            "start the service"),
        SocketFault.NotPermitted => new(
            "this user may not connect to its socket",
            "the mode of the socket, or of a directory on the way, keeps the user of bal out",
            "add the user of bal to the group of the socket and restart bal, or change the mode in the configuration "
                + "of the service"),
        _ => new(
            "its queue of waiting connections is full",
            "the service accepts connections too slowly, hangs, or its backlog is small",
            "raise the backlog of the service and net.core.somaxconn, and see what keeps it from accepting"),
    };

    /// <summary>
    /// The same for a failure as it is counted: a missing socket counts as refused, a full queue as a timeout.
    /// </summary>
    public static Option<SocketFaultText> Of(FailureKind kind) => kind switch
    {
        FailureKind.Refused => new SocketFaultText(
            "its socket does not exist, or nothing listens on it",
            "the service is not running, or its socket has another path",
            "start the service, or correct the path"),
        FailureKind.NotPermitted => Of(SocketFault.NotPermitted),
        FailureKind.Timeout => Of(SocketFault.Full),
        _ => Option<SocketFaultText>.None,
    };

    /// <summary>How it is counted.</summary>
    public static FailureKind KindOf(SocketFault fault) => fault switch
    {
        SocketFault.Missing or SocketFault.Abandoned => FailureKind.Refused,
        SocketFault.NotPermitted => FailureKind.NotPermitted,
        _ => FailureKind.Timeout,
    };
}
