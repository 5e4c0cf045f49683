using System.Globalization;

namespace Bal.Domain.Recording;

/// <summary>Sixteen lower-case hexadecimal digits, and nothing else, are a number of 64 bits.</summary>
internal static class Hex
{
    public static string Of(ulong value) => value.ToString("x16", CultureInfo.InvariantCulture);

    public static ulong? Parse(ReadOnlySpan<char> text)
    {
        foreach (var c in text)
            if (!char.IsAsciiHexDigitLower(c) && !char.IsAsciiDigit(c))
                return null;
        return text.Length == 16 ? ulong.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture) : null;
    }
}
