using System.Text.Json;
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
        ControlState State) : DecisionLine;

    /// <summary>Something that happened, and what came of it.</summary>
    /// <param name="Sequence">Counts the steps of the process from 1.</param>
    /// <param name="At">When, as the core was told.</param>
    /// <param name="Happened">What.</param>
    /// <param name="Digest">What came of it.</param>
    public sealed record Step(long Sequence, Instant At, ControlEvent Happened, DecisionDigest Digest) : DecisionLine;

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
    /// <summary>The first member of a checkpoint, by which a decision log is known.</summary>
    public const string Format = "decision_log";

    private const int Version = 1;

    private static readonly Codec<CheckpointReason> Reasons = Codec.Words(
        new Arr<CheckpointReason>([CheckpointReason.Start, CheckpointReason.Rotated, CheckpointReason.Gap]),
        reason => reason switch
        {
            CheckpointReason.Start => "start",
            CheckpointReason.Rotated => "rotated",
            _ => "gap",
        });

    private static readonly Codec<DecisionDigest> Digest = new(
        (json, digest) => json.WriteStringValue(digest.ToText()),
        json => Scalar.Text.Read(json).Bind(text => Decoded<DecisionDigest>.Of(
            DecisionDigest.Parse(text), "32 hexadecimal digits belong here")));

    /// <summary>Writes the members, without the braces.</summary>
    public static void WriteMembers(Utf8JsonWriter json, DecisionLine line)
    {
        switch (line)
        {
            case DecisionLine.Checkpoint c:
                json.WriteNumber(Format, Version);
                json.Put("bal", Scalar.Text, c.Version);
                json.Put("reason", Reasons, c.Reason);
                json.Put("seq", Scalar.Total, c.Sequence);
                json.Put("at", Scalar.At, c.At);
                json.Put("wall_time", Scalar.Text, c.WallTime);
                json.Put("unrecorded", Scalar.Total, c.Unrecorded);
                json.Put("state", StateCodec.State, c.State);
                break;
            case DecisionLine.Step s:
                json.Put("seq", Scalar.Total, s.Sequence);
                json.Put("at", Scalar.At, s.At);
                json.Put("event", EventCodec.Event, s.Happened);
                json.Put("digest", Digest, s.Digest);
                break;
        }
    }

    public static Decoded<DecisionLine> Read(JsonElement json) =>
        json.ValueKind != JsonValueKind.Object ? new CodecFault("", "an object belongs here")
        : json.Has(Format) ? ReadCheckpoint(json)
        : from sequence in json.Get("seq", Scalar.Total)
          from at in json.Get("at", Scalar.At)
          from happened in json.Get("event", EventCodec.Event)
          from digest in json.Get("digest", Digest)
          select (DecisionLine)new DecisionLine.Step(sequence, at, happened, digest);

    private static Decoded<DecisionLine> ReadCheckpoint(JsonElement json) =>
        from format in json.Get(Format, Scalar.Total.Where(
            version => version == Version, $"format {Version} belongs here: another version of bal wrote this"))
        from version in json.Get("bal", Scalar.Text)
        from reason in json.Get("reason", Reasons)
        from sequence in json.Get("seq", Scalar.Total)
        from at in json.Get("at", Scalar.At)
        from wall in json.Get("wall_time", Scalar.Text)
        from unrecorded in json.Get("unrecorded", Scalar.Total)
        from state in json.Get("state", StateCodec.State)
        select (DecisionLine)new DecisionLine.Checkpoint(version, reason, sequence, at, wall, unrecorded, state);
}
