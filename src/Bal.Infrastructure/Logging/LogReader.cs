using System.Text;
using System.Text.Json;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;

namespace Bal.Infrastructure.Logging;

/// <summary>Reads <c>bal.log</c> and what rotation has left beside it, for people.</summary>
public sealed class LogReader : IDisposable
{
    // A line has at most some texts of this length (NdjsonFormatter); what is longer is somebody else's.
    private const int MostOfLine = 256 * 1024;

    private readonly string path;
    private readonly MemoryStream line = new();
    private FileStream? open;

    /// <summary>A reader of a log that need not be there.</summary>
    /// <param name="path">Of <c>bal.log</c>.</param>
    public LogReader(string path) => this.path = path;

    /// <summary>The earlier files of a log, the oldest first; compressed ones are for others to read.</summary>
    public static IReadOnlyList<string> Rotated(string path) =>
        [.. new DirectoryInfo(Path.GetDirectoryName(path)!)
            .EnumerateFiles(Path.GetFileName(path) + "*")
            .Where(file => file.FullName != path && file.LinkTarget is null
                && file.Name[Path.GetFileName(path).Length] is '.' or '-')
            .OrderBy(file => file.LastWriteTimeUtc).ThenBy(file => file.Name, StringComparer.Ordinal)
            .Select(file => file.FullName)];

    /// <summary>Whether only its name tells what is in it.</summary>
    public static bool IsCompressed(string path) =>
        Path.GetExtension(path) is ".gz" or ".xz" or ".zst" or ".bz2";

    /// <summary>A line of a log as people read it; one that is not bal's JSON as it is.</summary>
    /// <param name="bytes">Without its newline.</param>
    public static string Text(ReadOnlySpan<byte> bytes)
    {
        var text = Encoding.UTF8.GetString(bytes);
        if (text.StartsWith('{'))
            try
            {
                using var json = JsonDocument.Parse(text);
                if (json.RootElement.TryGetProperty("message", out _))
                    return Of(json.RootElement).ToLines();
            }
            catch (JsonException)
            {
                // The end of a file that is being written, or somebody else's line.
            }

        return Printable.Line(text) + "\n";
    }

    /// <summary>Every line of a file.</summary>
    public static IEnumerable<string> Lines(string file)
    {
        using var reader = new LogReader(file);
        foreach (var text in reader.More())
            yield return text;
        // The last one may have no end yet.
        if (reader.line.Length > 0)
            yield return Text(reader.line.ToArray());
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        open?.Dispose();
        line.Dispose();
    }

    /// <summary>
    /// The lines that have come since the last call, also those of a file that has taken the place of the one before.
    /// </summary>
    public IEnumerable<string> More()
    {
        while (true)
        {
            if (open is null && !Open())
                yield break;
            foreach (var text in Rest())
                yield return text;
            // Renamed or cut short: the new one begins at its start, once the old one has been read to its end.
            if (!HasMoved())
                yield break;
            open!.Dispose();
            open = null;
        }
    }

    private bool Open()
    {
        try
        {
            open = new FileStream(
                path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            line.SetLength(0);
            return true;
        }
        catch (FileNotFoundException)
        {
            return false;
        }
    }

    private IEnumerable<string> Rest()
    {
        var buffer = new byte[16 * 1024];
        while (open!.Read(buffer) is > 0 and var count)
            for (var from = 0; from < count;)
            {
                var end = buffer.AsSpan(from, count - from).IndexOf((byte)'\n');
                var length = end < 0 ? count - from : end;
                if (line.Length < MostOfLine)
                    line.Write(buffer, from, length);
                from += length + 1;
                if (end < 0)
                    continue;
                var text = Text(line.ToArray());
                line.SetLength(0);
                yield return text;
            }
    }

    private bool HasMoved()
    {
        try
        {
            return Linux.FileFacts.Of(path, follow: true) is { } named
                && Linux.FileFacts.Of((int)open!.SafeFileHandle.DangerousGetHandle()) is { } held
                && (!named.IsSameFile(held) || (long)named.Size < open.Position);
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static LogText Of(JsonElement line)
    {
        var fields = line.TryGetProperty("fields", out var found) ? found : default;
        return new(
            Member(line, "timestamp"), Member(line, "level"), Member(line, "module"), Member(line, "message"),
            Member(fields, "why_likely"), Member(fields, "do_this_now"));
    }

    private static string Member(JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var value)
            && value.ValueKind == JsonValueKind.String ? value.GetString() ?? "" : "";
}
