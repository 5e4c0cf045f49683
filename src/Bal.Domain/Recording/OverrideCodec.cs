using System.Text;
using Bal.Domain.Balancing;
using Bal.Domain.Control;
using LanguageExt;

namespace Bal.Domain.Recording;

/// <summary>The form of what operators have ordered.</summary>
public static class OverrideCodec
{
    internal static readonly Codec<Option<string>> MaybeText = Codec.Maybe(Scalar.Text);

    internal static readonly Codec<Option<Duration>> MaybeSpan = Codec.Maybe(Scalar.Span);

    private static readonly Codec<Option<int>> MaybeWeight = Codec.Maybe(Scalar.Integer(0, 256));

    internal static readonly Codec<Operator> Operator = Codec.Object<Operator>(m => new(
        m.Of("name", Scalar.Text, o => o.Name),
        m.Of("uid", Scalar.Total, o => o.Uid),
        m.Of("at_ms", Scalar.Total, o => o.At)));

    private static readonly Body<Override> Body = Recording.Body.Of<Override>(m => new(
        m.Of("drained", Scalar.Flag, o => o.Drained),
        m.Of("weight", MaybeWeight, o => o.Weight),
        m.Of("by", Operator, o => o.By)));

    internal static readonly Codec<Option<Override>> Maybe = Codec.Maybe(Codec.Of(Body));

    internal static readonly Codec<Arr<KeptOverride>> Kept = Codec.List(Codec.Object<KeptOverride>(m => new(
        m.Of("service", Scalar.Text, k => k.Service),
        m.Of("backend", Scalar.Text, k => k.Backend),
        m.Inline(Body, k => k.Override))));

    internal static readonly Codec<OperatorOrder> Order = Union.Tagged<OperatorOrder>("action")
        .Case<OperatorOrder.Drain>("drain", m => new(
            m.Of("backend", Scalar.Id, o => o.Backend),
            m.Of("reset_after_ms", MaybeSpan, o => o.ResetAfter),
            m.Of("force", Scalar.Flag, o => o.Force)))
        .Case<OperatorOrder.Enable>("enable", m => new(m.Of("backend", Scalar.Id, o => o.Backend)))
        .Case<OperatorOrder.EnableAll>("enable_all", _ => new())
        .Case<OperatorOrder.SetWeight>("weight", m => new(
            m.Of("backend", Scalar.Id, o => o.Backend),
            m.Of("weight", MaybeWeight, o => o.Weight),
            m.Of("force", Scalar.Flag, o => o.Force)))
        .Codec;

    internal static readonly Codec<OverrideKeeping> Keeping = Codec.Object<OverrideKeeping>(m => new(
        m.Of("changes", Scalar.Total, k => k.Changes),
        m.Of("kept", Scalar.Total, k => k.Kept),
        m.Of("why_not", MaybeText, k => k.WhyNot),
        m.Of("retry_at", Scalar.At, k => k.RetryAt),
        m.Of("put_aside", MaybeText, k => k.PutAside)));

    private const string Sum = ",\"sum\":\"";

    private static readonly Codec<OverrideDocument> Document = Codec.Object<OverrideDocument>(m =>
    {
        _ = m.Of("bal_overrides", Scalar.Positive.Where(n => n == 1, "1; a later version of bal wrote this"), _ => 1);
        return new(
            m.Of("overrides", Kept, d => d.Overrides),
            m.Of("put_aside", MaybeText, d => d.PutAside));
    });

    /// <summary>The file: one line of JSON whose last member is a checksum over what stands before it.</summary>
    public static byte[] Write(OverrideDocument document)
    {
        var body = CanonicalJson.Bytes(Document, document)[..^1];
        return [.. body, .. Encoding.ASCII.GetBytes($"{Sum}{Hex.Of(Hash.Of(body))}\"}}\n")];
    }

    /// <summary>Reads the file; why it cannot be, where it is damaged.</summary>
    public static Either<string, OverrideDocument> Read(ReadOnlyMemory<byte> text)
    {
        var tail = Sum.Length + 16 + 3;
        if (text.Length < tail)
            return "it does not end in a checksum";
        var body = text[..^tail];
        var expected = $"{Sum}{Hex.Of(Hash.Of(body.Span))}\"}}\n";
        return Encoding.Latin1.GetString(text.Span[^tail..]) != expected
            ? "its checksum is not that of its content"
            : CanonicalJson.Read(Document, text).MapLeft(fault => fault.ToText());
    }
}

/// <summary>What outlives the process of operators' orders.</summary>
/// <param name="Overrides">What holds.</param>
/// <param name="PutAside">Why an earlier file could not be read, until that is accepted.</param>
public sealed record OverrideDocument(Arr<KeptOverride> Overrides, Option<string> PutAside)
{
    /// <summary>What is to outlive a process in this state.</summary>
    public static OverrideDocument Of(ControlState state) =>
        new(Overriding.ListOf(state), state.Keeping.PutAside);

    /// <summary>Whether there is nothing to keep.</summary>
    public bool IsEmpty => Overrides.IsEmpty && PutAside.IsNone;
}
