using Bal.Domain.Messages;
using LanguageExt;

namespace Bal.Domain.Config;

/// <summary>
/// The result of reading one part of a document. The value is missing only where none could be made out, so that a part
/// with an error beside it (an unknown key, say) is still read to its end, and every problem is reported at once.
/// LanguageExt's Validation has a value or errors, never both, and no warnings; hence this type.
/// </summary>
/// <param name="Value">The value; none if it could not be made out, with an error among the findings.</param>
/// <param name="Findings">Errors and warnings, in no particular order.</param>
internal sealed record Checked<T>(Option<T> Value, Arr<Finding> Findings)
{
    /// <summary>Applies <paramref name="f"/> to the value.</summary>
    public Checked<U> Map<U>(Func<T, U> f) => new(Value.Map(f), Findings);

    /// <summary>Reads on from the value, keeping what was found so far.</summary>
    public Checked<U> Then<U>(Func<T, Checked<U>> f) => Value.Match(
        value =>
        {
            var next = f(value);
            return new Checked<U>(next.Value, Findings + next.Findings);
        },
        () => new Checked<U>(Option<U>.None, Findings));

    /// <summary>Combines two independent parts: what is wrong with either is kept.</summary>
    public Checked<V> And<U, V>(Checked<U> other, Func<T, U, V> f) =>
        new(Value.Bind(a => other.Value.Map(b => f(a, b))), Findings + other.Findings);

    /// <summary>Adds findings that do not change the value.</summary>
    public Checked<T> With(IEnumerable<Finding> more) => new(Value, Findings.AddRange(more));
}

/// <summary>Makes <see cref="Checked{T}"/> values.</summary>
internal static class Checked
{
    /// <summary>A value without findings.</summary>
    public static Checked<T> Good<T>(T value) => new(Option<T>.Some(value), Arr<Finding>.Empty);

    /// <summary>No value; the reason is reported elsewhere.</summary>
    public static Checked<T> None<T>() => new(Option<T>.None, Arr<Finding>.Empty);

    /// <summary>No value, and why.</summary>
    public static Checked<T> Bad<T>(Finding why) => new(Option<T>.None, Prelude.Array(why));

    /// <summary>The values that could be read, and everything found on the way.</summary>
    public static Checked<Arr<T>> Each<A, T>(IEnumerable<A> items, Func<A, int, Checked<T>> read)
    {
        var all = items.Select(read).ToList();
        return new(
            Option<Arr<T>>.Some(new Arr<T>(all.SelectMany(item => item.Value.AsEnumerable()))),
            new Arr<Finding>(all.SelectMany(item => item.Findings)));
    }
}
