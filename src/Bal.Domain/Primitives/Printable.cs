using System.Globalization;
using System.Text;

namespace Bal.Domain.Primitives;

/// <summary>
/// Text from outside (a file, a path, an argument, an answer) as it may be shown to a person: it can neither steer the
/// terminal, nor look like lines that bal did not write, nor hide or turn round a part of itself.
/// </summary>
public static class Printable
{
    /// <summary>
    /// The text on one line: a character that is not printable is written as <c>\uXXXX</c>, once per UTF-16
    /// code unit as JSON has it. A text that is printable is returned as it is.
    /// </summary>
    public static string Line(string text) => Escape(text, lineFeeds: false);

    /// <summary>The same, except that line feeds stay: for whole reports.</summary>
    public static string Lines(string text) => Escape(text, lineFeeds: true);

    /// <summary>
    /// The text on one line, cut after about <paramref name="most"/> characters, which <c>...</c> then tells.
    /// </summary>
    public static string Short(string text, int most)
    {
        if (text.Length <= most)
            return Line(text);
        var end = char.IsHighSurrogate(text[most - 1]) ? most - 1 : most;
        return Line(text[..end]) + "...";
    }

    private static string Escape(string text, bool lineFeeds)
    {
        var first = text.AsSpan().IndexOfAnyExceptInRange(' ', '~');
        if (first < 0)
            return text;
        var shown = new StringBuilder(text.Length + 16).Append(text, 0, first);
        for (var at = first; at < text.Length;)
        {
            _ = Rune.DecodeFromUtf16(text.AsSpan(at), out var rune, out var units);
            // A lone surrogate decodes to the replacement character, and has no other form.
            if ((lineFeeds && text[at] == '\n') || IsPrintable(rune))
                shown.Append(rune.ToString());
            else
                foreach (var unit in text.AsSpan(at, units))
                    shown.Append(CultureInfo.InvariantCulture, $"\\u{(int)unit:x4}");
            at += units;
        }

        return shown.ToString();
    }

    private static bool IsPrintable(Rune rune) => Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.OtherNotAssigned);
}
