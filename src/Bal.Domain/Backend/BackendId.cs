using LanguageExt;

namespace Bal.Domain.Backend;

/// <summary>
/// Names a backend for the life of the process; never used again, also not after a reload removed and re-added it.
/// </summary>
/// <param name="Value">Counted from 1.</param>
public readonly record struct BackendId(int Value);

/// <summary>Why a connect did not succeed.</summary>
public enum FailureKind
{
    /// <summary>No answer within the timeout (SYN dropped), or ETIMEDOUT.</summary>
    Timeout,

    /// <summary>ECONNREFUSED: the host answered that nobody listens.</summary>
    Refused,

    /// <summary>Anything else that lies beyond this machine: reset, a name that does not resolve.</summary>
    Other,

    /// <summary>
    /// This machine has run out of something (EMFILE, EADDRNOTAVAIL, ENOBUFS …): never held against a backend that has
    /// been reached.
    /// </summary>
    Local,

    /// <summary>No route leads there (ENETUNREACH, EHOSTUNREACH …).</summary>
    NoRoute,

    /// <summary>A rule of this machine forbids it (EACCES, EPERM).</summary>
    NotPermitted,

    /// <summary>The address is one that bal itself listens on: nothing was tried.</summary>
    OwnListener,

    /// <summary>The backend has answered a health check otherwise than it should.</summary>
    WrongAnswer,
}

/// <summary>What one connect to a backend, by a probe or for a client, showed.</summary>
public abstract record Outcome
{
    private Outcome() { }

    /// <summary>The connect succeeded.</summary>
    public sealed record Passed : Outcome;

    /// <summary>The connect failed.</summary>
    /// <param name="Kind">Why.</param>
    public sealed record Failed(FailureKind Kind) : Outcome
    {
        /// <summary>What a health check expected and got, cut and printable; none where it asked nothing.</summary>
        public Option<string> Answer { get; init; }
    }

    /// <summary>A connect that succeeded.</summary>
    public static readonly Outcome Success = new Passed();

    /// <summary>A connect that failed because of <paramref name="kind"/>.</summary>
    public static Outcome Failure(FailureKind kind) => new Failed(kind);

    /// <summary>What was expected and got, where that is known.</summary>
    public Option<string> AnswerGot => this is Failed failed ? failed.Answer : Option<string>.None;

    /// <summary>Applies the function of the case that this outcome is.</summary>
    public T Match<T>(Func<T> passed, Func<FailureKind, T> failed) => this switch
    {
        Passed => passed(),
        Failed f => failed(f.Kind),
        _ => throw new System.Diagnostics.UnreachableException(),
    };
}

/// <summary>Failed connects of a backend by kind, since it was added.</summary>
/// <param name="Timeout">No answer in time.</param>
/// <param name="Refused">Refused.</param>
/// <param name="Other">Every other failure that is held against the backend.</param>
public sealed record FailureCounters(long Timeout, long Refused, long Other)
{
    /// <summary>Nothing has failed.</summary>
    public static readonly FailureCounters Zero = new(0, 0, 0);

    /// <summary>Adds <paramref name="count"/> failures of a kind; local ones count nowhere.</summary>
    public FailureCounters Add(FailureKind kind, int count) => Failures.CountedAs(kind) switch
    {
        FailureKind.Timeout => this with { Timeout = Timeout + count },
        FailureKind.Refused => this with { Refused = Refused + count },
        FailureKind.Other => this with { Other = Other + count },
        _ => this,
    };
}
