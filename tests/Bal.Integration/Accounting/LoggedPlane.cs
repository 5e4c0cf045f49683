using System.Runtime.InteropServices;
using System.Text.Json;
using Bal.Domain.Counting;
using Bal.Domain.Messages;
using Bal.Infrastructure.Accounting;
using Bal.Integration.DataPlane;
using Bal.Integration.Process;
using LanguageExt;

namespace Bal.Integration.Accounting;

/// <summary>Event loops with an access log.</summary>
internal sealed partial class LoggedPlane : IDisposable
{
    private readonly TempDirectory home = new();
    private bool over;

    public LoggedPlane(int loops, params int[] backends)
    {
        Live = new LivePlane(loops, backends);
        Log = new AccessLogging(Live.Plane.Access, line =>
        {
            lock (Said)
                Said.Add(line);
        });
    }

    public LivePlane Live { get; }

    public AccessLogging Log { get; }

    public List<LogEvent> Said { get; } = [];

    public AccessLogCounts Counts => Live.Plane.Access.Counts;

    /// <summary>All connections that have ended, as the counters know them.</summary>
    public long Ended => ServiceCounters.All.Filter(c => c.Kind == CounterKind.Ended).Sum(Live.Plane.Measure().Of);

    public string File(string name) => home.File(name);

    public void LogTo(string path)
    {
        Log.Use(path, _ => false);
        Live.Settle();
    }

    public string Pipe(string name)
    {
        Assert.Equal(0, mkfifo(File(name), 0x180));
        return File(name);
    }

    /// <summary>Waits until a line of the log of bal has this event.</summary>
    public void UntilSaid(string what) => Live.Until(
        () =>
        {
            lock (Said)
                return Said.Exists(line => line.Event == what);
        },
        $"'{what}' is said");

    /// <summary>Everything is over, and in the file.</summary>
    public void End()
    {
        if (over)
            return;
        over = true;
        Live.Dispose();
        Log.Dispose();
    }

    public void Dispose()
    {
        End();
        home.Dispose();
    }

    public static JsonElement[] LinesOf(params string[] files) => [.. files
        .SelectMany(System.IO.File.ReadAllLines)
        .Select(line => JsonDocument.Parse(line).RootElement)];

    public static AccessLogCounts CountOf(IEnumerable<JsonElement> lines) => lines.Aggregate(
        AccessLogCounts.None, (sum, line) => sum.Plus(new(
            1, line.TryGetProperty("suppressed", out var count) ? count.GetInt64() : 0, 0)));

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int mkfifo(string path, uint mode);
}
