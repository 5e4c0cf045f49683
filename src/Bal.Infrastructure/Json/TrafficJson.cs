using System.Text.Json;
using Bal.Domain.Backend;
using Bal.Domain.Counting;
using LanguageExt;

namespace Bal.Infrastructure.Json;

/// <summary>What one process has counted, as it tells another one.</summary>
internal static class TrafficJson
{
    /// <summary>Writes the members of an object.</summary>
    public static void Write(Utf8JsonWriter json, Traffic traffic)
    {
        json.WriteStartArray("services");
        foreach (var service in traffic.Services)
        {
            json.WriteStartObject();
            json.WriteNumber("id", service.Service.Value);
            json.WriteNumber("active", service.Active);
            foreach (var counter in ServiceCounters.All)
                json.WriteNumber(counter.Word, service.Of(counter));
            json.WriteEndObject();
        }

        json.WriteEndArray();
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
    /// else. A counter that this version does not know is left out.</summary>
    public static Traffic Read(JsonElement json) => new(
        new(json.GetProperty("services").EnumerateArray().Select(s => new ServiceTraffic(
            new ServiceId(s.GetProperty("id").GetInt32()),
            Number(s, "active"),
            ServiceCounters.All.Map(counter => s.TryGetProperty(counter.Word, out var count) ? count.GetInt64() : 0)))),
        new(json.GetProperty("backends").EnumerateArray().Select(b => new BackendTraffic(
            new BackendId(b.GetProperty("id").GetInt32()),
            Number(b, "active"),
            Number(b, "total"),
            Number(b, "bytes_in"),
            Number(b, "bytes_out")))));

    private static long Number(JsonElement json, string name) => json.GetProperty(name).GetInt64();
}
