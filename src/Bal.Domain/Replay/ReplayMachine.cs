using Bal.Domain.Control;
using Bal.Domain.Primitives;
using Bal.Domain.Recording;
using LanguageExt;

namespace Bal.Domain.Replay;

/// <summary>How far a decision log has been followed; of bounded size, however long the file is.</summary>
/// <param name="Version">The version of bal that follows it.</param>
/// <param name="Lines">Lines read.</param>
/// <param name="Chain">The checksum so far.</param>
/// <param name="Position">Where the recorded bal is; none before the first line.</param>
/// <param name="Totals">What has been read.</param>
/// <param name="OtherVersion">The last other version whose steps were compared by their effects.</param>
public sealed record ReplayState(
    string Version, long Lines, DecisionChain Chain, Option<ReplayPosition> Position, ReplayTotals Totals,
    Option<string> OtherVersion)
{
    /// <summary>Before the first line.</summary>
    public static ReplayState Begin(string version) => new(
        version, 0, DecisionChain.Start, Option<ReplayPosition>.None, new ReplayTotals(0, 0, 0, Duration.Zero),
        Option<string>.None);
}

/// <summary>Where the recorded bal is.</summary>
/// <param name="Checkpoint">The checkpoint that it was followed from.</param>
/// <param name="Sequence">The number of its last step.</param>
/// <param name="At">The time of that step.</param>
/// <param name="State">Its state after that step.</param>
/// <param name="Digest">The digest of that state.</param>
public sealed record ReplayPosition(
    DecisionLine.Checkpoint Checkpoint, long Sequence, Instant At, ControlState State, StateDigest Digest);

/// <summary>What has been read.</summary>
/// <param name="Checkpoints">Whole states.</param>
/// <param name="Steps">Steps, each of which came to what was recorded.</param>
/// <param name="Unrecorded">Steps of which the file itself says that they are missing.</param>
/// <param name="Covered">The time from each checkpoint to the last step after it.</param>
public sealed record ReplayTotals(long Checkpoints, long Steps, long Unrecorded, Duration Covered);

/// <summary>What a line was.</summary>
public abstract record Replayed
{
    private Replayed() { }

    /// <summary>Replay goes on from here.</summary>
    /// <param name="Line">The checkpoint.</param>
    public sealed record Checkpoint(DecisionLine.Checkpoint Line) : Replayed;

    /// <summary>A step that came to what was recorded.</summary>
    /// <param name="Before">The state before it.</param>
    /// <param name="Line">The step.</param>
    /// <param name="After">What came of it.</param>
    public sealed record Step(ControlState Before, DecisionLine.Step Line, ControlStep After) : Replayed;

    /// <summary>Applies the function of the case that this is.</summary>
    public T Match<T>(Func<Checkpoint, T> checkpoint, Func<Step, T> step) => this switch
    {
        Checkpoint c => checkpoint(c),
        Step s => step(s),
        _ => throw new System.Diagnostics.UnreachableException(),
    };
}

/// <summary>A transition of <see cref="ReplayState"/>.</summary>
/// <param name="State">The state after the line.</param>
/// <param name="What">What the line was.</param>
public sealed record ReplayStep(ReplayState State, Replayed What);

/// <summary>
/// Follows a decision log with the same function that decided when it was written, and holds every step against its
/// digest; where another version wrote it, against its effects (<see cref="EffectComparison"/>).
/// </summary>
public static class ReplayMachine
{
    /// <summary>The state after one line, or why it is not followed.</summary>
    /// <param name="line">The bytes of the line without its newline.</param>
    /// <param name="state">The state before.</param>
    public static Either<ReplayFault, ReplayStep> Next(ReadOnlyMemory<byte> line, ReplayState state)
    {
        var number = state.Lines + 1;
        return state.Chain.Read(line)
            .MapLeft(fault => ReplayFault.Of(number, fault))
            .Bind(read => read.Line.Match(
                checkpoint: c => From(c, read.Chain, state),
                step: s => state.Position
                    .ToEither(() => ReplayFault.Damaged(number, "expected a checkpoint"))
                    .Bind(position => Follow(s, read.Chain, position, state))));
    }

    private static Either<ReplayFault, ReplayStep> From(
        DecisionLine.Checkpoint line, DecisionChain chain, ReplayState state)
    {
        var number = state.Lines + 1;
        if (state.Position.IsSome && line.After.Exists(after => after != state.Chain))
            return ReplayFault.Damaged(number, "the line before it is missing or was changed");
        if (chain == state.Chain)
            return ReplayFault.Damaged(number, "it repeats the line before");
        var difference = state.Position
            .Filter(position => position.Checkpoint.Version != state.Version)
            .Bind(position => EffectComparison.OfCheckpoint(position, line)
                .Map(what => ReplayFault.Differs(number, what, position.Checkpoint.Version, state.Version)));
        return difference.Match(
            Some: Either<ReplayFault, ReplayStep>.Left,
            None: () => new ReplayStep(
                state with
                {
                    Lines = number,
                    Chain = chain,
                    Position = new ReplayPosition(
                        line, line.Sequence, line.At, line.State, StateDigest.Of(line.State)),
                    Totals = state.Totals with
                    {
                        Checkpoints = state.Totals.Checkpoints + 1,
                        Unrecorded = state.Totals.Unrecorded + line.Unrecorded,
                    },
                },
                new Replayed.Checkpoint(line)));
    }

    private static Either<ReplayFault, ReplayStep> Follow(
        DecisionLine.Step line, DecisionChain chain, ReplayPosition position, ReplayState state)
    {
        var number = state.Lines + 1;
        if (line.Sequence != position.Sequence + 1)
            return ReplayFault.Damaged(number, $"seq: expected {position.Sequence + 1}, found {line.Sequence}");
        if (line.At.CompareTo(position.At) < 0)
            return ReplayFault.Damaged(number, "at: it is earlier than the line before");

        var recordedBy = position.Checkpoint.Version;
        var isOwn = recordedBy == state.Version;
        var step = ControlMachine.Step(line.Happened, line.At, position.State);
        var digest = isOwn ? position.Digest.Next(step) : position.Digest;
        var fault = isOwn
            ? ByDigest(number, line, digest.With(step.Effects), state.Version)
            : EffectComparison.OfStep(position.State, line, step)
                .Map(what => ReplayFault.Differs(number, line, what, recordedBy, state.Version));
        return fault.Match(
            Some: Either<ReplayFault, ReplayStep>.Left,
            None: () => new ReplayStep(
                state with
                {
                    Lines = number,
                    Chain = chain,
                    Position = position with
                    {
                        Sequence = line.Sequence,
                        At = line.At,
                        State = step.State,
                        Digest = digest,
                    },
                    Totals = state.Totals with
                    {
                        Steps = state.Totals.Steps + 1,
                        Covered = new(state.Totals.Covered.Milliseconds + line.At.Since(position.At).Milliseconds),
                    },
                    OtherVersion = isOwn ? state.OtherVersion : recordedBy,
                },
                new Replayed.Step(position.State, line, step)));
    }

    private static Option<ReplayFault> ByDigest(
        long number, DecisionLine.Step line, DecisionDigest computed, string version) =>
        computed == line.Digest
            ? Option<ReplayFault>.None
            : ReplayFault.Differs(number, line, computed, version);
}
