using System.Globalization;
using System.Text;
using Bal.Domain.Messages;
using LanguageExt;

namespace Bal.Domain.Config;

/// <summary>
/// Prints a configuration with every value explicit: what is in effect, defaults and auto-tuning included.
/// </summary>
public static class ConfigPrinter
{
    /// <summary>
    /// The main service as a document. Validating it gives an equal configuration again, whatever defaults a later
    /// version
    /// may have (a simple one with the warning that it carries a <c>runtime</c> block).
    /// </summary>
    public static RawNode ToRaw(BalConfig config)
    {
        var service = config.Main;
        return Map(
        [
            Entry(ConfigKeys.Mode, Word(ConfigWords.Of(config.Mode))),
            Entry(ConfigKeys.Port, Number(service.Listener.Port)),
            Entry(ConfigKeys.BindAddress, Quoted(service.Listener.BindAddress.ToString())),
            Entry(ConfigKeys.Method, Word(ConfigWords.Of(service.Method))),
            Entry(ConfigKeys.LogLevel, Word(ConfigWords.Of(config.LogLevel))),
            .. config.DecisionLog.Map(path => Entry(ConfigKeys.DecisionLog, Quoted(path))),
            Entry(ConfigKeys.Backends, new RawNode.Sequence(SourcePosition.Start, new Arr<RawNode>(
                service.Backends.Select(backend => Map(
                [
                    Entry(ConfigKeys.Host, Quoted(backend.Endpoint.Host.ToString())),
                    Entry(ConfigKeys.Port, Number(backend.Endpoint.Port)),
                ]))))),
            Entry(ConfigKeys.RuntimeBlock, Map(
            [
                .. RuntimeNumber.All.Select(number => Entry(number.Key, Number(number.Get(service.Tuning)))),
                Entry(ConfigKeys.OverloadPolicy, Word(ConfigWords.Of(service.Tuning.OverloadPolicy))),
                Entry(ConfigKeys.Relay, Word(ConfigWords.Of(service.Tuning.Relay))),
                Entry(ConfigKeys.Threads, config.Threads.Match(count => Number(count), () => Word("auto"))),
            ])),
        ]);
    }

    /// <summary>The same as YAML text in block style, each line ending in a newline.</summary>
    public static string ToYaml(BalConfig config) => ToYaml(ToRaw(config));

    /// <summary>
    /// Any document as YAML text that reads back as the same document: block style, scalars that could be taken for
    /// something else in double quotes, an empty one as <c>~</c>.
    /// </summary>
    public static string ToYaml(RawNode document)
    {
        var text = new StringBuilder();
        Write(document, 0, text);
        return text.ToString();
    }

    private static void Write(RawNode node, int indent, StringBuilder text)
    {
        switch (node)
        {
            case RawNode.Sequence { Items.IsEmpty: false } list:
                foreach (var item in list.Items)
                    WritePart("-", item, indent, text);
                break;
            case RawNode.Mapping { Entries.IsEmpty: false } mapping:
                foreach (var entry in mapping.Entries)
                {
                    var simple = SimpleKey(entry.Key);
                    if (simple.IsNone)
                        WritePart("?", entry.Key, indent, text);
                    WritePart(simple.IfNone("") + ":", entry.Value, indent, text);
                }
                break;
            default:
                text.Append(' ', indent).Append(Leaf(node)).Append('\n');
                break;
        }
    }

    private static void WritePart(string lead, RawNode part, int indent, StringBuilder text)
    {
        text.Append(' ', indent).Append(lead);
        if (part is RawNode.Sequence { Items.IsEmpty: false } or RawNode.Mapping { Entries.IsEmpty: false })
        {
            // The first entry of a list's mapping stands behind its dash, as people write it.
            var inner = new StringBuilder();
            Write(part, indent + 2, inner);
            text.Append(lead == "-" ? " " : "\n").Append(inner, lead == "-" ? indent + 2 : 0,
                inner.Length - (lead == "-" ? indent + 2 : 0));
        }
        else
        {
            text.Append(' ').Append(Leaf(part)).Append('\n');
        }
    }

    // YAML 1.2, section 7.4.2: such a key is one line of at most 1,024 characters.
    private static Option<string> SimpleKey(RawNode key) =>
        key is RawNode.Scalar scalar && Scalar(scalar) is { Length: <= 1_000 } text
            ? text
            : Option<string>.None;

    private static string Leaf(RawNode node) => node.Match(Scalar, _ => "[]", _ => "{}");

    private static string Scalar(RawNode.Scalar scalar) =>
        // Not every parser takes nothing at all for a key.
        !scalar.Quoted && scalar.Text is "" or "~" ? "~"
        : !scalar.Quoted && scalar.Text.All(c => char.IsAsciiLetterOrDigit(c) || c == '_') ? scalar.Text
        : DoubleQuoted(scalar.Text);

    // YAML 1.2, section 7.3.1.
    private static string DoubleQuoted(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (var c in text)
            _ = c is '"' or '\\' ? quoted.Append('\\').Append(c)
                : c is >= ' ' and <= '~' ? quoted.Append(c)
                : quoted.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
        return quoted.Append('"').ToString();
    }

    private static RawNode Map(IEnumerable<RawEntry> entries) =>
        new RawNode.Mapping(SourcePosition.Start, new Arr<RawEntry>(entries));

    private static RawEntry Entry(string key, RawNode value) => new(Word(key), value);

    private static RawNode Word(string word) => new RawNode.Scalar(SourcePosition.Start, word, quoted: false);

    private static RawNode Quoted(string text) => new RawNode.Scalar(SourcePosition.Start, text, quoted: true);

    private static RawNode Number(long number) => Word(number.ToString(CultureInfo.InvariantCulture));
}
