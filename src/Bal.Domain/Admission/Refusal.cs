using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Admission;

/// <summary>Why a client was turned away before any backend was tried.</summary>
public enum Refusal
{
    /// <summary>The connection limit of its service was reached.</summary>
    Limit,

    /// <summary>
    /// No file descriptor was left for it (EMFILE, ENFILE, or the part of others would have been used up).
    /// </summary>
    Descriptors,
}

/// <summary>What has been said about the clients that a service turned away, for each reason.</summary>
public static class Refusals
{
    /// <summary>Every reason, in the order of <see cref="Refusal"/>.</summary>
    public static Arr<Refusal> All { get; } = new([Refusal.Limit, Refusal.Descriptors]);

    /// <summary>Nobody was turned away.</summary>
    public static Arr<Notice> None { get; } = All.Map(_ => Notice.None);

    /// <summary>When the next line about any of them is due; <see cref="Instant.Never"/> where all is said.</summary>
    public static Instant DueAt(Arr<Notice> notices) =>
        notices.Fold(Instant.Never, (due, notice) => Instant.Min(due, notice.DueAt));
}
