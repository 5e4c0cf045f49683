using System.Globalization;
using System.Text;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using FsCheck;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Primitives;

/// <summary>Nothing that comes from outside can steer a terminal or forge a line of a report.</summary>
public sealed class PrintableSpecs
{
    [Property]
    public void What_is_shown_has_no_control_and_no_format_character(NonNull<string> text)
    {
        Assert.All(Printable.Line(text.Get).EnumerateRunes(), Harmless);
        Assert.All(Printable.Lines(text.Get).EnumerateRunes().Where(rune => rune.Value != '\n'), Harmless);
    }

    [Property]
    public void What_is_shown_can_be_shown_again_unchanged(NonNull<string> text)
    {
        Assert.Equal(Printable.Line(text.Get), Printable.Line(Printable.Line(text.Get)));
        Assert.Equal(Printable.Lines(text.Get), Printable.Lines(Printable.Lines(text.Get)));
    }

    [Property]
    public void A_report_keeps_its_lines_and_a_line_stays_one(NonNull<string> text)
    {
        Assert.Equal(text.Get.Count(c => c == '\n'), Printable.Lines(text.Get).Count(c => c == '\n'));
        Assert.DoesNotContain('\n', Printable.Line(text.Get));
    }

    [Property]
    public void A_problem_is_three_lines_whatever_its_parts_hold(
        NonNull<string> what, NonNull<string> why, NonNull<string> now)
    {
        var lines = new Problem("code", what.Get, why.Get, now.Get).ToText().Split('\n');

        Assert.Equal(4, lines.Length);
        Assert.Equal(["what_happened:", "why_likely:", "do_this_now:", ""], lines.Select(line => line.Split(' ')[0]));
    }

    [Property]
    public void A_short_text_is_whole_and_a_long_one_is_cut(NonNull<string> text, PositiveInt most)
    {
        var shown = Printable.Short(text.Get, most.Get);

        Assert.Equal(text.Get.Length > most.Get, shown.EndsWith("...", StringComparison.Ordinal)
            && shown != Printable.Line(text.Get));
        Assert.InRange(shown.Length, 0, (6 * most.Get) + 3);
    }

    [Property]
    public void A_character_of_two_units_is_shown_whole_or_not_at_all(PositiveInt most) => Assert.Equal(
        string.Concat(Enumerable.Repeat("😀", most.Get / 2)) + "...",
        Printable.Short(string.Concat(Enumerable.Repeat("😀", most.Get + 1)), most.Get));

    [Theory]
    [InlineData("db-1.example", "db-1.example")]
    [InlineData("größe ✓ 日本", "größe ✓ 日本")]
    [InlineData("\e[2J", "\\u001b[2J")]
    [InlineData("a\tb\r\nc", "a\\u0009b\\u000d\\u000ac")]
    [InlineData("\u009b31m", "\\u009b31m")]
    [InlineData("\u202Egnp.exe", "\\u202egnp.exe")]
    [InlineData("\u2028", "\\u2028")]
    [InlineData("\U000E0041", "\\udb40\\udc41")]
    public void Escapes_are_those_of_json(string text, string shown) => Assert.Equal(shown, Printable.Line(text));

    private static void Harmless(Rune rune) => Assert.False(Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control
        or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
}
