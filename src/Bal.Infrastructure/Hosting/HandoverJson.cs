using System.Text.Json;
using Bal.Domain.Backend;
using Bal.Domain.Control;
using Bal.Domain.Counting;
using Bal.Domain.Doctor;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Recording;
using Bal.Infrastructure.DataPlane;
using Bal.Infrastructure.Json;
using LanguageExt;

namespace Bal.Infrastructure.Hosting;

/// <summary>
/// The form of a <see cref="Handover"/> between two versions of bal. Members may be added; what has another meaning gets
/// another number, and a process that does not know it refuses to serve before anything was changed.
/// </summary>
internal static class HandoverJson
{
    private const int Format = 1;

    public static byte[] Write(Handover handover) => CanonicalJson.Bytes(json =>
    {
        json.WriteStartObject();
        json.WriteNumber("format", Format);
        json.WriteString("version", handover.Version);
        json.WriteNumber("started_at", handover.StartedAt.Milliseconds);
        json.WriteStartArray("services");
        foreach (var service in handover.Services)
        {
            json.WriteStartObject();
            json.WriteString("name", service.Name);
            json.WriteNumber("sockets", service.Sockets);
            json.WriteNumber("turn", service.Turn);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        WriteTraffic(json, "before", handover.Before);
        json.WriteStartArray("processes");
        foreach (var process in handover.Processes)
            WriteProcess(json, process);
        json.WriteEndArray();
        json.WritePropertyName("state");
        CanonicalJson.Write(json, handover.State);
        json.WriteEndObject();
    });

    public static Either<Problem, Handover> Read(ReadOnlyMemory<byte> text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            var json = document.RootElement;
            return json.GetProperty("format").GetInt32() == Format
                ? CanonicalJson.ReadState(json.GetProperty("state")).Match(
                    Right: state => Either<Problem, Handover>.Right(Read(json, state)),
                    Left: fault => NotUnderstood(fault.ToText()))
                : NotUnderstood($"its form is {json.GetProperty("format").GetInt32()}, and {Format} is known");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            return NotUnderstood(e.Message);
        }
    }

    /// <summary>Why another process's words mean nothing to this one.</summary>
    public static Problem NotUnderstood(string why) => new(
        "upgrade_not_understood",
        $"what the running bal hands over is not understood: {why}",
        "the running version and the new one are too far apart",
        "run 'bal stop' and 'bal start -d' with the new binary; this ends the open connections");

    private static Handover Read(JsonElement json, ControlState state) => new(
        json.GetProperty("version").GetString() ?? "",
        new Instant(json.GetProperty("started_at").GetInt64()),
        new(json.GetProperty("services").EnumerateArray().Select(s => new ServiceHandover(
            s.GetProperty("name").GetString() ?? "",
            s.GetProperty("sockets").GetInt32(),
            s.GetProperty("turn").GetUInt64()))),
        TrafficJson.Read(json.GetProperty("before")),
        new(json.GetProperty("processes").EnumerateArray().Select(p => new ProcessHandover(
            p.GetProperty("pid").GetInt32(),
            p.GetProperty("version").GetString() ?? "",
            new Instant(p.GetProperty("since").GetInt64()),
            SlotsOf(p),
            TrafficJson.Read(p.GetProperty("traffic"))))),
        state);

    private static void WriteProcess(Utf8JsonWriter json, ProcessHandover process)
    {
        json.WriteStartObject();
        json.WriteNumber("pid", process.Pid);
        json.WriteString("version", process.Version);
        json.WriteNumber("since", process.Since.Milliseconds);
        json.WriteStartArray("services");
        foreach (var name in process.Names)
            json.WriteStringValue(name);
        json.WriteEndArray();
        json.WriteStartArray("slots");
        foreach (var slot in process.Services)
        {
            json.WriteStartObject();
            json.WriteNumber("id", slot.Service.Value);
            json.WriteString("name", slot.Name);
            json.WriteNumber("slot", slot.Slot);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        WriteTraffic(json, "traffic", process.Reported);
        json.WriteEndObject();
    }

    private static Arr<ServiceSlot> SlotsOf(JsonElement process) => process.TryGetProperty("slots", out var slots)
        ? new(slots.EnumerateArray().Select(s => new ServiceSlot(
            new ServiceId(s.GetProperty("id").GetInt32()),
            s.GetProperty("name").GetString() ?? "",
            s.GetProperty("slot").GetInt32())))
        : ProcessHandover.SlotsOf(process.GetProperty("services").EnumerateArray().Select(s => s.GetString() ?? ""));

    private static void WriteTraffic(Utf8JsonWriter json, string name, Traffic traffic)
    {
        json.WriteStartObject(name);
        TrafficJson.Write(json, traffic);
        json.WriteEndObject();
    }
}
