using System.Globalization;
using System.Text;
using Bal.Application;
using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Replay;

namespace Bal.Cli;

/// <summary>The report for people: the timeline while the file is read, then the outcome.</summary>
internal sealed class ReplayTextReport(Output output, LanguageExt.Option<Trial> trial) : IReplayReport
{
    private bool begun;

    public void Say(string time, LogEvent line, Side side)
    {
        Begin();
        var mark = trial.IsNone ? "" : side switch { Side.Both => "= ", Side.Recorded => "- ", _ => "+ " };
        output.Write($"  {mark}{time}  {Words.Of(line.Level).ToUpperInvariant(),-5}  {Printable.Line(line.Message)}\n");
    }

    public void End(ReplaySummary summary)
    {
        // Of a file that holds no decisions there is nothing to report.
        if (summary.Outcome.State.Position.IsNone && summary.Outcome.Fault.Case is ReplayFault nothing)
        {
            output.Problem(nothing.Problem);
            return;
        }

        Begin();
        var text = new StringBuilder();
        var (state, totals) = (summary.Outcome.State, summary.Outcome.State.Totals);
        Line(text, $"result: {(summary.Outcome.Fault.IsSome ? "DIFFERS" : "OK")}");
        var each = state.OtherVersion.IsSome ? "" : ", each with the recorded state and effects";
        var all = state.OtherVersion.IsSome || totals.Steps == 0 ? "" : ", each with the recorded state and effects";
        Line(text, $"steps: {totals.Steps} replayed{all}");
        if (state.Position.IsSome)
            Line(text, $"time: {totals.Covered.ToText()}, {summary.Clock.First} to {summary.Clock.Last}");
        Line(text, $"checkpoints: {totals.Checkpoints}");
        state.Position.IfSome(p => Line(text, $"recorded_by: bal {p.Checkpoint.Version}"));
        state.OtherVersion.IfSome(version =>
            Line(text, $"notice: recorded by {version}: compared by effects, not by digest"));
        if (totals.Unrecorded > 0)
            Line(text, $"notice: {Steps(totals.Unrecorded)} not recorded; a checkpoint follows");
        summary.Outcome.CutLine.IfSome(line =>
            Line(text, $"notice: line {line}, the last one, was cut off and left out"));
        summary.Comparison.IfSome(comparison => Compare(text, comparison, summary));
        summary.Outcome.Fault.IfSome(fault => text.Append(fault.Problem.ToText()));
        output.Report(text.ToString());
    }

    private static void Compare(StringBuilder text, ComparisonState comparison, ReplaySummary summary)
    {
        foreach (var change in comparison.ConfigChanges)
            Line(text, $"config_change: {change}");
        comparison.FirstDivergence.Match(
            Some: first =>
            {
                Line(text, $"divergence: {summary.Clock.At(first.At)}, at step {first.Sequence}");
                foreach (var difference in first.Differences)
                    Line(text, $"difference: {difference}");
            },
            None: () => Line(text, $"no divergence: clients would have been served the same"));
        Line(text, $"apart: {comparison.Apart.ToText()} of {summary.Outcome.State.Totals.Covered.ToText()}");
        foreach (var (name, count) in comparison.Changes)
            Line(text, $"changes: {name}: {count.Recorded} as recorded, {count.Other} with the new configuration");
        var evidence = comparison.Evidence;
        Line(text,
            $"evidence: {evidence.Observed} observed, {evidence.Modelled} modelled, {evidence.LeftOut} left out");
        foreach (var kind in EvidenceCounts.Kinds.Filter(kind => evidence.Of(kind) > 0))
            Line(text, $"{Word(kind)}: {evidence.Of(kind)}: {EvidenceText.Meaning(kind)}");
        foreach (var endpoint in comparison.Unobserved)
            Line(text, $"unobserved: {endpoint}: only the new configuration has it, so nothing is known about it");
    }

    private static string Steps(long count) => count == 1 ? "1 step was" : $"{count} steps were";

    private static string Word(Evidence kind) =>
        kind == Evidence.Observed ? "observed" : EvidenceText.IsModelled(kind) ? "modelled" : "left_out";

    private void Begin()
    {
        if (begun)
            return;
        begun = true;
        output.Write(trial.Match(
            Some: t => $"timeline: = both, - only as recorded, + only with {t.Path}\n",
            None: () => "timeline:\n"));
    }

    private static void Line(StringBuilder text, FormattableString line) =>
        text.Append(Printable.Line(line.ToString(CultureInfo.InvariantCulture))).Append('\n');
}
