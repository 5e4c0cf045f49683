using System.IO.Pipes;
using System.Text;
using System.Text.Json;

namespace Bal.Integration.Logging;

/// <summary>A pipe whose reader decides when to read.</summary>
internal sealed class Pipe : IDisposable
{
    private readonly AnonymousPipeServerStream _reader = new(PipeDirection.In);

    public int WriteEnd => (int)_reader.ClientSafePipeHandle.DangerousGetHandle();

    public void CloseReader() => _reader.SafePipeHandle.Dispose();

    /// <summary>Reads lines until one satisfies the condition, for ten seconds at most.</summary>
    public List<JsonElement> ReadUntil(Func<JsonElement, bool> last)
    {
        var lines = new List<JsonElement>();
        var read = Task.Run(() =>
        {
            var text = new StreamReader(_reader, Encoding.UTF8, leaveOpen: true);
            do lines.Add(JsonDocument.Parse(text.ReadLine()!).RootElement);
            while (!last(lines[^1]));
        });
        Assert.True(read.Wait(TimeSpan.FromSeconds(10)), $"only {lines.Count} lines came");
        return lines;
    }

    public void Dispose() => _reader.Dispose();
}
