using System.IO.Hashing;
using System.Text;
using LanguageExt;

namespace Bal.Domain.Recording;

/// <summary>A line as it stands in the file, and the checksum that the next one builds on.</summary>
/// <param name="Bytes">The line with its newline.</param>
/// <param name="Chain">The checksum of this line and of all before it.</param>
public sealed record ChainedLine(byte[] Bytes, DecisionChain Chain);

/// <summary>A line that was read, and the checksum that the next one builds on.</summary>
/// <param name="Line">The line.</param>
/// <param name="Chain">The checksum of this line and of all before it.</param>
public sealed record ReadLine(DecisionLine Line, DecisionChain Chain);

/// <summary>
/// The checksum over all lines so far. Each line carries one over the checksum before it and its own bytes, so that a
/// line cannot change, vanish or move unnoticed. A process begins anew from <see cref="Start"/>, and so does a file.
/// </summary>
/// <param name="Value">64 bits that detect damage; nothing that withstands forgery.</param>
public readonly record struct DecisionChain(ulong Value)
{
    private const string Member = ",\"chain\":\"";
    private const int TailLength = 10 + 16 + 2;

    /// <summary>Before the first line.</summary>
    public static DecisionChain Start => new(0);

    /// <summary>The bytes of a line that stands next.</summary>
    public ChainedLine Append(DecisionLine line)
    {
        var json = CanonicalJson.Bytes(DecisionLineCodec.Line, line);
        var body = json.AsSpan(0, json.Length - 1);
        var chain = After(body, StartsAnew(line) ? Start : this);
        var tail = Encoding.ASCII.GetBytes($"{Member}{Hex.Of(chain.Value)}\"}}\n");
        return new([.. body, .. tail], chain);
    }

    /// <summary>Reads the line that stands next, given without its newline.</summary>
    public Either<CodecFault, ReadLine> Read(ReadOnlyMemory<byte> bytes)
    {
        var start = this;
        return ChainOf(bytes.Span) is not { } written
            ? new CodecFault("", "it does not end in a checksum")
            : CanonicalJson.Read(DecisionLineCodec.Line, bytes).Bind(line =>
                After(bytes.Span[..^TailLength], StartsAnew(line) ? Start : start) == written
                    ? Either<CodecFault, ReadLine>.Right(new ReadLine(line, written))
                    : new CodecFault("chain", "the checksum does not belong to this line at this place"));
    }

    /// <summary>The checksum that ends a line, given without its newline; not whether it is right.</summary>
    public static Option<DecisionChain> Of(ReadOnlySpan<byte> line) => Prelude.Optional(ChainOf(line));

    private static bool StartsAnew(DecisionLine line) =>
        line is DecisionLine.Checkpoint { Reason: not CheckpointReason.Gap };

    private static DecisionChain After(ReadOnlySpan<byte> body, DecisionChain before)
    {
        var hash = new XxHash3(unchecked((long)before.Value));
        hash.Append(body);
        return new(hash.GetCurrentHashAsUInt64());
    }

    private static DecisionChain? ChainOf(ReadOnlySpan<byte> line)
    {
        if (line.Length < TailLength)
            return null;
        var tail = Encoding.ASCII.GetString(line[^TailLength..]);
        return tail.StartsWith(Member, StringComparison.Ordinal) && tail.EndsWith("\"}", StringComparison.Ordinal)
            && Hex.Parse(tail.AsSpan(Member.Length, 16)) is { } value
            ? new DecisionChain(value)
            : null;
    }
}
