using System.Globalization;
using System.Text.Json;
using Bal.Domain.Messages;
using LanguageExt;

namespace Bal.Domain.Config;

/// <summary>Makes documents, and writes and reads them as JSON: a plain scalar of digits is a number there.</summary>
internal static class Raw
{
    /// <summary>Nothing: a key that is left out.</summary>
    public static RawNode Null { get; } = Word("");

    public static RawNode Word(string word) => new RawNode.Scalar(SourcePosition.Start, word, quoted: false);

    public static RawNode Text(string text) => new RawNode.Scalar(SourcePosition.Start, text, quoted: true);

    public static RawNode Flag(bool flag) => Word(flag ? "true" : "false");

    public static RawNode Number(long number) => Word(number.ToString(CultureInfo.InvariantCulture));

    public static RawNode List(params RawNode[] items) =>
        new RawNode.Sequence(SourcePosition.Start, new Arr<RawNode>(items));

    public static RawNode Map(params RawEntry[] entries) =>
        new RawNode.Mapping(SourcePosition.Start, new Arr<RawEntry>(entries));

    public static RawEntry Entry(string key, RawNode value) => new(Word(key), value);

    public static RawEntry Entry(string key, string text) => new(Word(key), Text(text));

    /// <summary>The text of a value on one line, as a report shows it.</summary>
    public static string ToText(RawNode node) => node.Match(
        scalar => scalar.Text,
        list => string.Join(", ", list.Items.Map(ToText)),
        mapping => string.Join(", ", mapping.Entries.Map(entry => $"{ToText(entry.Key)}: {ToText(entry.Value)}")));

    /// <summary>Writes a document as one JSON value.</summary>
    public static void Write(Utf8JsonWriter json, RawNode node)
    {
        switch (node)
        {
            case RawNode.Mapping mapping:
                json.WriteStartObject();
                foreach (var entry in mapping.Entries)
                {
                    json.WritePropertyName(ToText(entry.Key));
                    Write(json, entry.Value);
                }
                json.WriteEndObject();
                break;
            case RawNode.Sequence list:
                json.WriteStartArray();
                foreach (var item in list.Items)
                    Write(json, item);
                json.WriteEndArray();
                break;
            case RawNode.Scalar { Quoted: false, Text: "" }:
                json.WriteNullValue();
                break;
            case RawNode.Scalar { Quoted: false, Text: "true" or "false" } flag:
                json.WriteBooleanValue(flag.Text == "true");
                break;
            case RawNode.Scalar { Quoted: false } word when long.TryParse(
                word.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number):
                json.WriteNumberValue(number);
                break;
            case RawNode.Scalar text:
                json.WriteStringValue(text.Text);
                break;
        }
    }

    /// <summary>
    /// The document that a JSON value is, without the members that are null: they are not set. None where a text in it
    /// is not valid Unicode.
    /// </summary>
    public static Option<RawNode> Read(JsonElement json)
    {
        try
        {
            return Option<RawNode>.Some(Node(json));
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair, which the parser looks for only now.
            return Option<RawNode>.None;
        }
    }

    private static RawNode Node(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Object => Map([.. json.EnumerateObject()
            .Where(member => member.Value.ValueKind != JsonValueKind.Null)
            .Select(member => Entry(member.Name, Node(member.Value)))]),
        JsonValueKind.Array => List([.. json.EnumerateArray().Select(Node)]),
        JsonValueKind.String => Text(json.GetString()!),
        JsonValueKind.Null or JsonValueKind.Undefined => Null,
        _ => Word(json.GetRawText()),
    };
}
