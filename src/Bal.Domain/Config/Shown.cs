using Bal.Domain.Primitives;

namespace Bal.Domain.Config;

/// <summary>How values of a file appear in messages: bounded, on one line, and unable to steer a terminal.</summary>
internal static class Shown
{
    private const int MaxLength = 60;

    /// <summary>The node as a message names it: an integer as it is, other text in quotes, or its kind.</summary>
    public static string Value(RawNode node) => node.Match(
        scalar => Scalars.IsNull(scalar) ? "nothing"
            : !scalar.Quoted && IsInteger(scalar.Text) ? Text(scalar.Text)
            : $"\"{Text(scalar.Text)}\"",
        sequence => sequence.Items.IsEmpty ? "an empty list" : "a list",
        mapping => mapping.Entries.IsEmpty ? "an empty mapping" : "a mapping");

    /// <summary>The text cut at 60 characters, with control and format characters escaped.</summary>
    public static string Text(string text) => Printable.Short(text, MaxLength);

    private static bool IsInteger(string text) =>
        text.Length > 0 && text[(text[0] == '-' ? 1 : 0)..] is { Length: > 0 } digits && digits.All(char.IsAsciiDigit);
}
