using Bal.Domain.Backend;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Control;

/// <summary>Who gave an order, and when.</summary>
/// <param name="Name">The user's name; the number where it has none.</param>
/// <param name="Uid">The user's number.</param>
/// <param name="At">By the wall clock, in milliseconds since 1970 (UTC). It is shown and decides nothing.</param>
public sealed record Operator(string Name, long Uid, long At);

/// <summary>What an operator has said of a backend that the file says otherwise.</summary>
/// <param name="Drained">It gets no new clients; those that it has may finish.</param>
/// <param name="Weight">0..256: its weight in place of the configured one; none leaves that in force.</param>
/// <param name="By">Who said the last of it.</param>
public sealed record Override(bool Drained, Option<int> Weight, Operator By)
{
    /// <summary>The word for a drain.</summary>
    public const string Drain = "drain";

    /// <summary>The word for a weight.</summary>
    public const string OfWeight = "weight";

    /// <summary>What it does, in one word: a drain matters more than a weight.</summary>
    public string Action => Drained ? Drain : OfWeight;
}

/// <summary>An override as it outlives the process: by the names that the file gives.</summary>
/// <param name="Service">The name of the service.</param>
/// <param name="Backend"><c>host:port</c>.</param>
/// <param name="Override">What holds for it.</param>
public sealed record KeptOverride(string Service, string Backend, Override Override);

/// <summary>What an operator asks for with <c>bal drain</c>, <c>bal enable</c> and <c>bal weight</c>.</summary>
public abstract record OperatorOrder
{
    private OperatorOrder() { }

    /// <summary>No new clients for a backend.</summary>
    /// <param name="Backend">Which.</param>
    /// <param name="ResetAfter">When what is left of its connections is ended; none lets them finish.</param>
    /// <param name="Force">Even where it is the last usable one.</param>
    public sealed record Drain(BackendId Backend, Option<Duration> ResetAfter, bool Force) : OperatorOrder;

    /// <summary>A backend is used as the file says.</summary>
    /// <param name="Backend">Which.</param>
    public sealed record Enable(BackendId Backend) : OperatorOrder;

    /// <summary>
    /// Every backend is used as the file says, and overrides that could not be read are not missed any more.
    /// </summary>
    public sealed record EnableAll : OperatorOrder;

    /// <summary>Another weight for a backend.</summary>
    /// <param name="Backend">Which.</param>
    /// <param name="Weight">0..256; none for the configured one.</param>
    /// <param name="Force">Even where that takes the last usable one.</param>
    public sealed record SetWeight(BackendId Backend, Option<int> Weight, bool Force) : OperatorOrder;

    /// <summary>Applies the function of the case that this order is.</summary>
    public T Match<T>(Func<Drain, T> drain, Func<Enable, T> enable, Func<T> enableAll, Func<SetWeight, T> weight) =>
        this switch
        {
            Drain o => drain(o),
            Enable o => enable(o),
            EnableAll => enableAll(),
            SetWeight o => weight(o),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
}

/// <summary>Whether what operators have said outlives the process.</summary>
/// <param name="Changes">Counts the changes; 0 where there never was an override.</param>
/// <param name="Kept">The change up to which all is on disk.</param>
/// <param name="WhyNot">Why the last attempt to write failed; none where it did not.</param>
/// <param name="RetryAt">When it is tried again; <see cref="Instant.Never"/> where nothing is to be.</param>
/// <param name="PutAside">
/// Why the file of an earlier process could not be read; none where it could, and once that has been accepted.
/// </param>
public sealed record OverrideKeeping(
    long Changes, long Kept, Option<string> WhyNot, Instant RetryAt, Option<string> PutAside)
{
    /// <summary>How soon a failed attempt is repeated.</summary>
    public static readonly Duration RetryEvery = new(1_000);

    /// <summary>There never was an override.</summary>
    public static readonly OverrideKeeping None =
        new(0, 0, Option<string>.None, Instant.Never, Option<string>.None);

    /// <summary>After one change more.</summary>
    public OverrideKeeping Changed() => this with { Changes = Changes + 1 };

    /// <summary>After an attempt to write what held at <paramref name="change"/>.</summary>
    public OverrideKeeping After(long change, Option<string> whyNot, Instant now) => whyNot.Match(
        why => this with { WhyNot = why, RetryAt = now.Plus(RetryEvery) },
        () => change < Kept ? this : this with
        {
            Kept = change,
            WhyNot = change < Changes ? WhyNot : Option<string>.None,
            RetryAt = change < Changes ? RetryAt : Instant.Never,
        });
}
