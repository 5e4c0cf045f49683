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
}
