using Bal.Domain.Config;
using LanguageExt;

namespace Bal.Domain.Doctor;

/// <summary>What an attempt to bind one listener showed.</summary>
/// <param name="Listener">The address as configured.</param>
/// <param name="Outcome">What happened.</param>
public sealed record BindFact(Listener Listener, BindOutcome Outcome);

/// <summary>A process, as far as /proc shows it.</summary>
/// <param name="ProcessId">Its PID.</param>
/// <param name="Command">The content of /proc/PID/comm; empty where unreadable.</param>
public sealed record PortHolder(int ProcessId, string Command);

/// <summary>The outcomes of trying to bind an address.</summary>
public abstract record BindOutcome
{
    private BindOutcome() { }

    /// <summary>It can be bound.</summary>
    public sealed record Free : BindOutcome;

    /// <summary>The running daemon of this BAL_HOME holds it, which is how it should be.</summary>
    /// <param name="ProcessId">The daemon's PID, where known.</param>
    public sealed record HeldByOwnDaemon(Option<int> ProcessId) : BindOutcome;

    /// <summary>Another process holds it (EADDRINUSE).</summary>
    /// <param name="Holder">The process; none where /proc does not show it to this user.</param>
    public sealed record HeldByOther(Option<PortHolder> Holder) : BindOutcome;

    /// <summary>This user may not bind the port (EACCES).</summary>
    /// <param name="FirstUnprivilegedPort">net.ipv4.ip_unprivileged_port_start.</param>
    public sealed record NotPermitted(int FirstUnprivilegedPort) : BindOutcome;

    /// <summary>No interface of this machine has the address (EADDRNOTAVAIL).</summary>
    public sealed record NotLocal : BindOutcome;

    /// <summary>The host name of the bind address does not resolve.</summary>
    /// <param name="Reason">What the resolver said.</param>
    public sealed record Unresolved(string Reason) : BindOutcome;

    /// <summary>At the path of a Unix socket is something that bal does not replace.</summary>
    /// <param name="What">What it is.</param>
    public sealed record Occupied(string What) : BindOutcome;

    /// <summary>Anything else.</summary>
    /// <param name="Reason">What the system said.</param>
    public sealed record Failed(string Reason) : BindOutcome;

    /// <summary>Applies the function of the case that this outcome is.</summary>
    public T Match<T>(
        Func<T> free,
        Func<HeldByOwnDaemon, T> heldByOwnDaemon,
        Func<HeldByOther, T> heldByOther,
        Func<NotPermitted, T> notPermitted,
        Func<T> notLocal,
        Func<Unresolved, T> unresolved,
        Func<Occupied, T> occupied,
        Func<Failed, T> failed) => this switch
        {
            Free => free(),
            HeldByOwnDaemon o => heldByOwnDaemon(o),
            HeldByOther o => heldByOther(o),
            NotPermitted n => notPermitted(n),
            NotLocal => notLocal(),
            Unresolved u => unresolved(u),
            Occupied o => occupied(o),
            Failed f => failed(f),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
}
