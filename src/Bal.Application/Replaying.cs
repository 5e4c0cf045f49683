using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Domain.Replay;
using LanguageExt;

namespace Bal.Application;

/// <summary>How a line of a file ended.</summary>
public enum LineEnd
{
    /// <summary>With a newline.</summary>
    Newline,

    /// <summary>With the file.</summary>
    EndOfFile,

    /// <summary>It is longer than any line may be, and was not read to its end.</summary>
    TooLong,

    /// <summary>The file could not be read any further.</summary>
    Unreadable,
}

/// <summary>A line of a decision log as it stands in the file.</summary>
/// <param name="Bytes">Its bytes without the newline; valid until the next line is asked for.</param>
/// <param name="End">How it ended.</param>
public sealed record DecisionLogLine(ReadOnlyMemory<byte> Bytes, LineEnd End)
{
    /// <summary>Why the file could not be read any further, where that is so.</summary>
    public string Reason { get; init; } = "";
}

/// <summary>The outcome of a replay.</summary>
/// <param name="State">How far the file was followed.</param>
/// <param name="Fault">Why not to its end; none where every step replays as it was recorded.</param>
/// <param name="CutLine">The last line, where its end is missing and it was left out.</param>
public sealed record ReplayOutcome(ReplayState State, Option<ReplayFault> Fault, Option<long> CutLine);

/// <summary>The summary at the end of a replay.</summary>
/// <param name="Outcome">How far the record was followed.</param>
/// <param name="Clock">Converts recorded times to times of day.</param>
/// <param name="Comparison">What another configuration made of it, where one was tried.</param>
public sealed record ReplaySummary(ReplayOutcome Outcome, ReplayClock Clock, Option<ComparisonState> Comparison);

/// <summary>Follows a whole decision log.</summary>
public static class Replaying
{
    /// <summary>
    /// Follows lines to the first difference or the end. A last line that is cut off, as after a crash, is not
    /// a fault.
    /// </summary>
    /// <param name="lines">The lines.</param>
    /// <param name="version">The version of this bal.</param>
    /// <param name="observe">Called with each line that was followed.</param>
    public static ReplayOutcome Follow(
        IEnumerable<DecisionLogLine> lines, string version, Action<ReplayStep> observe)
    {
        var state = ReplayState.Begin(version);
        foreach (var line in lines)
        {
            var step = line.End switch
            {
                LineEnd.TooLong => ReplayFault.Damaged(state.Lines + 1, "it is longer than any line of a decision log"),
                LineEnd.Unreadable => ReplayFault.Unreadable(state.Lines + 1, line.Reason),
                _ => ReplayMachine.Next(line.Bytes, state),
            };
            if (step.Case is ReplayFault fault)
                return line.End == LineEnd.EndOfFile && state.Position.IsSome && fault.IsDamage
                    ? new(state, Option<ReplayFault>.None, state.Lines + 1)
                    : new(state, fault, Option<long>.None);
            if (step.Case is ReplayStep next)
            {
                state = next.State;
                observe(next);
            }
        }

        return new(state, state.Position.IsSome ? Option<ReplayFault>.None : Empty, Option<long>.None);
    }

    /// <summary>
    /// As <see cref="Follow"/>, and says along the way what an operator would have read: each change of state, or what
    /// another configuration makes of them.
    /// </summary>
    /// <param name="lines">The lines.</param>
    /// <param name="version">The version of this bal.</param>
    /// <param name="other">A configuration that is tried on what was recorded.</param>
    /// <param name="say">Told of each line: its time of day, itself, and whose it is.</param>
    public static ReplaySummary Tell(
        IEnumerable<DecisionLogLine> lines, string version, Option<BalConfig> other, Action<string, LogEvent, Side> say)
    {
        var clock = ReplayClock.Unset;
        var comparison = other.Map(ComparisonMachine.Begin);
        var outcome = Follow(lines, version, step =>
        {
            clock = clock.After(step.What);
            comparison.Match(
                Some: before =>
                {
                    var compared = ComparisonMachine.Next(step.What, before);
                    comparison = compared.State;
                    foreach (var entry in compared.Entries)
                        say(clock.At(entry.At), entry.Line, entry.Side);
                },
                None: () =>
                {
                    if (step.What is Replayed.Step decided)
                        foreach (var line in Timeline.Of(decided.After.Effects))
                            say(clock.At(decided.Line.At), line, Side.Both);
                });
        });
        return new(outcome, clock, comparison);
    }

    private static ReplayFault Empty => new(1, new Problem(
        "decision_log_empty",
        "the decision log is empty",
        "nothing has been recorded in it yet",
        "set decision_log in the configuration, run 'bal graceful', and replay it later"));
}
