using Bal.Domain.Backend;
using Bal.Domain.Primitives;

namespace Bal.Domain.Doctor;

/// <summary>What one fresh TCP connect to one backend showed.</summary>
/// <param name="Backend">The backend as configured.</param>
/// <param name="Outcome">What happened.</param>
public sealed record BackendFact(Endpoint Backend, ProbeOutcome Outcome);

/// <summary>The outcomes of one TCP connect as doctor tells them apart.</summary>
public abstract record ProbeOutcome
{
    private ProbeOutcome() { }

    /// <summary>The three-way handshake completed.</summary>
    /// <param name="Took">How long it took, name resolution included.</param>
    public sealed record Connected(Duration Took) : ProbeOutcome
    {
        /// <summary>Whether its health check asked it something, and got the right answer.</summary>
        public bool Answered { get; init; }
    }

    /// <summary>The host answered with RST (ECONNREFUSED): nothing listens on the port.</summary>
    public sealed record Refused : ProbeOutcome;

    /// <summary>No answer came in time.</summary>
    /// <param name="Limit">The time that was allowed.</param>
    public sealed record TimedOut(Duration Limit) : ProbeOutcome;

    /// <summary>The name has no address.</summary>
    /// <param name="Reason">What the resolver said.</param>
    public sealed record Unresolved(string Reason) : ProbeOutcome;

    /// <summary>The network said that the host cannot be reached, or ended the attempt in another way.</summary>
    /// <param name="Reason">What the system said.</param>
    public sealed record Unreachable(string Reason) : ProbeOutcome;

    /// <summary>This machine could not even try (EMFILE, EADDRNOTAVAIL): says nothing about the backend.</summary>
    /// <param name="Reason">What the system said.</param>
    public sealed record LocalFailure(string Reason) : ProbeOutcome;

    /// <summary>An address of it is one that bal listens on by this configuration: nothing was tried.</summary>
    public sealed record OwnListener : ProbeOutcome;

    /// <summary>Its health check did not get the right answer in time.</summary>
    /// <param name="Answer">What was expected and got.</param>
    public sealed record WrongAnswer(string Answer) : ProbeOutcome;

    /// <summary>The connect to its Unix socket has failed.</summary>
    /// <param name="Fault">Why.</param>
    public sealed record NoSocket(SocketFault Fault) : ProbeOutcome;

    /// <summary>Which of two failures says more about a backend with several addresses.</summary>
    public static ProbeOutcome MoreTelling(ProbeOutcome one, ProbeOutcome other) =>
        Failures.MoreTelling(KindOf(one), KindOf(other)) == KindOf(one) ? one : other;

    private static FailureKind KindOf(ProbeOutcome outcome) => outcome.Match(
        connected: _ => throw new System.Diagnostics.UnreachableException(),
        refused: () => FailureKind.Refused,
        timedOut: _ => FailureKind.Timeout,
        unresolved: _ => FailureKind.Local,
        unreachable: _ => FailureKind.Other,
        localFailure: _ => FailureKind.Local,
        ownListener: () => FailureKind.OwnListener,
        wrongAnswer: _ => FailureKind.WrongAnswer,
        noSocket: n => SocketFaultText.KindOf(n.Fault));

    /// <summary>Applies the function of the case that this outcome is.</summary>
    public T Match<T>(
        Func<Connected, T> connected,
        Func<T> refused,
        Func<TimedOut, T> timedOut,
        Func<Unresolved, T> unresolved,
        Func<Unreachable, T> unreachable,
        Func<LocalFailure, T> localFailure,
        Func<T> ownListener,
        Func<WrongAnswer, T> wrongAnswer,
        Func<NoSocket, T> noSocket) => this switch
        {
            Connected c => connected(c),
            Refused => refused(),
            TimedOut t => timedOut(t),
            Unresolved u => unresolved(u),
            Unreachable u => unreachable(u),
            LocalFailure l => localFailure(l),
            OwnListener => ownListener(),
            WrongAnswer w => wrongAnswer(w),
            NoSocket n => noSocket(n),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
}
