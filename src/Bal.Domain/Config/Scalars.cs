using System.Globalization;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Config;

/// <summary>Reads the value of a key as text, as an integer or as one of some words.</summary>
internal static class Scalars
{
    /// <summary>The text of a field; anything but a scalar with a value is an error.</summary>
    public static Checked<RawNode.Scalar> Text(Field field, string allowed) => field.Value switch
    {
        RawNode.Scalar scalar when !IsNull(scalar) => Checked.Good(scalar),
        RawNode.Scalar scalar => Checked.Bad<RawNode.Scalar>(Faults.Error("missing_value", field.Path, scalar.At,
            $"{field.Path} has no value; allowed is {allowed}", "write a value behind the colon, or remove the line")),
        _ => Checked.Bad<RawNode.Scalar>(WrongKind(field, allowed, field.Value is RawNode.Sequence
            ? "brackets and dashes make a list: write one value (an IPv6 address in brackets needs quotes)"
            : "write one value behind the colon")),
    };

    /// <summary>Whether a scalar stands for "nothing" (YAML 1.2, section 10.2.1.1).</summary>
    public static bool IsNull(RawNode node) =>
        node is RawNode.Scalar { Quoted: false, Text: "" or "~" or "null" or "Null" or "NULL" };

    /// <summary>The finding for a list where a mapping is expected, and the like.</summary>
    public static Finding WrongKind(Field field, string allowed, string hint) =>
        Faults.Error("wrong_type", field.Path, field.Value.At,
            $"{field.Path} is {Shown.Value(field.Value)}; allowed is {allowed}", hint);

    /// <summary>
    /// An integer in decimal digits, quoted or not. Other spellings of YAML (<c>0x10</c>, <c>1_000</c>, <c>1e3</c>,
    /// leading
    /// zeros) are refused because parsers do not agree on what they mean.
    /// </summary>
    public static Checked<int> Integer(Field field, IntRange range) =>
        Text(field, range.ToText()).Then(scalar => Integer(field, scalar, range, range.ToText()));

    /// <summary>As above, for a scalar that has been taken out already.</summary>
    public static Checked<int> Integer(Field field, RawNode.Scalar scalar, IntRange range, string allowed)
    {
        var text = scalar.Text;
        var digits = text.StartsWith('-') ? text[1..] : text;
        if (digits.Length == 0 || !digits.All(char.IsAsciiDigit) || (digits.Length > 1 && digits[0] == '0'))
            return Checked.Bad<int>(Faults.Error("invalid_integer", field.Path, scalar.At,
                $"{field.Path} is {Shown.Value(scalar)}; allowed is {allowed}", IntegerHint(text, range)));
        var fits = long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value);
        return fits && range.Allows(value)
            ? Checked.Good((int)value)
            : Checked.Bad<int>(Faults.Error("out_of_range", field.Path, scalar.At,
                $"{field.Path} is {Shown.Value(scalar)}; allowed is {allowed}",
                $"choose a value from {range.Least} to {range.Most}"));
    }

    /// <summary>One of <paramref name="all"/>, by its exact word.</summary>
    public static Checked<T> Choice<T>(Field field, Arr<T> all, Func<T, string> word)
    {
        var words = new Arr<string>(all.Select(word));
        var allowed = words.Count == 1 ? words[0] : $"one of {string.Join(", ", words)}";
        return Text(field, allowed).Then(scalar => words.IndexOf(scalar.Text) is var index and >= 0
            ? Checked.Good(all[index])
            : Checked.Bad<T>(Faults.Error("invalid_value", field.Path, scalar.At,
                $"{field.Path} is {Shown.Value(scalar)}; allowed is {allowed}",
                Nearest.To(scalar.Text, words).Match(near => $"did you mean '{near}'?", () => $"write {allowed}"))));
    }

    /// <summary>The path of a file, as it is written.</summary>
    public static Checked<string> FilePath(Field field)
    {
        const string Allowed = "the path of a file, of at most 4000 characters and none of them a control character";
        return Text(field, Allowed).Then(scalar =>
            scalar.Text.Length is > 0 and <= 4_000 && !scalar.Text.Any(char.IsControl) && !scalar.Text.EndsWith('/')
                ? Checked.Good(scalar.Text)
                : Checked.Bad<string>(Faults.Error("invalid_path", field.Path, scalar.At,
                    $"{field.Path} is {Shown.Value(scalar)}; allowed is {Allowed}",
                    scalar.Text.EndsWith('/')
                        ? "name a file in that directory"
                        : "write the path of a file, such as /var/log/bal/decisions.ndjson")));
    }

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
