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

    /// <summary>A line that could not be read.</summary>
    public static ReplayFault Of(long line, CodecFault fault) => fault.Unknown.Length == 0
        ? Damaged(line, fault.ToText())
        : new(line, new Problem(
            "decision_log_not_understood",
            Text($"line {line} of the decision log uses '{Short(fault.Unknown)}', which this version does not know"),
            "a later version of bal wrote it",
            "replay it with the bal that wrote it"));

    /// <summary>A line that does not belong into a decision log, or not at this place.</summary>
    public static ReplayFault Damaged(long line, string what) => new(line, new Problem(
        DamageCode,
        Text($"line {line} of the decision log is damaged: {what}"),
        line == 1
            ? "it is not a decision log, or its beginning is missing"
            : "the file was edited, or its disk or a copy has damaged it",
        line == 1
            ? "name a file that decision_log in a configuration names"
            : "use another copy of the file; the lines before this one are as they were written"));

    /// <summary>The file could not be read on.</summary>
    public static ReplayFault Unreadable(long line, string why) => new(line, new Problem(
        "decision_log_unreadable",
        Text($"line {line} of the decision log could not be read: {why}"),
        "the disk is damaged, or the path does not name an ordinary file",
        "use another copy of the file; the lines before this one are as they were written"));

    /// <summary>A step of this version that has another digest than was recorded.</summary>
    /// <param name="line">The line.</param>
    /// <param name="step">As recorded.</param>
    /// <param name="computed">The digest now.</param>
    /// <param name="version">The version of bal that wrote the file, and this one.</param>
    public static ReplayFault Differs(long line, DecisionLine.Step step, DecisionDigest computed, string version) =>
        Differs(line, step, $"{What(step.Digest, computed)}: expected digest {step.Digest.ToText()}, "
            + $"computed {computed.ToText()}", version, version);

    /// <summary>A step that replays differently.</summary>
    /// <param name="line">The line.</param>
    /// <param name="step">As recorded.</param>
    /// <param name="what">What differs.</param>
    /// <param name="recordedBy">The version of bal that wrote the file.</param>
    /// <param name="replayedBy">This version.</param>
    public static ReplayFault Differs(
        long line, DecisionLine.Step step, string what, string recordedBy, string replayedBy) => Differs(
        line,
        Text($"after {EventCodec.Kind(step.Happened)} (step {step.Sequence}, {step.At.Milliseconds} ms) ") + what,
        recordedBy, replayedBy);

    /// <summary>A line that replays differently.</summary>
    public static ReplayFault Differs(
        long line, string what, string recordedBy, string replayedBy) => new(line, new Problem(
        "replay_differs",
        Text($"line {line} of the decision log replays differently: {what}"),
        recordedBy == replayedBy
            ? "this bal decides differently from the one that wrote the file, though both have the same version"
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
