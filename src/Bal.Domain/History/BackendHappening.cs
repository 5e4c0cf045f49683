using Bal.Domain.Backend;

namespace Bal.Domain.History;

/// <summary>Who saw that a backend can be reached, or that it cannot.</summary>
public enum Witness
{
    /// <summary>A probe.</summary>
    Probe,

    /// <summary>A connect for a client.</summary>
    Client,

    /// <summary>A check that could not even begin, because the name of the backend does not resolve.</summary>
    Resolver,
}

/// <summary>Something that happened to a backend and that an operator would want to know when it asks why.</summary>
public abstract record BackendHappening
{
    private BackendHappening() { }

    /// <summary>A check or a client connect failed.</summary>
    /// <param name="Witness">Who saw it.</param>
    /// <param name="Kind">How it failed; <see cref="FailureKind.Local"/> only of a probe.</param>
    public sealed record Failed(Witness Witness, FailureKind Kind) : BackendHappening;

    /// <summary>
    /// A check or a client connect succeeded and something was to be forgiven: a failure, a cooldown, being down.
    /// </summary>
    /// <param name="Witness">Who saw it.</param>
    public sealed record Passed(Witness Witness) : BackendHappening;

    /// <summary>It was taken out of rotation.</summary>
    public sealed record WentDown : BackendHappening;

    /// <summary>It came back into rotation.</summary>
    public sealed record CameUp : BackendHappening;

    /// <summary>It began to be left alone, being up otherwise.</summary>
    public sealed record CoolingBegan : BackendHappening;

    /// <summary>It is no longer left alone: the time is over, or a connect succeeded.</summary>
    public sealed record CoolingEnded : BackendHappening;

    /// <summary>Its name did not resolve.</summary>
    public sealed record NameUnresolved : BackendHappening;

    /// <summary>Its name resolved after it had not, or to other addresses than before.</summary>
    public sealed record NameResolved : BackendHappening;

    /// <summary>The start or a reload added it.</summary>
    public sealed record Added : BackendHappening;

    /// <summary>A reload kept it, with everything known about it.</summary>
    public sealed record Kept : BackendHappening;

    /// <summary>A reload removed it: it drains.</summary>
    public sealed record Removed : BackendHappening;

    /// <summary>
    /// Whether what came before belongs to another chapter: equal entries before and after it are kept apart.
    /// </summary>
    public bool IsTurn => EndsRow || this is Added or Removed;

    /// <summary>
    /// Whether a row of failures ends here. It goes on where a backend drained and came back in between.
    /// </summary>
    public bool EndsRow => this is Passed or WentDown or CameUp;

    /// <summary>Whether it is a connect for a client.</summary>
    public bool IsOfClients => this is Failed { Witness: Witness.Client } or Passed { Witness: Witness.Client };

    /// <summary>Applies the function of the case that this happening is.</summary>
    public T Match<T>(
        Func<Failed, T> failed,
        Func<Passed, T> passed,
        Func<T> wentDown,
        Func<T> cameUp,
        Func<T> coolingBegan,
        Func<T> coolingEnded,
        Func<T> nameUnresolved,
        Func<T> nameResolved,
        Func<T> added,
        Func<T> kept,
        Func<T> removed) => this switch
        {
            Failed f => failed(f),
            Passed p => passed(p),
            WentDown => wentDown(),
            CameUp => cameUp(),
            CoolingBegan => coolingBegan(),
            CoolingEnded => coolingEnded(),
            NameUnresolved => nameUnresolved(),
            NameResolved => nameResolved(),
            Added => added(),
            Kept => kept(),
            Removed => removed(),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
}
