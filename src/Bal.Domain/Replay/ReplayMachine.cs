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
public sealed record ReplayState(
    string Version, long Lines, DecisionChain Chain, Option<ReplayPosition> Position, ReplayTotals Totals)
{
    /// <summary>Before the first line.</summary>
    public static ReplayState Begin(string version) =>
        new(version, 0, DecisionChain.Start, Option<ReplayPosition>.None, new ReplayTotals(0, 0, 0, Duration.Zero));
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
/// digest.
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
            .MapLeft(fault => ReplayFault.Damaged(number, fault))
            .Bind(read => read.Line.Match(
                checkpoint: c => Either<ReplayFault, ReplayStep>.Right(From(c, read.Chain, state)),
                step: s => state.Position
                    .ToEither(() => ReplayFault.Damaged(number, new CodecFault("", "a checkpoint belongs here")))
                    .Bind(position => Follow(s, read.Chain, position, state))));
    }

    private static ReplayStep From(DecisionLine.Checkpoint line, DecisionChain chain, ReplayState state) => new(
        state with
        {
            Lines = state.Lines + 1,
            Chain = chain,
            Position = new ReplayPosition(line, line.Sequence, line.At, line.State, StateDigest.Of(line.State)),
            Totals = state.Totals with
            {
                Checkpoints = state.Totals.Checkpoints + 1,
                Unrecorded = state.Totals.Unrecorded + line.Unrecorded,
            },
        },
        new Replayed.Checkpoint(line));

    private static Either<ReplayFault, ReplayStep> Follow(
        DecisionLine.Step line, DecisionChain chain, ReplayPosition position, ReplayState state)
    {
        var number = state.Lines + 1;
        if (line.Sequence != position.Sequence + 1)
            return ReplayFault.Damaged(number, new CodecFault("seq", $"{position.Sequence + 1} belongs here"));
        if (line.At.CompareTo(position.At) < 0)
            return ReplayFault.Damaged(number, new CodecFault("at", "it is earlier than the line before"));

        var step = ControlMachine.Step(line.Happened, line.At, position.State);
        var digest = position.Digest.Next(step.State);
        var computed = digest.With(step.Effects);
        return computed != line.Digest
            ? ReplayFault.Differs(number, line, computed, position.Checkpoint.Version, state.Version)
            : new ReplayStep(
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
                },
                new Replayed.Step(position.State, line, step));
    }
}
