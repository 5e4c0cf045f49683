using Bal.Domain.Doctor;

namespace Bal.Domain.Counting;

/// <summary>Why a proxied connection ended.</summary>
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

/// <summary>How many connections ended for a reason since the start.</summary>
/// <param name="Reason">The reason.</param>
/// <param name="Count">How many.</param>
public sealed record TerminationCount(TerminationReason Reason, long Count);

/// <summary>The stable words of the reasons.</summary>
public static class TerminationText
{
    /// <summary>The snake_case name of a reason, as JSON and text show it.</summary>
    public static string Of(TerminationReason reason) => reason switch
    {
        TerminationReason.Completed => "completed",
        TerminationReason.ClientReset => "client_reset",
        TerminationReason.BackendReset => "backend_reset",
        TerminationReason.ClientAborted => "client_aborted",
        TerminationReason.IdleTimeout => "idle_timeout",
        TerminationReason.NoBackend => "no_backend",
        TerminationReason.LocalFailure => "local_failure",
        _ => "cut",
    };
}
