using System.Text.Json;
using Bal.Domain.Simulation;
using LanguageExt;

namespace Bal.Infrastructure.Json;

/// <summary>
/// A simulated run as JSON; keys may be added, never removed or renamed. Times are milliseconds since its beginning.
/// </summary>
public static class SimulationJson
{
    /// <summary>The indented object, ending in a newline.</summary>
    public static string Write(SimulationReport report) => JsonReport.Text(json => Members(json, report));

    /// <summary>Two runs and where they part.</summary>
    public static string Write(SimulationComparison comparison) => JsonReport.Text(json =>
    {
        json.WriteBoolean("passed", comparison.Passed);
        json.WriteBoolean("same", comparison.Partings.IsEmpty && comparison.Differences.IsEmpty);
        List(json, "partings", comparison.Partings, parting =>
        {
            Period(json, parting.During);
            json.WriteString("subject", parting.Subject);
            json.WriteString("left", parting.Left);
            json.WriteString("right", parting.Right);
        });
        json.WriteNumber("partings_left_out", comparison.LeftOut);
        List(json, "differences", comparison.Differences, difference =>
        {
            json.WriteString("figure", difference.Name);
            json.WriteString("left", difference.Left);
            json.WriteString("right", difference.Right);
        });
        json.WriteStartObject("left");
        Members(json, comparison.Left);
        json.WriteEndObject();
        json.WriteStartObject("right");
        Members(json, comparison.Right);
        json.WriteEndObject();
    });

    private static void Members(Utf8JsonWriter json, SimulationReport report)
    {
        json.WriteBoolean("passed", report.Passed);
        json.WriteString("config_path", report.ConfigName);
        json.WriteString("scenario_path", report.ScenarioName);
        json.WriteNumber("seed", report.Scenario.Seed);
        json.WriteNumber("duration_ms", report.Scenario.Length.Milliseconds);
        json.WriteStartObject("totals");
        Totals(json, report.Totals);
        json.WriteEndObject();
        List(json, "expectations", report.Verdicts, verdict =>
        {
            json.WriteString("expected", verdict.Expected);
            json.WriteString("seen", verdict.Seen);
            json.WriteBoolean("holds", verdict.Holds);
        });
        List(json, "services", report.Services, service =>
        {
            json.WriteString("name", service.Name);
            json.WriteNumber("served", service.Served);
            json.WriteNumber("failed", service.Failed);
            json.WriteNumber("rejected", service.Rejected);
            List(json, "protection", service.Protection, period => Period(json, period));
            json.WriteStartObject("queue");
            json.WriteNumber("most_waiting", service.Queue.Longest);
            json.WriteNumber("waited", service.Queue.Waited);
            json.WriteNumber("mean_wait_ms", service.Queue.MeanWait.Milliseconds);
            json.WriteNumber("longest_wait_ms", service.Queue.LongestWait.Milliseconds);
            json.WriteNumber("queue_full", service.Queue.Full);
            json.WriteNumber("queue_timeout", service.Queue.TimedOut);
            json.WriteEndObject();
        });
        List(json, "backends", report.Backends, backend => Backend(json, backend));
        List(json, "protection", report.Protection, period => Period(json, period));
        List(json, "bal_absent", report.Absences, period => Period(json, period));
        List(json, "timeline", report.Timeline, entry =>
        {
            json.WriteNumber("at_ms", entry.At.Milliseconds);
            json.WriteString("kind", SimulationText.Word(entry.Kind));
            json.WriteString("event", entry.Event);
            json.WriteString("text", entry.Text);
        });
        json.WriteNumber("timeline_left_out", report.LeftOut);
    }

    private static void Totals(Utf8JsonWriter json, SimulationTotals totals)
    {
        json.WriteNumber("clients", totals.Clients);
        json.WriteNumber("served", totals.Served);
        json.WriteNumber("failed", totals.Failed);
        json.WriteNumber("retried", totals.Retried);
        json.WriteNumber("rejected", totals.Rejected);
        json.WriteNumber("cut", totals.Cut);
        json.WriteNumber("failed_over", totals.FailedOver);
        Span(json, "failover_latency_p50_ms", totals.FailoverP50);
        Span(json, "failover_latency_p99_ms", totals.FailoverP99);
        Span(json, "failover_latency_max_ms", totals.FailoverMax);
        json.WriteNumber("most_connections_open", totals.MaxOpen);
        json.WriteNumber("most_tries_of_a_client", totals.MaxTries);
        json.WriteNumber("decisions", totals.Steps);
    }

    private static void Backend(Utf8JsonWriter json, BackendHistory backend)
    {
        json.WriteString("service", backend.Service);
        json.WriteString("address", backend.Endpoint.ToString());
        json.WriteNumber("served", backend.Served);
        json.WriteNumber("refused", backend.Refused);
        json.WriteNumber("timeout", backend.TimedOut);
        json.WriteNumber("in_rotation_ms", backend.InRotation.Milliseconds);
        json.WriteNumber("longest_out_ms", backend.LongestOut.Milliseconds);
        List(json, "states", backend.Lane, span =>
        {
            Period(json, span.During);
            json.WriteString("state", LaneText.Of(span.State));
        });
        List(json, "faults", backend.Faults, span =>
        {
            Period(json, span.During);
            json.WriteString("fault", span.Fault.Word);
        });
    }

    private static void Period(Utf8JsonWriter json, Period period)
    {
        json.WriteNumber("from_ms", period.From.Milliseconds);
        json.WriteNumber("to_ms", period.To.Milliseconds);
    }

    private static void Span(Utf8JsonWriter json, string name, Option<Duration> span) => span.Match(
        s =>
        {
            json.WriteNumber(name, s.Milliseconds);
            return Unit.Default;
        },
        () =>
        {
            json.WriteNull(name);
            return Unit.Default;
        });

    private static void List<T>(Utf8JsonWriter json, string name, Arr<T> items, Action<T> members)
    {
        json.WriteStartArray(name);
        foreach (var item in items)
        {
            json.WriteStartObject();
            members(item);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
