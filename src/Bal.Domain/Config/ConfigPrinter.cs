using System.Globalization;
using System.Text;
using LanguageExt;

namespace Bal.Domain.Config;

/// <summary>
/// Prints a configuration with every value explicit: what is in effect, defaults and auto-tuning included.
/// </summary>
public static class ConfigPrinter
{
    /// <summary>
    /// The configuration as a document. Validating it gives an equal configuration again, whatever defaults a later
    /// version may have (a simple one with the warning that it carries a <c>runtime</c> block).
    /// </summary>
    public static RawNode ToRaw(BalConfig config)
    {
        var process = Settings.Process.Print(config)
            .Where(entry => !Settings.ProcessRuntimeKeys.Contains(Raw.ToText(entry.Key)));
        var runtime = Settings.Process.Print(config)
            .Where(entry => Settings.ProcessRuntimeKeys.Contains(Raw.ToText(entry.Key)));
        return config.IsSingle
            ? Raw.Map([.. process, .. Printed(config.Services[0], runtime)])
            : Raw.Map(
            [
                .. process,
                Raw.Entry(Settings.RuntimeBlock, Raw.Map([.. runtime])),
                Raw.Entry(Settings.Services, Raw.Map([.. config.Services.Select(service =>
                    Raw.Entry(service.Name, Raw.Map([.. Printed(service, [])])))])),
            ]);
    }

    private static IEnumerable<RawEntry> Printed(Service service, IEnumerable<RawEntry> runtime) =>
    [
        .. Settings.OfService.Print(service),
        Raw.Entry(Settings.Backends, Raw.List(
            [.. service.Backends.Select(backend => Raw.Map([.. Settings.OfBackend.Print(backend)]))])),
        Raw.Entry(Settings.RuntimeBlock, Raw.Map([.. Settings.Runtime.Print(service.Tuning), .. runtime])),
    ];

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
}
