using Bal.Domain.Messages;
using LanguageExt;

namespace Bal.Domain.Config;

/// <summary>Everything there is to know of one key of the configuration.</summary>
/// <typeparam name="T">What holds its value.</typeparam>
/// <param name="Key">Its name in the file.</param>
/// <param name="Kind">What may stand behind it.</param>
/// <param name="Meaning">One sentence for the documentation.</param>
/// <param name="Get">Its value.</param>
/// <param name="Set">The holder with another value.</param>
internal sealed record Setting<T>(
    string Key, Kind Kind, string Meaning, Func<T, object> Get, Func<T, object, T> Set)
{
    /// <summary>The default for services of 1-2, 3-5, and more backends, or for all; none if it is required.</summary>
    public Arr<object> Defaults { get; init; } = Arr<object>.Empty;

    /// <summary>
    /// What a version of bal does that does not know the key, where that is not the default of today. A document
    /// without the key means this.
    /// </summary>
    public Option<object> Earlier { get; init; } = Option<object>.None;

    /// <summary>Whether a change takes effect only when bal is started again.</summary>
    public bool AtRestart { get; init; }

    /// <summary>Whether it belongs to the process and is written under <c>runtime</c> nevertheless.</summary>
    public bool InRuntime { get; init; }

    /// <summary>The default as text, where it is not a value.</summary>
    public string DefaultText { get; init; } = "";

    /// <summary>Whether it has to be given.</summary>
    public bool Required => Defaults.IsEmpty;

    /// <summary>The holder with the default for this number of backends.</summary>
    public T WithDefault(int backends, T holder) => Required
        ? holder
        : Set(holder, Defaults[Defaults.Count == 1 || backends <= 2 ? 0 : backends <= 5 ? 1 : 2]);

    /// <summary>Whether the value is the default for this number of backends.</summary>
    public bool IsDefault(int backends, T holder) =>
        !Required && Raw.ToText(Print(holder)) == Raw.ToText(Print(WithDefault(backends, holder)));

    /// <summary>Whether a document without the key means this value, in a service of this many backends.</summary>
    public bool IsImplied(int backends, T holder) => Earlier.Match(
        value => Raw.ToText(Print(holder)) == Raw.ToText(Kind.Print(value)), () => IsDefault(backends, holder));

    /// <summary>The value as the file has it; an empty scalar where the key is left out.</summary>
    public RawNode Print(T holder) => Kind.Print(Get(holder));

    /// <summary>The value as JSON has it.</summary>
    public RawNode ToJson(T holder) =>
        Print(holder) is var node && node is RawNode.Scalar { Quoted: false } word && word.Text == Kind.Unset
            ? Raw.Null
            : node;
}

/// <summary>Makes <see cref="Setting{T}"/>.</summary>
internal static class Setting
{
    /// <summary>A key with one default, or with three by the number of backends; without any it is required.</summary>
    public static Setting<T> Of<T, TValue>(
        string key, Kind<TValue> kind, TValue[] defaults, Func<T, TValue> get, Func<T, TValue, T> set,
        string meaning) =>
        new(key, kind, meaning, holder => get(holder)!, (holder, value) => set(holder, (TValue)value))
        {
            Defaults = new Arr<object>(defaults.Select(value => (object)value!)),
        };
}

/// <summary>The keys of one mapping.</summary>
internal sealed class SettingTable<T>(params Setting<T>[] rows)
{
    /// <summary>The keys in the order in which they are printed.</summary>
    public Arr<Setting<T>> Rows { get; } = new(rows);

    /// <summary>The names of the keys.</summary>
    public Arr<string> Keys { get; } = new(rows.Select(row => row.Key));

    /// <summary>The names of those that have to be given.</summary>
    public string[] RequiredKeys { get; } = [.. rows.Where(row => row.Required).Select(row => row.Key)];

    /// <summary>A holder with every default for this number of backends.</summary>
    public T Defaults(int backends, T blank) => Rows.Fold(blank, (holder, row) => row.WithDefault(backends, holder));

    /// <summary>A holder as a document leaves it whose writer did not know the keys that are not in it.</summary>
    public T AsEarlier(T holder) => Rows.Fold(
        holder, (filled, row) => row.Earlier.Match(value => row.Set(filled, value), () => filled));

    /// <summary>Every key that has a value, as the file has it.</summary>
    public IEnumerable<RawEntry> Print(T holder) =>
        from row in Rows
        let value = row.Print(holder)
        where !Scalars.IsNull(value)
        select Raw.Entry(row.Key, value);

    /// <summary>
    /// Reads the keys that are given. One that cannot be read is an error and changes nothing, so that what depends on
    /// the others is still checked.
    /// </summary>
    public Checked<Edits<T>> Read(Fields given)
    {
        var (edits, faulty, findings) = (new List<Func<T, T>>(), new List<string>(), Arr<Finding>.Empty);
        foreach (var row in Rows)
        {
            var read = given.Find(row.Key).Map(row.Kind.Read);
            read.Match(
                value => value.Value.Match(v => edits.Add(holder => row.Set(holder, v)), () => faulty.Add(row.Key)),
                () => { if (row.Required) faulty.Add(row.Key); });
            findings += read.Map(value => value.Findings)
                .IfNone(row.Required ? Missing(row, given) : Arr<Finding>.Empty);
        }
        return Checked.Good(new Edits<T>(given, edits, faulty)).With(findings);
    }

    private static Arr<Finding> Missing(Setting<T> row, Fields given) => Prelude.Array(
        Faults.Missing(given, row.Key, row.Kind.Expected, $"add '{row.Key}:' to '{given.Path}'"));
}

/// <summary>What the given keys of a mapping change.</summary>
/// <param name="Given">The mapping.</param>
/// <param name="Changes">One for each key that could be read.</param>
/// <param name="Faulty">The keys that could not be read, or are missing.</param>
internal sealed record Edits<T>(Fields Given, IReadOnlyList<Func<T, T>> Changes, IReadOnlyList<string> Faulty)
{
    /// <summary>No change at all.</summary>
    public static Edits<T> None(Fields given) => new(Fields.None(given.Path, given.At), [], []);

    /// <summary>The holder with every change.</summary>
    public T Apply(T holder) => Changes.Aggregate(holder, (changed, change) => change(changed));

    /// <summary>Whether none of <paramref name="keys"/> is given and unreadable.</summary>
    public bool Sound(params ReadOnlySpan<string> keys)
    {
        foreach (var key in keys)
            if (Faulty.Contains(key))
                return false;
        return true;
    }
}
