using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Simulation;

/// <summary>Something that a scenario expects to hold.</summary>
public abstract record Expectation
{
    private Expectation() { }

    /// <summary>A number of the totals is not above or not below a bound.</summary>
    /// <param name="Number">Which.</param>
    /// <param name="Bound">The bound.</param>
    /// <param name="Limit">On which side.</param>
    public sealed record Count(CountedNumber Number, long Bound, Limit Limit) : Expectation;

    /// <summary>Of the clients that had to fail over, 99 in 100 lost no more than so much time by it.</summary>
    /// <param name="Bound">How much.</param>
    public sealed record FailoverP99(Duration Bound) : Expectation;

    /// <summary>Protection mode is on, or off, at a time.</summary>
    /// <param name="On">Whether it is to be on.</param>
    /// <param name="At">When.</param>
    /// <param name="Service">Of which service; none for any of them.</param>
    public sealed record Protection(bool On, Instant At, Option<string> Service) : Expectation;

    /// <summary>A backend is in a state at a time.</summary>
    /// <param name="Backend">Which.</param>
    /// <param name="Is">The state.</param>
    /// <param name="At">When.</param>
    public sealed record State(BackendRef Backend, LaneState Is, Instant At) : Expectation;

    /// <summary>A backend was never longer out of rotation in one piece.</summary>
    /// <param name="Backend">Which.</param>
    /// <param name="Bound">How long at most.</param>
    public sealed record OutOfRotation(BackendRef Backend, Duration Bound) : Expectation;

    /// <summary>Applies the function of the case that this expectation is.</summary>
    public T Match<T>(
        Func<Count, T> count,
        Func<FailoverP99, T> failoverP99,
        Func<Protection, T> protection,
        Func<State, T> state,
        Func<OutOfRotation, T> outOfRotation) => this switch
        {
            Count e => count(e),
            FailoverP99 e => failoverP99(e),
            Protection e => protection(e),
            State e => state(e),
            OutOfRotation e => outOfRotation(e),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
}

/// <summary>A bound's side.</summary>
public enum Limit
{
    /// <summary>Exactly that many.</summary>
    Exactly,

    /// <summary>That many or fewer.</summary>
    AtMost,

    /// <summary>That many or more.</summary>
    AtLeast,
}

/// <summary>A number that can be bounded.</summary>
public enum CountedNumber
{
    /// <summary>Clients that got a backend.</summary>
    Served,

    /// <summary>Clients that got none.</summary>
    Failed,

    /// <summary>Connections turned away by the limit.</summary>
    Rejected,

    /// <summary>Clients that got a backend after another one had failed them.</summary>
    FailedOver,

    /// <summary>How often protection mode turned on.</summary>
    Protections,
}
