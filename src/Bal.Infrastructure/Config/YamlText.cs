using System.Buffers;
using System.Text;
using System.Text.Unicode;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Infrastructure.Config;

/// <summary>Bytes as the text of a YAML file: size, encoding and the characters that may stand in it.</summary>
internal static class YamlText
{
    /// <summary>The text without a byte order mark; or the first thing that is wrong with it.</summary>
    public static Either<Finding, string> Decode(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > YamlReader.MaxBytes)
            return Fault("file_too_large", SourcePosition.Start,
                $"the file has more than {YamlReader.MaxBytes} bytes: expected at most 1 MiB",
                "check that it is the configuration: a real one is far smaller");
        if (OtherEncoding(bytes) is { } other)
            return Fault("not_utf8", SourcePosition.Start, $"the file is {other} text: expected UTF-8",
                $"save the file as UTF-8: 'iconv -f {other} -t UTF-8' converts it, or your editor does");
        var content = bytes.StartsWith(Encoding.UTF8.Preamble) ? bytes[Encoding.UTF8.Preamble.Length..] : bytes;
        var buffer = new char[content.Length];
        if (Utf8.ToUtf16(content, buffer, out var read, out var written,
            replaceInvalidSequences: false) != OperationStatus.Done)
            return Fault("not_utf8", PositionOf(buffer.AsSpan(0, written)),
                $"the file is not UTF-8: byte 0x{content[read]:x2} is invalid here",
                    "save the file as UTF-8, or remove the character");
        var text = buffer.AsSpan(0, written);
        // YAML 1.2, section 5.1: C0 controls but tab and line breaks, and DEL, are not printable.
        var control = text.IndexOfAny(Controls);
        return control < 0
            ? new string(text)
            : Fault("control_character", PositionOf(text[..control]),
                $"the file contains the control character 0x{(int)text[control]:x2}, which YAML does not allow",
                "remove the character; if there are many, this is not a text file");
    }

    /// <summary>The place behind the last character.</summary>
    public static SourcePosition EndOf(string text) => PositionOf(text);

    /// <summary>
    /// The first place from line <paramref name="first"/> to <paramref name="last"/> that is indented with a tab; null
    /// where none is. The parser blames the token before the tab as often as the one behind it.
    /// </summary>
    public static SourcePosition? TabIndentation(string text, int first, int last)
    {
        var number = 0;
        foreach (var content in text.AsSpan().EnumerateLines())
        {
            number++;
            if (number > last)
                break;
            if (number < first)
                continue;
            var tab = content.IndexOf('\t');
            if (tab >= 0 && content[..tab].Trim(' ').IsEmpty && !content.Trim().IsEmpty)
                return new SourcePosition(number, tab + 1);
        }
        return null;
    }

    /// <summary>The text of a line in quotes, cut where it is long; for messages.</summary>
    public static string LineAt(string text, int line)
    {
        const int longest = 60;
        var number = 0;
        foreach (var content in text.AsSpan().EnumerateLines())
        {
            if (++number == line)
                return $"'{Printable.Short(new string(content), longest)}'";
        }

        return "the end of the file";
    }

    /// <summary>An error about the file's form.</summary>
    public static Finding Fault(string code, SourcePosition at, string message, string hint) =>
        new(Severity.Error, code, "", at, message, hint);

    private static SearchValues<char> Controls { get; } = SearchValues.Create(
        [.. Enumerable.Range(0, 32).Append(127).Select(c => (char)c).Except(['\t', '\n', '\r'])]);

    // By the mark, or by where the zeros of a first ASCII character are (YAML 1.2, section 5.2).
    private static string? OtherEncoding(ReadOnlySpan<byte> bytes) => bytes switch
    {
        [0xFF, 0xFE, 0, 0, ..] or [0, 0, 0xFE, 0xFF, ..] or [not 0, 0, 0, 0, ..] or [0, 0, 0, not 0, ..] => "UTF-32",
        [0xFF, 0xFE, ..] or [0xFE, 0xFF, ..] or [0, not 0, ..] => "UTF-16",
        [not 0, 0, ..] when bytes.Length % 2 == 0 => "UTF-16",
        _ => null,
    };

    // Lines end as the parser has it: at CR, LF and CRLF, and at the breaks of Unicode.
    private static SourcePosition PositionOf(ReadOnlySpan<char> before)
    {
        var at = SourcePosition.None;
        foreach (var line in before.EnumerateLines())
            at = new(at.Line + 1, line.Length + 1);
        return at;
    }
}
