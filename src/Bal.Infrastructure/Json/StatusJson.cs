using System.Text.Json;
using Bal.Domain.Backend;
using Bal.Domain.Counting;
using Bal.Domain.Doctor;
using Bal.Domain.Messages;
using Bal.Domain.Reports;
using LanguageExt;

namespace Bal.Infrastructure.Json;

/// <summary>
/// The JSON of <c>status</c> (docs/behaviour.md, JSON). The command prints the daemon's answer unchanged.
/// </summary>
public static class StatusJson
{
    /// <summary>Indented JSON with a newline at the end.</summary>
    public static byte[] Write(StatusReport report) => JsonReport.Write(json =>
    {
        json.WriteBoolean("running", report.Running);
        report.Pid.Match(Some: pid => json.WriteNumber("pid", pid), None: () => json.WriteNull("pid"));
        json.WriteString("config_path", report.ConfigPath);
        json.WriteString("bind_address", report.BindAddress);
        json.WriteNumber("port", report.Port);
        json.WriteString("method", report.Method);
        json.WriteNumber("backend_total", report.BackendTotal);
        json.WriteNumber("backend_reachable", report.BackendReachable);
        json.WriteNumber("active_connections", report.ActiveConnections);
        json.WriteNumber("rejected_connections", report.Of(ServiceCounters.Of(Domain.Admission.Refusal.Limit)));
        json.WriteNumber("max_concurrent_connections", report.MaxConcurrentConnections);
        foreach (var open in ServiceCounters.All.Filter(counter => counter.Kind == CounterKind.Open))
            json.WriteNumber(open.Word, report.Of(open));
        json.WriteStartObject("terminations");
        foreach (var ended in ServiceCounters.All.Filter(counter => counter.Kind == CounterKind.Ended))
            json.WriteNumber(ended.Word, report.Of(ended));
        json.WriteEndObject();
        JsonReport.WriteTime(json, "last_check_time", report.LastCheckTime);
        json.WriteStartObject("protection_mode");
        json.WriteBoolean("enabled", report.Protection.Enabled);
        report.Protection.Reason.Match(
            Some: reason => json.WriteString("reason", reason), None: () => json.WriteNull("reason"));
        JsonReport.WriteTime(json, "since", report.Protection.Since);
        json.WriteEndObject();
        json.WriteStartArray("backends");
        foreach (var backend in report.Backends)
            WriteBackend(json, backend);
        json.WriteEndArray();
        json.WriteString("version", report.Version);
        json.WriteNumber("uptime_ms", report.UptimeMs);
        json.WriteNumber("config_version", report.ConfigVersion);
        json.WriteBoolean("stopping", report.Stopping);
        json.WriteStartArray("previous");
        foreach (var previous in report.Previous)
        {
            json.WriteStartObject();
            json.WriteNumber("pid", previous.Pid);
            json.WriteString("version", previous.Version);
            json.WriteNumber("active_connections", previous.ActiveConnections);
            JsonReport.WriteTime(json, "since", previous.Since);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        report.RefusedReload.Match(
            Some: refused => WriteRefused(json, refused), None: () => json.WriteNull("refused_reload"));
    });

    /// <summary>
    /// Reads what <see cref="Write"/> wrote; an answer of another version or of something else is refused.
    /// </summary>
    public static Either<string, StatusReport> Read(ReadOnlyMemory<byte> text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return ReadReport(document.RootElement);
        }
        catch (Exception e) when (
            e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            return e.Message;
        }
    }

    private static void WriteBackend(Utf8JsonWriter json, BackendReport backend)
    {
        json.WriteStartObject();
        json.WriteString("address", backend.Address);
        json.WriteBoolean("reachable", backend.Reachable);
        json.WriteString("state", backend.State);
        json.WriteNumber("active_connections", backend.ActiveConnections);
        json.WriteNumber("total_connections", backend.TotalConnections);
        json.WriteNumber("bytes_in", backend.BytesIn);
        json.WriteNumber("bytes_out", backend.BytesOut);
        JsonReport.WriteTime(json, "last_check_time", backend.LastCheckTime);
        JsonReport.WriteTime(json, "cooldown_until", backend.CooldownUntil);
        json.WriteStartObject("counters");
        json.WriteNumber("timeout", backend.Counters.Timeout);
        json.WriteNumber("refused", backend.Counters.Refused);
        json.WriteNumber("other", backend.Counters.Other);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static StatusReport ReadReport(JsonElement json)
    {
        var protection = json.GetProperty("protection_mode");
        var backends = new List<BackendReport>();
        foreach (var backend in json.GetProperty("backends").EnumerateArray())
            backends.Add(ReadBackend(backend));
        return new(
            json.GetProperty("running").GetBoolean(),
            json.GetProperty("pid") is { ValueKind: JsonValueKind.Number } pid ? pid.GetInt32() : Option<int>.None,
            Text(json, "config_path"),
            Text(json, "bind_address"),
            json.GetProperty("port").GetInt32(),
            Text(json, "method"),
            Number(json, "active_connections"),
            ServiceCounters.All.Map(counter => CountOf(counter, json)),
            Time(json, "last_check_time"),
            new ProtectionReport(
                protection.GetProperty("enabled").GetBoolean(),
                protection.GetProperty("reason").GetString() is { } reason ? reason : Option<string>.None,
                Time(protection, "since")),
            new Arr<BackendReport>(backends),
            Text(json, "version"),
            Number(json, "uptime_ms"),
            Number(json, "config_version"),
            json.GetProperty("stopping").GetBoolean(),
            json.GetProperty("max_concurrent_connections").GetInt32(),
            ReadRefused(json.GetProperty("refused_reload")))
        {
            Previous = json.TryGetProperty("previous", out var previous)
                ? new(previous.EnumerateArray().Select(p => new PreviousReport(
                    p.GetProperty("pid").GetInt32(),
                    Text(p, "version"),
                    Number(p, "active_connections"),
                    p.GetProperty("since").GetDateTimeOffset())))
                : Arr<PreviousReport>.Empty,
        };
    }

    private static void WriteRefused(Utf8JsonWriter json, RefusedReloadReport refused)
    {
        json.WriteStartObject("refused_reload");
        JsonReport.WriteTime(json, "at", refused.At);
        ReloadJson.WriteProblemMembers(json, refused.Problem);
        json.WriteEndObject();
    }

    private static Option<RefusedReloadReport> ReadRefused(JsonElement json) => json.ValueKind != JsonValueKind.Object
        ? Option<RefusedReloadReport>.None
        : new RefusedReloadReport(
            json.GetProperty("at").GetDateTimeOffset(),
            new Problem(
                Text(json, "code"), Text(json, "what_happened"), Text(json, "why_likely"), Text(json, "do_this_now")));

    private static BackendReport ReadBackend(JsonElement json)
    {
        var counters = json.GetProperty("counters");
        return new(
            Text(json, "address"),
            json.GetProperty("reachable").GetBoolean(),
            Text(json, "state"),
            Number(json, "active_connections"),
            Number(json, "total_connections"),
            Number(json, "bytes_in"),
            Number(json, "bytes_out"),
            Time(json, "last_check_time"),
            Time(json, "cooldown_until"),
            new FailureCounters(
                Number(counters, "timeout"), Number(counters, "refused"), Number(counters, "other")));
    }

    private static long CountOf(ServiceCounter counter, JsonElement json) => counter switch
    {
        { Kind: CounterKind.Ended } =>
            json.GetProperty("terminations").TryGetProperty(counter.Word, out var count) ? count.GetInt64() : 0,
        { Kind: CounterKind.Open } => Number(json, counter.Word),
        _ => counter == ServiceCounters.Of(Domain.Admission.Refusal.Limit) ? Number(json, "rejected_connections") : 0,
    };

    private static string Text(JsonElement json, string name) => json.GetProperty(name).GetString() ?? "";

    private static long Number(JsonElement json, string name) => json.GetProperty(name).GetInt64();

    private static Option<DateTimeOffset> Time(JsonElement json, string name) =>
        json.GetProperty(name) is { ValueKind: JsonValueKind.String } text
            ? text.GetDateTimeOffset()
            : Option<DateTimeOffset>.None;
}
