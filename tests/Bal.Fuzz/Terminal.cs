using System.Globalization;
using System.Text;

namespace Bal.Fuzz;

/// <summary>What a text does to the terminal that shows it.</summary>
internal static class Terminal
{
    /// <summary>
    /// Whether it can neither steer the terminal (control characters) nor hide or turn round what it says (format
    /// characters, such as the overrides of the writing direction); line feeds are allowed where said.
    /// </summary>
    internal static bool IsHarmless(string text, bool lines = false) => text.EnumerateRunes().All(rune =>
        (lines && rune.Value == '\n') || Rune.GetUnicodeCategory(rune) is not (
            UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate
            or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator));
}
