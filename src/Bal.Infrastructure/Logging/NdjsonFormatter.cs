using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Bal.Domain.Messages;
using Serilog.Events;
using Serilog.Formatting;
using LogEvent = Serilog.Events.LogEvent;

namespace Bal.Infrastructure.Logging;

/// <summary>
/// One JSON object a line (NDJSON) with the keys <c>timestamp</c> (RFC 3339, UTC), <c>level</c>, <c>message</c>,
/// <c>module</c>, <c>event</c> and <c>fields</c>, and no others. Total: control characters are escaped, unpaired
/// surrogates become U+FFFD, and texts are cut at <see cref="MaxText"/> characters.
/// </summary>
public sealed class NdjsonFormatter : ITextFormatter
{
    /// <summary>The most characters of one text; keeps the memory of a full queue bounded.</summary>
    public const int MaxText = 4096;

    /// <summary>
    /// The property that carries the message of a line which comes as data rather than as a template.
    /// </summary>
    internal const string MessageProperty = "bal_message";

    private const string ModuleProperty = "SourceContext";
    private const string EventProperty = "EventId";
    private const string Rfc3339 = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    private static readonly JsonWriterOptions Options = new()
    {
        // The output is not HTML: quotes and non-ASCII letters stay readable.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    /// <inheritdoc/>
    public void Format(LogEvent logEvent, TextWriter output) => output.Write(Encoding.UTF8.GetString(Encode(logEvent)));

    /// <summary>The line in UTF-8, its newline included.</summary>
    public static byte[] Encode(LogEvent line)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer, Options))
        {
            json.WriteStartObject();
            json.WriteString("timestamp", line.Timestamp.UtcDateTime.ToString(Rfc3339, CultureInfo.InvariantCulture));
            json.WriteString("level", LevelOf(line.Level));
            json.WriteString("message", Cut(MessageOf(line)));
            json.WriteString("module", Cut(TextOf(line, ModuleProperty) ?? "bal"));
            json.WriteString("event", Cut(EventOf(line)));
            json.WriteStartObject("fields");
            foreach (var property in line.Properties)
                if (property.Key is not (MessageProperty or ModuleProperty or EventProperty))
                    WriteField(json, Cut(property.Key), property.Value);
            if (line.Exception is { } exception) json.WriteString("exception", Cut(exception.ToString()));
            json.WriteEndObject();
            json.WriteEndObject();
        }
        buffer.Write("\n"u8);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>The same for people.</summary>
    internal static LogText ToText(LogEvent line) => new(
        line.Timestamp.UtcDateTime.ToString(Rfc3339, CultureInfo.InvariantCulture),
        LevelOf(line.Level),
        Cut(TextOf(line, ModuleProperty) ?? "bal"),
        Cut(MessageOf(line)),
        Cut(TextOf(line, "why_likely") ?? ""),
        Cut(TextOf(line, "do_this_now") ?? ""));

    private static string LevelOf(LogEventLevel level) => level switch
    {
        LogEventLevel.Verbose or LogEventLevel.Debug => "DEBUG",
        LogEventLevel.Information => "INFO",
        LogEventLevel.Warning => "WARN",
        _ => "ERROR",
    };

    private static string MessageOf(LogEvent line) =>
        TextOf(line, MessageProperty) ?? line.RenderMessage(CultureInfo.InvariantCulture);

    private static string EventOf(LogEvent line) =>
        line.Properties.TryGetValue(EventProperty, out var id) && id is StructureValue structure
            && structure.Properties.FirstOrDefault(p => p.Name == "Name")?.Value is ScalarValue { Value: string name }
            ? name
            : "log";

    private static string? TextOf(LogEvent line, string name) =>
        line.Properties.TryGetValue(name, out var value) && value is ScalarValue { Value: string text } ? text : null;

    private static void WriteField(Utf8JsonWriter json, string name, LogEventPropertyValue value)
    {
        switch ((value as ScalarValue)?.Value)
        {
            case null when value is ScalarValue: json.WriteNull(name); break;
            case bool flag: json.WriteBoolean(name, flag); break;
            case int number: json.WriteNumber(name, number); break;
            case long number: json.WriteNumber(name, number); break;
            case string text: json.WriteString(name, Cut(text)); break;
            default: json.WriteString(name, Cut(value.ToString("l", CultureInfo.InvariantCulture))); break;
        }
    }

    private static string Cut(string text) => text.Length <= MaxText ? text : text[..(MaxText - 1)] + "…";
}
