using Bal.Domain.Control;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Recording;

/// <summary>Why a decision log goes on with a whole state instead of the next step.</summary>
public enum CheckpointReason
{
    /// <summary>A process began to record, or began again after the file could not be written.</summary>
    Start,

    /// <summary>The file before was full.</summary>
    Rotated,

    /// <summary>Steps were not recorded, because they could not be written fast enough.</summary>
    Gap,
}

/// <summary>One line of a decision log.</summary>
public abstract record DecisionLine
{
    private DecisionLine() { }

    /// <summary>The whole state: replay begins here.</summary>
    /// <param name="Version">The version of bal that decided.</param>
    /// <param name="Reason">Why it stands here.</param>
    /// <param name="Sequence">The number of the last step before it.</param>
    /// <param name="At">The monotonic time.</param>
    /// <param name="WallTime">The time of day (RFC 3339), for people.</param>
    /// <param name="Unrecorded">Steps missing before it.</param>
    /// <param name="State">The state.</param>
    public sealed record Checkpoint(
        string Version, CheckpointReason Reason, long Sequence, Instant At, string WallTime, long Unrecorded,
        ControlState State) : DecisionLine
    {
        /// <summary>
        /// The checksum of the line before it, in this file or the one before; none where there was none.
        /// </summary>
        public Option<DecisionChain> After { get; init; }
    }

    /// <summary>Something that happened, and its outcome.</summary>
    /// <param name="Sequence">Counts the steps of the process from 1.</param>
    /// <param name="At">When, as the core was told.</param>
    /// <param name="Happened">What.</param>
    /// <param name="Digest">What came of it.</param>
    public sealed record Step(long Sequence, Instant At, ControlEvent Happened, DecisionDigest Digest) : DecisionLine
    {
        /// <summary>What was to be done, for other versions to compare; none where 0.1.0 wrote the line.</summary>
        public Option<EffectDigest> Effects { get; init; }
    }

    /// <summary>Applies the function of the case that this line is.</summary>
    public T Match<T>(Func<Checkpoint, T> checkpoint, Func<Step, T> step) => this switch
    {
        Checkpoint c => checkpoint(c),
        Step s => step(s),
        _ => throw new System.Diagnostics.UnreachableException(),
    };
}

/// <summary>The form of a line, its checksum not included.</summary>
internal static class DecisionLineCodec
{
    /// <summary>
    /// The present format. Format 1, of bal 0.1.0, has neither <c>effects</c> nor <c>after</c>, and digests that only
    /// 0.1.0 can compute.
    /// </summary>
    private const int Format = 2;

    private static readonly Codec<int> Formats =
        Scalar.Positive.Where(format => format <= Format, "format 1 or 2; another version of bal wrote this");

    private static readonly Codec<CheckpointReason> Reasons = Codec.Words(
        new Arr<CheckpointReason>([CheckpointReason.Start, CheckpointReason.Rotated, CheckpointReason.Gap]),
        reason => reason switch
        {
            CheckpointReason.Start => "start",
            CheckpointReason.Rotated => "rotated",
            _ => "gap",
        });

    private static readonly Codec<DecisionDigest> Digest = Scalar.Text
        .Where(text => DecisionDigest.Parse(text).IsSome, "32 hexadecimal digits")
        .Wrap<DecisionDigest>(
            digest => digest.ToText(),
            text => DecisionDigest.Parse(text).IfNone(default(DecisionDigest)));

    private static readonly Codec<ulong> Digits = Scalar.Text
        .Where(text => Hex.Parse(text) is not null, "16 hexadecimal digits")
        .Wrap<ulong>(Hex.Of, text => Hex.Parse(text) ?? 0);

    private static readonly Codec<Option<EffectDigest>> Effects =
        Codec.Maybe(Digits.Wrap<EffectDigest>(digest => digest.Value, value => new EffectDigest(value)));

    private static readonly Codec<Option<DecisionChain>> After =
        Codec.Maybe(Digits.Wrap<DecisionChain>(chain => chain.Value, value => new DecisionChain(value)));

    // A decision log is known by the first member of its first line.
    private static readonly Union<DecisionLine> Lines = Union.ByMember<DecisionLine>()
        .Case<DecisionLine.Checkpoint>("decision_log", m =>
        {
            _ = m.Of("decision_log", Formats, _ => Format);
            return new(
                m.Of("bal", Scalar.Text, c => c.Version),
                m.Of("reason", Reasons, c => c.Reason),
                m.Of("seq", Scalar.Total, c => c.Sequence),
                m.Of("at", Scalar.At, c => c.At),
                m.Of("wall_time", Scalar.Text, c => c.WallTime),
                m.Of("unrecorded", Scalar.Total, c => c.Unrecorded),
                m.Of("state", StateCodec.State, c => c.State))
            {
                After = m.Of("after", After, c => c.After, Option<DecisionChain>.None),
            };
        })
        .Case<DecisionLine.Step>("", m => new(
            m.Of("seq", Scalar.Total, s => s.Sequence),
            m.Of("at", Scalar.At, s => s.At),
            m.Of("event", EventCodec.Event, s => s.Happened),
            m.Of("digest", Digest, s => s.Digest))
        {
            Effects = m.Of("effects", Effects, s => s.Effects, Option<EffectDigest>.None),
        });

    public static readonly Codec<DecisionLine> Line = Codec.Of(Body.Document(Lines.Body));
}
