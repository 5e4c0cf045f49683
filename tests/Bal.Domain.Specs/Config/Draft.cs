using Bal.Domain.Config;
using Bal.Domain.Messages;
using LanguageExt;

namespace Bal.Domain.Specs.Config;

/// <summary>
/// A valid document that a test spoils or extends. Each node that is added stands on a line of its own, so that a
/// finding
/// tells which one it is about.
/// </summary>
internal sealed class Draft
{
    private int _line;

    public List<RawEntry> Top { get; } = [];

    public List<RawNode> Backends { get; } = [];

    public List<RawEntry> Runtime { get; } = [];

    /// <summary>A valid document of <paramref name="backends"/> backends on a quiet address.</summary>
    public static Draft Valid(int backends = 2)
    {
        var draft = new Draft();
        draft.Add(draft.Top, "bind_address", "127.0.0.1");
        for (var i = 0; i < backends; i++)
            draft.AddBackend($"10.0.0.{i + 1}", "9000");
        return draft;
    }

    public SourcePosition Next() => new(++_line, 3);

    public RawNode.Scalar Scalar(string text, bool quoted = false) => new(Next(), text, quoted);

    public RawNode.Mapping Mapping(params RawEntry[] entries) => new(Next(), new Arr<RawEntry>(entries));

    public RawNode.Sequence Sequence(params RawNode[] items) => new(Next(), new Arr<RawNode>(items));

    public RawEntry Entry(string key, RawNode value) => new(Scalar(key), value);

    public SourcePosition Add(List<RawEntry> to, string key, string text, bool quoted = false) =>
        Add(to, key, Scalar(text, quoted));

    /// <summary>Adds an entry, or replaces the value of the key, and returns the value's place.</summary>
    public SourcePosition Add(List<RawEntry> to, string key, RawNode value)
    {
        to.RemoveAll(entry => entry.Key is RawNode.Scalar scalar && scalar.Text == key);
        to.Add(Entry(key, value));
        return value.At;
    }

    public SourcePosition AddBackend(string host, string port)
    {
        var backend = Mapping(Entry("host", Scalar(host, quoted: true)), Entry("port", Scalar(port)));
        Backends.Add(backend);
        return backend.At;
    }

    public RawNode Document()
    {
        var entries = Top.Append(Entry("backends", Sequence([.. Backends])));
        return Mapping([.. Runtime.Count == 0 ? entries : entries.Append(Entry("runtime", Mapping([.. Runtime])))]);
    }

    public ConfigOutcome Validate() => Validate(HostFacts.Unknown);

    public ConfigOutcome Validate(HostFacts facts) => ConfigValidation.Validate(Document(), facts);

    /// <summary>The configuration, which has to be valid.</summary>
    public BalConfig Config()
    {
        var outcome = Validate();
        Assert.True(outcome.Config.IsSome, string.Join("\n", outcome.Findings.Select(f => f.Message)));
        return outcome.Config.Match(config => config, () => null!);
    }

    /// <summary>The only finding of the document.</summary>
    public Finding OnlyFinding() => OnlyFinding(HostFacts.Unknown);

    public Finding OnlyFinding(HostFacts facts) => Assert.Single(Validate(facts).Findings);
}
