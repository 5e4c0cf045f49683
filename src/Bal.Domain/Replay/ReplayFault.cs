using System.Globalization;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Recording;

namespace Bal.Domain.Replay;

/// <summary>Why a decision log was not followed any further.</summary>
/// <param name="Line">The line, counted from 1.</param>
/// <param name="Problem">What is wrong with it.</param>
public sealed record ReplayFault(long Line, Problem Problem)
{
    /// <summary>Whether the line itself is at fault, and not what it came to.</summary>
    public bool IsDamage => Problem.Code == DamageCode;

    private const string DamageCode = "decision_log_damaged";
    // What a file says of itself may be of any length.
    private const int LongestVersion = 60;

    /// <summary>A line that is no line of a decision log, or not the one that belongs there.</summary>
    public static ReplayFault Damaged(long line, CodecFault fault) => new(line, new Problem(
        DamageCode,
        Text($"line {line} of the decision log is damaged: {fault.ToText()}"),
        line == 1
            ? "it is no decision log, or its beginning is missing"
            : "the file was edited, or its disk or a copy has damaged it",
        "use another copy of the file; the lines before this one are as they were written"));

    /// <summary>A step that came to something else than what was recorded.</summary>
    /// <param name="line">The line.</param>
    /// <param name="step">As recorded.</param>
    /// <param name="computed">What it came to now.</param>
    /// <param name="recordedBy">The version of bal that wrote the file.</param>
    /// <param name="replayedBy">This version.</param>
    public static ReplayFault Differs(
        long line, DecisionLine.Step step, DecisionDigest computed, string recordedBy, string replayedBy) =>
        new(line, new Problem(
            "replay_differs",
            Text($"line {line} of the decision log comes to something else: {What(step.Digest, computed)} after ") +
            Text($"{EventCodec.Kind(step.Happened)} (step {step.Sequence}, {step.At.Milliseconds} ms); ") +
            $"expected digest {step.Digest.ToText()}, computed {computed.ToText()}",
            recordedBy == replayedBy
                ? "this bal does not decide as the one that wrote the file, though both have one version"
                : $"bal {Short(recordedBy)} wrote the file, and this is bal {replayedBy}, which decides differently here",
            recordedBy == replayedBy
                ? "report it with the file: the same inputs must give the same decisions"
                : $"replay it with bal {Short(recordedBy)}, or take the difference as the change between the versions"));

    private static string What(DecisionDigest expected, DecisionDigest computed) =>
        expected.State == computed.State ? "the effects differ"
        : expected.Effects == computed.Effects ? "the state differs"
        : "the state and the effects differ";

    private static string Short(string version) => Printable.Short(version, LongestVersion);

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
