using System.Globalization;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Backend;

/// <summary>
/// What a health check says to a backend, which may be a password. Two of them are equal where as much is known of both
/// as anybody may know: the length, or the file. So nothing that is decided, logged or recorded depends on the bytes,
/// and a replay without them decides the same.
/// </summary>
/// <param name="Length">How many bytes; 0 where <paramref name="File"/> says where they are.</param>
/// <param name="File">The file that has them, absolute once a file was loaded.</param>
public sealed record Secret(int Length, Option<string> File)
{
    /// <summary>The most that is sent at once.</summary>
    public const int MaxBytes = 4_096;

    private readonly Octets? bytes;

    /// <summary>The bytes; none in what was read from a recording.</summary>
    public Option<Octets> Bytes => Prelude.Optional(bytes);

    /// <summary>These bytes.</summary>
    public static Secret Of(Octets bytes) => new(bytes.Length, Option<string>.None, bytes);

    /// <summary>What a file has.</summary>
    public static Secret In(string file) => new(0, file);

    /// <summary>With its bytes.</summary>
    public Secret With(Octets known) => new(File.IsSome ? 0 : known.Length, File, known);

    private Secret(int length, Option<string> file, Octets bytes) : this(length, file) => this.bytes = bytes;

    /// <summary>Reads <see cref="ToString"/> back, of bytes that are not known; none of another text.</summary>
    public static Option<Secret> Unknown(string text)
    {
        var digits = text.StartsWith('(') && text.EndsWith(" bytes)", StringComparison.Ordinal) ? text[1..^7]
            : text == "(1 byte)" ? "1" : "";
        return digits.Length is > 0 and < 6 && digits.All(char.IsAsciiDigit)
            ? new Secret(int.Parse(digits, CultureInfo.InvariantCulture), Option<string>.None)
            : Option<Secret>.None;
    }

    /// <inheritdoc/>
    public bool Equals(Secret? other) => other is not null && Length == other.Length && File == other.File;

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Length, File);

    /// <summary>All that may be shown of it: <c>(23 bytes)</c>, or the file.</summary>
    public override string ToString() => File.IfNone(() => $"({Plural.Of(Length, "byte")})");
}
