using System.Text;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Simulation;

/// <summary>What <c>bal simulate</c> says of a run.</summary>
public static class SimulationText
{
    /// <summary>Lines of the timeline that are printed; the JSON form has more of them.</summary>
    public const int MaxLines = 200;

    /// <summary>The timeline, the totals and the expectations, and the word that sums them up first.</summary>
    public static string Of(SimulationReport report)
    {
        var text = new StringBuilder();
        text.Append($"result: {(report.Passed ? "OK" : "FAILED")}\n");
        text.Append($"config: {report.ConfigName}\n");
        text.Append($"scenario: {report.ScenarioName} (seed {report.Scenario.Seed})\n");
        text.Append($"simulated: {report.Scenario.Length.ToText()}, {report.Totals.Steps} decisions\n");
        text.Append("timeline:\n");
        foreach (var entry in report.Timeline.Take(MaxLines))
            text.Append($"  {entry.At.ToClock()}  {Word(entry.Kind),-8}  {entry.Text}\n");
        if (report.Timeline.Count + report.LeftOut > MaxLines)
            text.Append($"  and {report.Timeline.Count - MaxLines + report.LeftOut} more (see --json and --html)\n");
        Services(text, report);
        Backends(text, report);
        Totals(text, report);
        Verdicts(text, report.Verdicts);
        return text.ToString();
    }

    /// <summary>Who speaks in a line of the timeline.</summary>
    public static string Word(TimelineKind kind) => kind switch
    {
        TimelineKind.Scenario => "scenario",
        TimelineKind.Decision => "bal",
        TimelineKind.Clients or _ => "clients",
    };

    /// <summary>The totals, a name and a value each, in the order in which they are shown.</summary>
    public static Arr<Figure> FiguresOf(SimulationReport report)
    {
        var t = report.Totals;
        return new Arr<Figure>(
        [
            new("clients", $"{t.Clients}"),
            new("served", $"{t.Served}"),
            new("failed", $"{t.Failed}"),
            new("retried", $"{t.Retried}"),
            new("rejected", $"{t.Rejected}"),
            new("cut", $"{t.Cut}"),
            new("failed_over", $"{t.FailedOver}"),
            new("failover_latency_p50", Text(t.FailoverP50)),
            new("failover_latency_p99", Text(t.FailoverP99)),
            new("failover_latency_max", Text(t.FailoverMax)),
            new("most_connections_open", $"{t.MaxOpen}"),
            new("most_tries_of_a_client", $"{t.MaxTries}"),
            new("protection", Protection(report.Protection)),
        ]);
    }

    private static void Services(StringBuilder text, SimulationReport report)
    {
        if (report.Services.Count < 2)
        {
            Queues(text, report);
            return;
        }

        text.Append("services:\n");
        foreach (var service in report.Services)
        {
            text.Append($"  {service.Name}: served {service.Served}, failed {service.Failed}, ");
            text.Append($"rejected {service.Rejected}; protection mode {Protection(service.Protection)}\n");
        }

        Queues(text, report);
    }

    private static void Queues(StringBuilder text, SimulationReport report)
    {
        var used = report.Services.Filter(service => service.Queue != QueueHistory.Empty);
        if (used.IsEmpty)
            return;
        text.Append("queues:\n");
        foreach (var service in used)
        {
            var queue = service.Queue;
            text.Append($"  {service.Name}: {queue.Waited} waited, at most {queue.Longest} at once; ");
            text.Append($"{queue.MeanWait.ToText()} on average, {queue.LongestWait.ToText()} at most; ");
            text.Append($"turned away: {queue.Full} queue_full, {queue.TimedOut} queue_timeout\n");
        }
    }

    private static void Backends(StringBuilder text, SimulationReport report)
    {
        text.Append("backends:\n");
        foreach (var backend in report.Backends)
        {
            text.Append($"  {report.NameOf(backend)}: served {backend.Served}, refused {backend.Refused}, ");
            text.Append($"timed out {backend.TimedOut}; in rotation {backend.InRotation.ToText()}, ");
            text.Append($"longest out {backend.LongestOut.ToText()}\n");
        }
    }

    private static void Totals(StringBuilder text, SimulationReport report)
    {
        text.Append("totals:\n");
        foreach (var figure in FiguresOf(report))
            text.Append($"  {figure.Name}: {figure.Value}\n");
    }

    private static void Verdicts(StringBuilder text, Arr<Verdict> verdicts)
    {
        if (verdicts.IsEmpty)
            return;
        text.Append("expectations:\n");
        foreach (var verdict in verdicts)
            text.Append($"  {(verdict.Holds ? "ok    " : "FAILED")}  {verdict.Expected} (seen: {verdict.Seen})\n");
    }

    private static string Protection(Arr<Period> on) => on.IsEmpty
        ? "never on"
        : $"on {Plural.Of(on.Count, "time")}, {new Duration(on.Sum(p => p.Length.Milliseconds)).ToText()} in all";

    private static string Text(Option<Duration> span) => span.Match(s => s.ToText(), () => "none");
}

/// <summary>A number of a run with its name.</summary>
/// <param name="Name">A stable snake_case name.</param>
/// <param name="Value">As it is shown.</param>
public sealed record Figure(string Name, string Value);
