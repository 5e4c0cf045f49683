using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Config;

/// <summary>A key with its value, and the path that messages call it by.</summary>
internal sealed record Field(string Path, SourcePosition KeyAt, RawNode Value)
{
    /// <summary>The items of a list, each with its path.</summary>
    public IEnumerable<Field> Items(RawNode.Sequence list) =>
        list.Items.Select((item, i) => new Field($"{Path}[{i}]", item.At, item));
}

/// <summary>The keys of one mapping, each at most once.</summary>
internal sealed class Fields
{
    // A document may hold a hundred thousand keys; suggestions beyond those that are reported would be wasted work.
    private const int MaxSuggestions = FindingList.MaxReported;
    private readonly Dictionary<string, Field> _byKey = [];

    private Fields(string path, SourcePosition at) => (Path, At) = (path, at);

    /// <summary>The path of the mapping; empty for the document.</summary>
    public string Path { get; }

    /// <summary>Where the mapping starts.</summary>
    public SourcePosition At { get; }

    /// <summary>Every key with its value, in the order of the file.</summary>
    public IEnumerable<Field> All => _byKey.Values;

    /// <summary>A mapping of known keys, as a short form stands for.</summary>
    public static Fields Of(string path, SourcePosition at, Arr<RawEntry> entries)
    {
        var fields = new Fields(path, at);
        foreach (var entry in entries)
            fields._byKey.Add(Raw.ToText(entry.Key), new Field(path, at, entry.Value));
        return fields;
    }

    /// <summary>An empty mapping, which stands for an absent block.</summary>
    public static Fields None(string path, SourcePosition at) => new(path, at);

    /// <summary>The field called <paramref name="key"/>.</summary>
    public Option<Field> Find(string key) =>
        _byKey.TryGetValue(key, out var field) ? Option<Field>.Some(field) : Option<Field>.None;

    /// <summary>The path of <paramref name="key"/> in this mapping.</summary>
    public string PathOf(string key) => Path.Length == 0 ? key : $"{Path}.{key}";

    /// <summary>
    /// Takes the entries apart. Keys that are unknown, that repeat or that are not scalars are errors; of a repeated
    /// key the first value is read on.
    /// </summary>
    /// <param name="mapping">The entries.</param>
    /// <param name="path">What messages call the mapping.</param>
    /// <param name="known">The keys that it may have.</param>
    /// <param name="place">Where a key belongs that it may not have, if it is known elsewhere.</param>
    public static Checked<Fields> Read(
        RawNode.Mapping mapping, string path, Arr<string> known, Func<string, Option<string>>? place = null)
    {
        var keys = known.ToHashSet();
        var all = new Lazy<string>(() => $"expected one of {string.Join(", ", known)}");
        return Read(mapping, path, (key, at, suggest) => keys.Contains(key) ? Option<Finding>.None : Faults.Error(
            "unknown_key", path.Length == 0 ? Shown.Text(key) : $"{path}.{Shown.Text(key)}", at,
            $"unknown key '{Shown.Text(key)}'{Inside(path)}",
            (key == "<<" ? "merge keys are not supported: write the keys out"
                : (place is null ? Option<string>.None : place(key))
                    || (suggest ? Nearest.To(key, known) : Option<string>.None).Map(word => $"did you mean '{word}'?"))
                .IfNone(() => all.Value)));
    }

    /// <summary>As above, where <paramref name="refuse"/> says what is wrong with a key.</summary>
    public static Checked<Fields> Read(RawNode.Mapping mapping, string path,
        Func<string, SourcePosition, bool, Option<Finding>> refuse)
    {
        var fields = new Fields(path, mapping.At);
        var findings = new List<Finding>();
        foreach (var entry in mapping.Entries)
        {
            if (entry.Key is not RawNode.Scalar { Text: var key })
                findings.Add(Faults.Error("invalid_key", path, entry.Key.At,
                    $"expected a word as a key{Inside(path)}, found {Shown.Value(entry.Key)}",
                    "write 'key: value'"));
            else if (refuse(key, entry.Key.At, findings.Count < MaxSuggestions).Case is Finding why)
                findings.Add(why);
            else if (!fields._byKey.TryAdd(key, new Field(fields.PathOf(key), entry.Key.At, entry.Value)))
                findings.Add(Faults.Error("duplicate_key", fields.PathOf(key), entry.Key.At,
                    $"duplicate key {fields.PathOf(key)} (first given in line {fields._byKey[key].KeyAt.Line})",
                    "keep one of the two"));
        }
        return Checked.Good(fields).With(findings);
    }

    private static string Inside(string path) => path.Length == 0 ? "" : $" in '{path}'";
}
