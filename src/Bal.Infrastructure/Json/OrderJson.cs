using System.Text.Json;
using Bal.Domain.Control;
using Bal.Domain.Reports;
using LanguageExt;

namespace Bal.Infrastructure.Json;

/// <summary>The daemon's answer to <c>drain</c>, <c>enable</c> and <c>weight</c>.</summary>
public static class OrderJson
{
    /// <summary>One JSON object with a newline at the end.</summary>
    public static byte[] Write(OrderReport report) => JsonReport.Write(json =>
    {
        json.WriteBoolean("done", report.Problem.IsNone);
        json.WriteStartArray("backends");
        foreach (var backend in report.Backends)
            WriteBackend(json, backend);
        json.WriteEndArray();
        json.WriteNumber("total", report.Total);
        json.WriteBoolean("kept", report.WhyNotKept.IsNone);
        report.WhyNotKept.Match(
            Some: why => json.WriteString("why_not_kept", why), None: () => json.WriteNull("why_not_kept"));
        report.Problem.Match(
            Some: problem => ReloadJson.WriteProblem(json, problem), None: () => json.WriteNull("problem"));
    });

    /// <summary>What an operator has ordered of a backend, or null.</summary>
    internal static void WriteOverride(Utf8JsonWriter json, Option<Override> held) => held.Match(
        Some: its =>
        {
            json.WriteStartObject("override");
            json.WriteString("action", its.Action);
            its.Weight.Match(Some: weight => json.WriteNumber("weight", weight), None: () => json.WriteNull("weight"));
            json.WriteString("by", its.By.Name);
            json.WriteNumber("uid", its.By.Uid);
            JsonReport.WriteTime(json, "at", OverrideText.At(its.By.At));
            json.WriteEndObject();
        },
        None: () => json.WriteNull("override"));

    private static void WriteBackend(Utf8JsonWriter json, OrderedBackend backend)
    {
        json.WriteStartObject();
        json.WriteString("service", backend.Service);
        json.WriteString("address", backend.Address);
        json.WriteString("state", backend.State);
        json.WriteBoolean("reachable", backend.Reachable);
        json.WriteNumber("active_connections", backend.Connections);
        WriteUsage(json, "before", backend.Before);
        WriteUsage(json, "after", backend.After);
        backend.ResetIn.Match(
            Some: left => json.WriteNumber("reset_in_ms", left.Milliseconds),
            None: () => json.WriteNull("reset_in_ms"));
        json.WriteEndObject();
    }

    private static void WriteUsage(Utf8JsonWriter json, string name, Usage usage)
    {
        json.WriteStartObject(name);
        json.WriteBoolean("drained", usage.Drained);
        json.WriteNumber("weight", usage.Weight);
        WriteOverride(json, usage.Override);
        json.WriteString("text", usage.ToString());
        json.WriteEndObject();
    }
}
