using System.Text.Json;
using Bal.Domain.Backend;
using Bal.Domain.Counting;
using Bal.Domain.Doctor;
using Bal.Domain.Messages;
using LanguageExt;

namespace Bal.Infrastructure.Json;

/// <summary>What one process has counted, as it tells another one.</summary>
internal static class TrafficJson
{
    /// <summary>Writes the members of an object.</summary>
    public static void Write(Utf8JsonWriter json, Traffic traffic)
    {
        json.WriteNumber("active", traffic.ActiveConnections);
        json.WriteNumber("rejected", traffic.RejectedConnections);
        json.WriteNumber("spliced_connections", traffic.SplicedConnections);
        json.WriteNumber("spliced_directions", traffic.SplicedDirections);
        json.WriteStartObject("ended");
        foreach (var ended in traffic.Terminations)
            json.WriteNumber(TerminationText.Of(ended.Reason), ended.Count);
        json.WriteEndObject();
        json.WriteStartArray("backends");
        foreach (var backend in traffic.Backends)
        {
            json.WriteStartObject();
            json.WriteNumber("id", backend.Backend.Value);
            json.WriteNumber("active", backend.Active);
            json.WriteNumber("total", backend.Total);
            json.WriteNumber("bytes_in", backend.BytesIn);
            json.WriteNumber("bytes_out", backend.BytesOut);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    /// <summary>Reads what <see cref="Write"/> wrote; throws like <see cref="JsonElement"/> does where it is something
    /// else. A reason that this version does not know is left out.</summary>
    public static Traffic Read(JsonElement json) => new(
        Number(json, "active"),
        Number(json, "rejected"),
        Number(json, "spliced_connections"),
        Number(json, "spliced_directions"),
        new(Enum.GetValues<TerminationReason>()
            .Where(reason => json.GetProperty("ended").TryGetProperty(TerminationText.Of(reason), out _))
            .Select(reason => new TerminationCount(
                reason, Number(json.GetProperty("ended"), TerminationText.Of(reason))))),
        new(json.GetProperty("backends").EnumerateArray().Select(b => new BackendTraffic(
            new BackendId(b.GetProperty("id").GetInt32()),
            Number(b, "active"),
            Number(b, "total"),
            Number(b, "bytes_in"),
            Number(b, "bytes_out")))));

    private static long Number(JsonElement json, string name) => json.GetProperty(name).GetInt64();
}
