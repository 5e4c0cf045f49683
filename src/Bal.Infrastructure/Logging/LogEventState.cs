using System.Collections;
using Bal.Domain.Messages;
using Serilog.Events;
using Serilog.Parsing;
using LogEvent = Bal.Domain.Messages.LogEvent;

namespace Bal.Infrastructure.Logging;

/// <summary>
/// A line of the core as the structured state that Microsoft.Extensions.Logging passes on. The template is constant,
/// so that no message is ever parsed as one, and the message travels as a property that the formatter takes out again.
/// </summary>
internal sealed class LogEventState(LogEvent line) : IReadOnlyList<KeyValuePair<string, object?>>
{
    private const string Template = "{" + NdjsonFormatter.MessageProperty + ":l}";

    /// <inheritdoc/>
    public int Count => line.Fields.Count + 2;

    /// <inheritdoc/>
    public KeyValuePair<string, object?> this[int index] =>
        index < line.Fields.Count ? new(line.Fields[index].Name, ToObject(line.Fields[index].Value))
        : index == line.Fields.Count ? new(NdjsonFormatter.MessageProperty, line.Message)
        : new("{OriginalFormat}", Template);

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<string, object?>> GetEnumerator()
    {
        for (var i = 0; i < Count; i++) yield return this[i];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <inheritdoc/>
    public override string ToString() => line.Message;

    /// <summary>The same line, made without a logger.</summary>
    internal static Serilog.Events.LogEvent ToSerilog(LogEvent line, LogEventLevel level)
    {
        var text = new MessageTemplate([new TextToken(line.Message)]);
        var fields = line.Fields.Select(f => new LogEventProperty(f.Name, new ScalarValue(ToObject(f.Value))));
        return new(DateTimeOffset.UtcNow, level, null, text,
        [
            .. fields,
            new(NdjsonFormatter.MessageProperty, new ScalarValue(line.Message)),
            new("SourceContext", new ScalarValue(line.Module)),
            new("EventId", new StructureValue([new("Name", new ScalarValue(line.Event))])),
        ]);
    }

    private static object? ToObject(LogValue value) =>
        value.Match<object?>(text => text, number => number, flag => flag, () => null);
}
