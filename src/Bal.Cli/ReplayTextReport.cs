using System.Globalization;
using System.Text;
using Bal.Application;
using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Replay;

namespace Bal.Cli;

/// <summary>The report for people: the timeline while it is read, then what came of it.</summary>
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
        Begin();
        var text = new StringBuilder();
        var (state, totals) = (summary.Outcome.State, summary.Outcome.State.Totals);
        Line(text, $"result: {(summary.Outcome.Fault.IsSome ? "DIFFERS" : "OK")}");
        Line(text, $"steps: {totals.Steps} replayed, each with the recorded state and effects");
        Line(text, $"time: {totals.Covered.ToText()}, {summary.Clock.First} to {summary.Clock.Last}");
        Line(text, $"checkpoints: {totals.Checkpoints}");
        state.Position.IfSome(p => Line(text, $"recorded_by: bal {p.Checkpoint.Version}"));
        if (totals.Unrecorded > 0)
            Line(text, $"notice: {totals.Unrecorded} step(s) were not recorded; a checkpoint follows them");
        summary.Outcome.CutLine.IfSome(line =>
            Line(text, $"notice: line {line}, the last one, is cut: its end is missing, and it was left out"));
        summary.Comparison.IfSome(comparison => Compare(text, comparison, summary));
        summary.Outcome.Fault.IfSome(fault => text.Append(fault.Problem.ToText()));
        output.Report(text.ToString());
    }

    private static void Compare(StringBuilder text, ComparisonState comparison, ReplaySummary summary)
    {
        foreach (var change in comparison.ConfigChanges)
            Line(text, $"config_change: {change}");
        comparison.FirstParting.Match(
            Some: parting =>
            {
                Line(text, $"parting: {summary.Clock.At(parting.At)}, at step {parting.Sequence}");
                foreach (var difference in parting.Differences)
                    Line(text, $"difference: {difference}");
            },
            None: () => Line(text, $"parting: never; clients would have been served alike"));
        Line(text, $"apart: {comparison.Apart.ToText()} of {summary.Outcome.State.Totals.Covered.ToText()}");
        foreach (var (name, count) in comparison.Changes)
            Line(text, $"changes: {name}: {count.Recorded} as recorded, {count.Other} with the new configuration");
        var evidence = comparison.Evidence;
        Line(text,
            $"evidence: {evidence.Observed} observed, {evidence.Modelled} modelled, {evidence.LeftOut} left out");
        foreach (var kind in EvidenceCounts.Kinds.Filter(kind => evidence.Of(kind) > 0))
            Line(text, $"{Word(kind)}: {evidence.Of(kind)}: {EvidenceText.Meaning(kind)}");
        foreach (var endpoint in comparison.Unobserved)
            Line(text, $"unobserved: {endpoint}: only the new configuration has it, so nothing is known of it");
    }

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
