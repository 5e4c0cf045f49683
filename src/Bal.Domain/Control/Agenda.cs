using System.Collections.Immutable;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Control;

/// <summary>That something has to be done.</summary>
/// <param name="At">When.</param>
/// <param name="Id">For whom.</param>
internal readonly record struct Due(Instant At, int Id) : IComparable<Due>
{
    /// <inheritdoc/>
    public int CompareTo(Due other) => At == other.At ? Id.CompareTo(other.Id) : At.CompareTo(other.At);
}

/// <summary>
/// What is due when, each identity at most once: the next is known, and a change costs the logarithm of the length.
/// </summary>
internal sealed class Agenda : IEquatable<Agenda>
{
    public static readonly Agenda Empty = new([]);

    private readonly ImmutableSortedSet<Due> entries;

    private Agenda(ImmutableSortedSet<Due> entries) => this.entries = entries;

    /// <summary>Of these entries; what is due never is left out.</summary>
    public static Agenda Of(IEnumerable<Due> entries) =>
        new([.. entries.Where(due => due.At != Instant.Never)]);

    /// <summary>When the first is due; never where there is none.</summary>
    public Instant NextAt => entries.IsEmpty ? Instant.Never : entries.Min.At;

    /// <summary>The first <paramref name="most"/> that are due, the most overdue first.</summary>
    public Arr<int> DueBy(Instant now, int most) => NextAt.IsDue(now)
        ? new(entries.TakeWhile(due => due.At.IsDue(now)).Take(most).Select(due => due.Id))
        : Arr<int>.Empty;

    /// <summary>The same with another time for one of them.</summary>
    public Agenda Moved(int id, Instant from, Instant to)
    {
        if (from == to)
            return this;
        var without = from == Instant.Never ? entries : entries.Remove(new Due(from, id));
        return new(to == Instant.Never ? without : without.Add(new Due(to, id)));
    }

    /// <inheritdoc/>
    public bool Equals(Agenda? other) =>
        other is not null && (ReferenceEquals(this, other) || entries.SetEquals(other.entries));

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Agenda);

    /// <inheritdoc/>
    public override int GetHashCode() => entries.Count;
}
