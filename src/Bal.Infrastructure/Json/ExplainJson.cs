using System.Text.Json;
using Bal.Domain.Explain;
using Bal.Domain.History;
using Bal.Domain.Messages;
using Bal.Domain.Protection;
using Bal.Domain.Reports;
using LanguageExt;

namespace Bal.Infrastructure.Json;

/// <summary>
/// The daemon's answers to <c>explain</c>: the numbers, and as <c>text</c> the lines that an operator reads. The
/// command prints either, unchanged.
/// </summary>
public static class ExplainJson
{
    /// <summary>Everything. The members of earlier versions are those of the first service.</summary>
    public static byte[] Write(ClockReading clock, Overview overview) => JsonReport.Write(json =>
    {
        Head(json, "overview", clock);
        json.WriteNumber("config_version", overview.ConfigVersion);
        Either(json, "stopping", overview.Stopping, stop =>
        {
            JsonReport.WriteTime(json, "since", clock.ToWall(stop.Since));
            JsonReport.WriteTime(json, "cuts_at", stop.CutsAt.Map(clock.ToWall));
            JsonReport.WriteTime(json, "ends_at", stop.EndsAt.Map(clock.ToWall));
        });
        Either(json, "refused_reload", overview.RefusedReload, refused =>
        {
            JsonReport.WriteTime(json, "at", clock.ToWall(refused.At));
            ReloadJson.WriteProblemMembers(json, refused.Problem);
        });
        foreach (var first in overview.Services.Take(1))
            WriteService(json, clock, first);
        json.WriteStartArray("services");
        foreach (var service in overview.Services)
        {
            json.WriteStartObject();
            json.WriteString("name", service.Name);
            WriteService(json, clock, service);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        WriteTexts(json, "text", ServiceText.Lines(clock, overview));
    });

    /// <summary>One service.</summary>
    public static byte[] Write(ClockReading clock, ServiceExplanation service) => JsonReport.Write(json =>
    {
        Head(json, "service", clock);
        json.WriteString("name", service.Name);
        WriteService(json, clock, service);
        WriteTexts(json, "text", ServiceText.Lines(clock, service));
    });

    /// <summary>Protection mode.</summary>
    public static byte[] Write(ClockReading clock, ProtectionExplanation protection) => JsonReport.Write(json =>
    {
        Head(json, "protection", clock);
        WriteProtection(json, clock, protection);
        WriteTexts(json, "text", ServiceText.Lines(clock, protection));
    });

    /// <summary>The backends that were asked for: one as a rule.</summary>
    public static byte[] Write(ClockReading clock, Arr<BackendExplanation> backends) => JsonReport.Write(json =>
    {
        Head(json, "backend", clock);
        WriteBackends(json, clock, backends);
        WriteTexts(json, "text", backends.Bind(b => BackendText.Lines(clock, b)));
    });

    /// <summary>Why nothing can be explained.</summary>
    public static byte[] Write(Problem problem) => JsonReport.Write(json => ReloadJson.WriteProblem(json, problem));

    private static void Head(Utf8JsonWriter json, string subject, ClockReading clock)
    {
        json.WriteString("subject", subject);
        JsonReport.WriteTime(json, "at", clock.Wall);
    }

    private static void WriteService(Utf8JsonWriter json, ClockReading clock, ServiceExplanation service)
    {
        json.WriteBoolean("removed", service.Removed);
        json.WriteString("listener", service.Listener);
        json.WriteBoolean("freebind", service.Freebind);
        WriteTexts(json, "source_addresses", service.SourceAddresses);
        WriteTexts(json, "server_names", service.ServerNames);
        WriteTexts(json, "beside", service.Beside);
        json.WriteStartObject("connections");
        json.WriteNumber("active", service.Connections.Active);
        json.WriteNumber("limit", service.Connections.Limit);
        json.WriteNumber("waiting", service.Connections.Waiting);
        json.WriteNumber("left", service.Connections.Left);
        json.WriteNumber("rejected", service.Connections.Rejected);
        json.WriteEndObject();
        WriteProtection(json, clock, service.Protection);
        WriteBackends(json, clock, service.Backends);
    }

    private static void WriteBackends(Utf8JsonWriter json, ClockReading clock, Arr<BackendExplanation> backends)
    {
        json.WriteStartArray("backends");
        foreach (var backend in backends)
        {
            json.WriteStartObject();
            ExplainBackendJson.Write(json, clock, backend);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteProtection(Utf8JsonWriter json, ClockReading clock, ProtectionExplanation protection)
    {
        json.WriteStartObject("protection_mode");
        json.WriteBoolean("enabled", protection.Standing is ProtectionStanding.On);
        _ = protection.Standing.Match(off => WriteOff(json, clock, off), on => WriteOn(json, clock, on));
        json.WriteNumber("trigger_threshold", protection.Policy.TriggerThreshold);
        json.WriteNumber("window_ms", protection.Policy.Window.Milliseconds);
        json.WriteNumber("stable_success_threshold", protection.Policy.StableSuccessThreshold);
        json.WriteStartArray("history");
        foreach (var entry in protection.Events)
            WriteEntry(json, clock, entry);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static Unit WriteOff(Utf8JsonWriter json, ClockReading clock, ProtectionStanding.Off off)
    {
        json.WriteNumber("failures", off.Failures);
        json.WriteNumber("failures_to_on", off.FailuresToOn);
        JsonReport.WriteTime(json, "oldest_leaves_at", off.OldestLeavesAt.Map(clock.ToWall));
        return Unit.Default;
    }

    private static Unit WriteOn(Utf8JsonWriter json, ClockReading clock, ProtectionStanding.On on)
    {
        json.WriteString("reason", ProtectionText.Of(on.Reason));
        JsonReport.WriteTime(json, "since", clock.ToWall(on.Since));
        Either(json, "tripped_by", on.TrippedBy, by => WriteTrip(json, by));
        json.WriteNumber("failed_since", on.FailedSince);
        json.WriteNumber("successes", on.Successes);
        json.WriteNumber("successes_to_off", on.SuccessesToOff);
        return Unit.Default;
    }

    private static void WriteTrip(Utf8JsonWriter json, ProtectionHappening.TurnedOn on)
    {
        json.WriteNumber("failures", on.Failures);
        json.WriteNumber("trigger_threshold", on.Policy.TriggerThreshold);
        json.WriteNumber("window_ms", on.Policy.Window.Milliseconds);
    }

    private static void WriteEntry(Utf8JsonWriter json, ClockReading clock, ProtectionEntry entry)
    {
        json.WriteStartObject();
        json.WriteString("what", HappeningText.Of(entry.What));
        if (entry.What is ProtectionHappening.TurnedOn on)
        {
            json.WriteString("reason", ProtectionText.Of(on.Reason));
            WriteTrip(json, on);
        }

        ExplainBackendJson.WriteTimes(json, clock, entry.First, entry.Last, entry.Count);
        json.WriteEndObject();
    }

    /// <summary>A member that is an object, or null.</summary>
    internal static void Either<T>(Utf8JsonWriter json, string name, Option<T> value, Action<T> members) => value.Match(
        Some: some =>
        {
            json.WriteStartObject(name);
            members(some);
            json.WriteEndObject();
        },
        None: () => json.WriteNull(name));

    /// <summary>A list of texts.</summary>
    internal static void WriteTexts(Utf8JsonWriter json, string name, Arr<string> texts)
    {
        json.WriteStartArray(name);
        foreach (var text in texts)
            json.WriteStringValue(text);
        json.WriteEndArray();
    }
}
