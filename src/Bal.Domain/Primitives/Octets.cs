using System.Globalization;
using System.Text;
using LanguageExt;

namespace Bal.Domain.Primitives;

/// <summary>Bytes as a file writes them: text with escapes, or hexadecimal digits. Equal where the bytes are.</summary>
public sealed class Octets : IEquatable<Octets>
{
    private readonly byte[] bytes;

    private Octets(byte[] bytes) => this.bytes = bytes;

    /// <summary>None at all.</summary>
    public static readonly Octets Empty = new([]);

    /// <summary>The bytes.</summary>
    public ReadOnlyMemory<byte> Bytes => bytes;

    /// <summary>How many.</summary>
    public int Length => bytes.Length;

    /// <summary>A copy of these bytes.</summary>
    public static Octets Of(ReadOnlySpan<byte> bytes) => new(bytes.ToArray());

    /// <summary>
    /// Reads a text: <c>\r \n \t \\</c> and <c>\xNN</c> stand for one byte each, everything else for its UTF-8. Left is
    /// what is wrong with it, which quotes nothing but an escape.
    /// </summary>
    public static Either<string, Octets> Read(string text)
    {
        var read = new List<byte>(text.Length);
        Span<byte> encoded = stackalloc byte[4];
        for (var at = 0; at < text.Length;)
        {
            if (text[at] != '\\')
            {
                _ = Rune.DecodeFromUtf16(text.AsSpan(at), out var rune, out var units);
                read.AddRange(encoded[..rune.EncodeToUtf8(encoded)]);
                at += units;
                continue;
            }

            var escape = at + 1 < text.Length ? text[at + 1] : ' ';
            if (escape == 'x' && at + 3 < text.Length
                && byte.TryParse(text.AsSpan(at + 2, 2), NumberStyles.AllowHexSpecifier, null, out var value))
            {
                read.Add(value);
                at += 4;
                continue;
            }

            var place = "rnt\\".IndexOf(escape, StringComparison.Ordinal);
            if (place < 0)
                return "a backslash begins \\r, \\n, \\t, \\\\ or \\x with two hexadecimal digits";
            read.Add("\r\n\t\\"u8[place]);
            at += 2;
        }

        return new Octets([.. read]);
    }

    /// <summary>Reads pairs of hexadecimal digits, with spaces between bytes or not.</summary>
    public static Either<string, Octets> ReadHex(string text)
    {
        var digits = text.Replace(" ", "", StringComparison.Ordinal);
        return digits.Length % 2 == 0 && digits.All(char.IsAsciiHexDigit)
            ? new Octets(Convert.FromHexString(digits))
            : "each byte is two hexadecimal digits";
    }

    /// <summary>The text that <see cref="Read"/> takes for these bytes, in printable ASCII.</summary>
    public override string ToString() => ToText(bytes);

    /// <summary>The text for some bytes.</summary>
    public static string ToText(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(bytes.Length);
        foreach (var octet in bytes)
            _ = octet switch
            {
                (byte)'\r' => text.Append("\\r"),
                (byte)'\n' => text.Append("\\n"),
                (byte)'\t' => text.Append("\\t"),
                (byte)'\\' => text.Append("\\\\"),
                >= 0x20 and < 0x7f => text.Append((char)octet),
                _ => text.Append(CultureInfo.InvariantCulture, $"\\x{octet:x2}"),
            };
        return text.ToString();
    }

    /// <inheritdoc/>
    public bool Equals(Octets? other) => other is not null && bytes.AsSpan().SequenceEqual(other.bytes);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Octets);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.AddBytes(bytes);
        return hash.ToHashCode();
    }
}
