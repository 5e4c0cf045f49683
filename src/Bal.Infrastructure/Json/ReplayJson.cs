using System.Buffers;
using System.Text;
using System.Text.Json;
using Bal.Application;
using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Domain.Replay;
using LanguageExt;

namespace Bal.Infrastructure.Json;

/// <summary>
/// The report of a replay as JSON; keys may be added, never removed or renamed. It is printed while the file is read,
/// so that its length does not matter.
/// </summary>
public sealed class ReplayJson
{
    private const int Portion = 64 * 1024;

    private readonly Action<string> _print;
    private readonly bool _compares;
    private readonly ArrayBufferWriter<byte> _buffer = new();
    private readonly Utf8JsonWriter _json;

    /// <summary>Begins the object.</summary>
    /// <param name="print">Takes the text, a part at a time.</param>
    /// <param name="version">bal's version.</param>
    /// <param name="file">The decision log.</param>
    /// <param name="config">The configuration that is tried on it.</param>
    public ReplayJson(Action<string> print, string version, string file, Option<string> config)
    {
        (_print, _compares) = (print, config.IsSome);
        _json = new Utf8JsonWriter(_buffer, JsonReport.Form);
        _json.WriteStartObject();
        _json.WriteString("file", file);
        _json.WriteString("version", version);
        WriteText("config_path", config);
        _json.WriteStartArray("timeline");
    }

    /// <summary>A change of state.</summary>
    public void Say(string time, LogEvent line, Side side)
    {
        _json.WriteStartObject();
        _json.WriteString("time", time);
        if (_compares)
            _json.WriteString("side", side switch { Side.Both => "both", Side.Recorded => "recorded", _ => "new" });
        _json.WriteString("level", Words.Of(line.Level).ToUpperInvariant());
        _json.WriteString("event", line.Event);
        _json.WriteString("message", line.Message);
        _json.WriteEndObject();
        if (_json.BytesPending + _buffer.WrittenCount > Portion)
            Print();
    }

    /// <summary>Everything else, and the end of the object.</summary>
    public void End(ReplaySummary summary)
    {
        _json.WriteEndArray();
        var (state, totals) = (summary.Outcome.State, summary.Outcome.State.Totals);
        _json.WriteBoolean("same", summary.Outcome.Fault.IsNone);
        WriteText("recorded_by", state.Position.Map(p => p.Checkpoint.Version));
        _json.WriteString("compared_by", state.OtherVersion.IsSome ? "effects" : "digest");
        _json.WriteNumber("steps", totals.Steps);
        _json.WriteNumber("checkpoints", totals.Checkpoints);
        _json.WriteNumber("unrecorded", totals.Unrecorded);
        _json.WriteNumber("covered_ms", totals.Covered.Milliseconds);
        WriteText("from", state.Position.Map(_ => summary.Clock.First));
        WriteText("to", state.Position.Map(_ => summary.Clock.Last));
        WriteNumber("cut_line", summary.Outcome.CutLine);
        WriteNumber("fault_line", summary.Outcome.Fault.Map(fault => fault.Line));
        summary.Outcome.Fault.Match(
            Some: fault => WriteProblem(fault.Problem),
            None: () => _json.WriteNull("problem"));
        summary.Comparison.Match(
            Some: comparison => WriteComparison(comparison, summary.Clock),
            None: () => _json.WriteNull("comparison"));
        _json.WriteEndObject();
        Print();
        _print("\n");
        _json.Dispose();
    }

    private void WriteComparison(ComparisonState comparison, ReplayClock clock)
    {
        _json.WriteStartObject("comparison");
        WriteTexts("config_changes", comparison.ConfigChanges);
        WriteTexts("unobserved_backends", comparison.Unobserved.Map(endpoint => endpoint.ToString()));
        comparison.FirstDivergence.Match(
            Some: first =>
            {
                _json.WriteStartObject("first_parting");
                _json.WriteString("time", clock.At(first.At));
                _json.WriteNumber("step", first.Sequence);
                WriteTexts("differences", first.Differences);
                _json.WriteEndObject();
            },
            None: () => _json.WriteNull("first_parting"));
        _json.WriteNumber("apart_ms", comparison.Apart.Milliseconds);
        _json.WriteStartObject("changes");
        foreach (var (name, count) in comparison.Changes)
        {
            _json.WriteStartObject(name);
            _json.WriteNumber("recorded", count.Recorded);
            _json.WriteNumber("new", count.Other);
            _json.WriteEndObject();
        }

        _json.WriteEndObject();
        _json.WriteNumber("observed", comparison.Evidence.Observed);
        WriteKinds("modelled", EvidenceText.IsModelled, comparison.Evidence);
        WriteKinds(
            "left_out", kind => kind != Evidence.Observed && !EvidenceText.IsModelled(kind), comparison.Evidence);
        _json.WriteEndObject();
    }

    private void WriteKinds(string name, Func<Evidence, bool> which, EvidenceCounts counts)
    {
        _json.WriteStartObject(name);
        foreach (var kind in EvidenceCounts.Kinds.Filter(which))
            _json.WriteNumber(EvidenceText.Name(kind), counts.Of(kind));
        _json.WriteEndObject();
    }

    private void WriteProblem(Problem problem)
    {
        _json.WriteStartObject("problem");
        ReloadJson.WriteProblemMembers(_json, problem);
        _json.WriteEndObject();
    }

    private void WriteTexts(string name, Arr<string> texts)
    {
        _json.WriteStartArray(name);
        foreach (var text in texts)
            _json.WriteStringValue(text);
        _json.WriteEndArray();
    }

    private void WriteText(string name, Option<string> text) =>
        text.Match(Some: value => _json.WriteString(name, value), None: () => _json.WriteNull(name));

    private void WriteNumber(string name, Option<long> number) =>
        number.Match(Some: value => _json.WriteNumber(name, value), None: () => _json.WriteNull(name));

    private void Print()
    {
        _json.Flush();
        _print(Encoding.UTF8.GetString(_buffer.WrittenSpan));
        _buffer.Clear();
    }
}
