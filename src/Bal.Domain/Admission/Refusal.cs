using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Admission;

/// <summary>Why a client got no service. New reasons come last: the places are written down.</summary>
public enum Refusal
{
    /// <summary>The connection limit of its service was reached.</summary>
    Limit,

    /// <summary>
    /// No file descriptor was left for it (EMFILE, ENFILE, or the part of others would have been used up).
    /// </summary>
    Descriptors,

    /// <summary>Every backend failed, or there was none.</summary>
    BackendsUnavailable,

    /// <summary>No local port was left to connect from.</summary>
    LocalPorts,

    /// <summary>This machine has no route to any backend, or forbids the connection.</summary>
    NoRoute,

    /// <summary>The kernel had no memory for another connection.</summary>
    KernelMemory,

    /// <summary>The kernel refused a system call for another reason.</summary>
    KernelRefusal,

    /// <summary>accept(2) failed: clients wait, and each failure is counted.</summary>
    AcceptFailed,

    /// <summary>Its address is in <c>deny</c>, or not in <c>allow</c>.</summary>
    Denied,

    /// <summary>Every usable backend was full, and as many clients waited as may.</summary>
    QueueFull,

    /// <summary>Every usable backend was full for as long as a client may wait.</summary>
    QueueTimeout,

    /// <summary>It had as many connections as one client may have.</summary>
    ClientLimit,

    /// <summary>It connected more often than one client may.</summary>
    ClientRate,

    /// <summary>It should have begun with a PROXY header, and did not, or not in time.</summary>
    ProxyHeader,

    /// <summary>No service on its address has the name that it asked for.</summary>
    ServerName,
}

/// <summary>What there is to say about clients that a service did not serve, for each reason.</summary>
public static class Refusals
{
    // What says least about the others comes first: a resource of this machine that is used up explains everything.
    private static readonly Refusal[] Telling =
    [
        Refusal.NoRoute, Refusal.BackendsUnavailable, Refusal.KernelRefusal, Refusal.KernelMemory, Refusal.LocalPorts,
        Refusal.Descriptors,
    ];

    /// <summary>Every reason, in the order of <see cref="Refusal"/>.</summary>
    public static Arr<Refusal> All { get; } = new(Enum.GetValues<Refusal>());

    /// <summary>Those that no operator has asked for: they are a problem.</summary>
    public static Arr<Refusal> Unwanted { get; } = All.Filter(IsUnwanted);

    /// <summary>
    /// Whether an operator has not asked for it. Rules for clients do their work where they turn one away.
    /// </summary>
    public static bool IsUnwanted(Refusal reason) =>
        reason is not (Refusal.Denied or Refusal.ClientLimit or Refusal.ClientRate or Refusal.ServerName);

    /// <summary>Nobody was turned away.</summary>
    public static Arr<Notice> None { get; } = All.Map(_ => Notice.None);

    /// <summary>When the next line about any of them is due; <see cref="Instant.Never"/> where all is said.</summary>
    public static Instant DueAt(Arr<Notice> notices) =>
        notices.Fold(Instant.Never, (due, notice) => Instant.Min(due, notice.DueAt));

    /// <summary>
    /// Of the reasons why two attempts for a client failed, the one that it is counted under. Reasons that end a client
    /// before any attempt have no place here, and count as the least.
    /// </summary>
    public static Refusal MoreTelling(Refusal one, Refusal other) =>
        Array.IndexOf(Telling, one) >= Array.IndexOf(Telling, other) ? one : other;
}
