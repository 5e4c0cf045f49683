using System.Collections;
using Bal.Domain.Messages;

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

    private static object? ToObject(LogValue value) =>
        value.Match<object?>(text => text, number => number, flag => flag, () => null);
}
