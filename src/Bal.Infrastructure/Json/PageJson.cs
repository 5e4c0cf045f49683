using Bal.Domain.Web;

namespace Bal.Infrastructure.Json;

/// <summary>What the page asks for again and again: one answer holds all that it shows.</summary>
internal static class PageJson
{
    /// <summary>The view as JSON.</summary>
    public static byte[] Write(PageView view, DateTimeOffset now) => JsonReport.Write(json =>
    {
        JsonReport.WriteTime(json, "at", now);
        json.WriteNumber("matching_services", view.MatchingServices);
        json.WriteNumber("matching_backends", view.MatchingBackends);
        json.WriteStartArray("reasons");
        foreach (var reason in view.Reasons)
        {
            json.WriteStartObject();
            json.WriteString("service", reason.Service);
            json.WriteString("address", reason.Address);
            json.WriteString("state", reason.State);
            JsonReport.WriteTime(json, "since", reason.Since);
            json.WriteString("why", reason.Why);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("events");
        foreach (var happened in view.Events)
        {
            json.WriteStartObject();
            JsonReport.WriteTime(json, "first", happened.First);
            JsonReport.WriteTime(json, "last", happened.Last);
            json.WriteNumber("count", happened.Count);
            json.WriteString("subject", happened.Subject);
            json.WriteString("what", happened.What);
            json.WriteString("text", happened.Text);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WritePropertyName("status");
        StatusJson.WriteValue(json, view.Report);
    });
}
