using System.Globalization;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Config;

/// <summary>Reads the value of a key as text, as an integer or as one of some words.</summary>
internal static class Scalars
{
    /// <summary>What the path of a file looks like.</summary>
    public const string PathExpected = "the path of a file, at most 4000 characters without control characters";

    /// <summary>The text of a field; anything but a scalar with a value is an error.</summary>
    public static Checked<RawNode.Scalar> Text(Field field, string expected) => field.Value switch
    {
        RawNode.Scalar scalar when !IsNull(scalar) => Checked.Good(scalar),
        RawNode.Scalar => Checked.Bad<RawNode.Scalar>(Faults.Unexpected("missing_value", field, expected,
            "write a value after the colon, or remove the line")),
        _ => Checked.Bad<RawNode.Scalar>(WrongKind(field, expected, field.Value is RawNode.Sequence
            ? "brackets and dashes make a list: write one value (an IPv6 address in brackets needs quotes)"
            : "write one value after the colon")),
    };

    /// <summary>Whether a scalar stands for "nothing" (YAML 1.2, section 10.2.1.1).</summary>
    public static bool IsNull(RawNode node) =>
        node is RawNode.Scalar { Quoted: false, Text: "" or "~" or "null" or "Null" or "NULL" };

    /// <summary>The finding for a list where a mapping is expected, and the like.</summary>
    public static Messages.Finding WrongKind(Field field, string expected, string hint) =>
        Faults.Unexpected("wrong_type", field, expected, hint);

    /// <summary>
    /// An integer in decimal digits, quoted or not. Other spellings of YAML (<c>0x10</c>, <c>1_000</c>, <c>1e3</c>,
    /// leading zeros) are refused because parsers do not agree on what they mean.
    /// </summary>
    public static Checked<int> Integer(Field field, IntRange range) =>
        Text(field, range.ToText()).Then(scalar => Integer(field, scalar, range, range.ToText()));

    /// <summary>As above, for a scalar that has been taken out already.</summary>
    public static Checked<int> Integer(Field field, RawNode.Scalar scalar, IntRange range, string expected)
    {
        var text = scalar.Text;
        var digits = text.StartsWith('-') ? text[1..] : text;
        if (digits.Length == 0 || !digits.All(char.IsAsciiDigit) || (digits.Length > 1 && digits[0] == '0'))
            return Checked.Bad<int>(
                Faults.Unexpected("invalid_integer", field, expected, IntegerHint(text, range)));
        var fits = long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value);
        return fits && range.Allows(value)
            ? Checked.Good((int)value)
            : Checked.Bad<int>(Faults.Unexpected("out_of_range", field, expected,
                $"choose a value from {range.Least} to {range.Most}"));
    }

    /// <summary>Words as a message lists them.</summary>
    public static string OneOf(Arr<string> words) => words.Count < 2
        ? string.Concat(words)
        : $"{string.Join(", ", words.Take(words.Count - 1))} or {words[words.Count - 1]}";

    /// <summary>The place of one of <paramref name="words"/>, which is exact.</summary>
    public static Checked<int> Choice(Field field, Arr<string> words)
    {
        var expected = OneOf(words);
        return Text(field, expected).Then(scalar => words.IndexOf(scalar.Text) is var index and >= 0
            ? Checked.Good(index)
            : Checked.Bad<int>(Faults.Unexpected("invalid_value", field, expected,
                Nearest.To(scalar.Text, words).Match(near => $"did you mean '{near}'?", () => $"write {expected}"))));
    }

    /// <summary>One of <paramref name="all"/>, by its exact word.</summary>
    public static Checked<T> Choice<T>(Field field, Arr<T> all, Func<T, string> word) =>
        Choice(field, new Arr<string>(all.Select(word))).Map(index => all[index]);

    /// <summary>An address or a name.</summary>
    public static Checked<Host> Host(Field field) => Text(field, HostSyntax.Expected).Then(scalar =>
        HostSyntax.Read(scalar.Text).Match(
            Right: Checked.Good,
            Left: fault => Checked.Bad<Host>(
                Faults.Unexpected(fault.Code, field, HostSyntax.Expected, fault.Hint, fault.Reason))));

    /// <summary>What an address to listen on looks like.</summary>
    public const string ListenExpected = "an IPv4 address, an IPv6 address, a host name or unix:/PATH";

    /// <summary>An address or a name to listen on, or a Unix socket.</summary>
    public static Checked<Host> Listen(Field field) => Text(field, ListenExpected).Then(scalar =>
        scalar.Text.StartsWith(Primitives.Host.Unix.Prefix, StringComparison.Ordinal)
            ? UnixPaths.Read(field, scalar.Text[Primitives.Host.Unix.Prefix.Length..], ListenExpected)
                .Map<Host>(path => new Host.Unix(path))
            : HostSyntax.Read(scalar.Text).Match(
                Right: Checked.Good,
                Left: fault => Checked.Bad<Host>(
                    Faults.Unexpected(fault.Code, field, ListenExpected, fault.Hint, fault.Reason))));

    /// <summary>The path of a file, as it is written.</summary>
    public static Checked<string> FilePath(Field field) => Text(field, PathExpected).Then(scalar =>
        scalar.Text.Length is > 0 and <= 4_000 && !scalar.Text.Any(char.IsControl) && !scalar.Text.EndsWith('/')
            ? Checked.Good(scalar.Text)
            : Checked.Bad<string>(Faults.Unexpected("invalid_path", field, PathExpected, scalar.Text.EndsWith('/')
                ? "name a file in that directory"
                : "write the path of a file, such as /var/log/bal/decisions.ndjson")));

    private static string IntegerHint(string text, IntRange range)
    {
        var number = new string([.. text.TakeWhile(char.IsAsciiDigit)]);
        var unit = text[number.Length..].Trim();
        return number.Length is > 0 and < 8 && range.Unit.Length > 0
            ? unit switch
            {
                "ms" => $"write the number alone: {number}",
                "s" or "sec" => $"the unit is {range.Unit}: write {number}000",
                _ => $"write {range.Unit} in decimal digits, without a unit, sign or separator",
            }
            : "write decimal digits only, without a unit, sign, separator or leading zero";
    }
}
