using Bal.Domain.Doctor;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Config;

/// <summary>A key with its value, and the path that messages call it by.</summary>
internal sealed record Field(string Path, SourcePosition KeyAt, RawNode Value);

/// <summary>The known keys of one mapping, each at most once.</summary>
internal sealed class Fields
{
    // A document may hold a million keys; suggestions beyond those that are reported would be wasted work.
    private const int MaxSuggestions = FindingList.MaxReported;
    private readonly Dictionary<string, Field> _byKey;

    private Fields(string path, SourcePosition at, Dictionary<string, Field> byKey) =>
        (Path, At, _byKey) = (path, at, byKey);

    /// <summary>The path of the mapping; empty for the document.</summary>
    public string Path { get; }

    /// <summary>Where the mapping starts.</summary>
    public SourcePosition At { get; }

    /// <summary>A mapping without entries, as an absent block is read.</summary>
    public static Fields None(string path, SourcePosition at) => new(path, at, []);

    /// <summary>The field called <paramref name="key"/>.</summary>
    public Option<Field> Find(string key) =>
        _byKey.TryGetValue(key, out var field) ? Option<Field>.Some(field) : Option<Field>.None;

    /// <summary>The path of <paramref name="key"/> in this mapping.</summary>
    public string PathOf(string key) => Path.Length == 0 ? key : $"{Path}.{key}";

    /// <summary>
    /// Takes the entries apart. Keys that are unknown, that repeat or that are no scalars are errors; of a repeated
    /// key the
    /// first value is read on.
    /// </summary>
    public static Checked<Fields> Read(RawNode.Mapping mapping, string path, Arr<string> known)
    {
        var fields = new Fields(path, mapping.At, []);
        var findings = new List<Finding>();
        foreach (var entry in mapping.Entries)
        {
            var key = entry.Key is RawNode.Scalar scalar ? scalar.Text : null;
            if (key is null)
                findings.Add(Faults.Error("invalid_key", path, entry.Key.At,
                    $"{Inside(path)} has {Shown.Value(entry.Key)} as a key; allowed are {string.Join(", ", known)}",
                    "write 'key: value' with a plain word as the key"));
            else if (!known.Contains(key))
                findings.Add(Unknown(key, entry.Key.At, fields, known, suggest: findings.Count < MaxSuggestions));
            else if (fields._byKey.TryGetValue(key, out var first))
                findings.Add(Faults.Error("duplicate_key", first.Path, entry.Key.At,
                    $"{first.Path} is given a second time; it stands already in line {first.KeyAt.Line}",
                    "keep one of the two lines"));
            else
                fields._byKey.Add(key, new Field(fields.PathOf(key), entry.Key.At, entry.Value));
        }
        return Checked.Good(fields).With(findings);
    }

    private static Finding Unknown(string key, SourcePosition at, Fields fields, Arr<string> known, bool suggest)
    {
        var elsewhere = fields.Path.Length == 0 && ConfigKeys.Runtime.Contains(key);
        var nearest = suggest ? Nearest.To(key, known) : Option<string>.None;
        var hint = key == "<<"
            ? "merge keys are not supported: write the keys out"
            : elsewhere
                ? $"'{key}' belongs under 'runtime:', indented by two spaces"
                : nearest.Match(word => $"did you mean '{word}'?", () => $"allowed are {string.Join(", ", known)}");
        return Faults.Error("unknown_key", fields.PathOf(Shown.Text(key)), at,
            $"'{Shown.Text(key)}' is no key of {Inside(fields.Path)}", hint);
    }

    private static string Inside(string path) => path.Length == 0 ? "the configuration" : $"'{path}'";
}
