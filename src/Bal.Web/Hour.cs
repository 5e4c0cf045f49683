using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Bal.Domain.Web;
using LanguageExt;

namespace Bal.Web;

/// <summary>
/// The last hour in memory: a point each 10 seconds of all services together and of the first ones by themselves. It
/// begins with this process, and takes at most 101 times 360 points of 36 bytes, 1.3 MB.
/// </summary>
internal sealed class Hour
{
    /// <summary>Seconds between two points.</summary>
    public const int EverySeconds = 10;

    private const int Points = 3600 / EverySeconds;

    private static readonly string[] Names =
    [
        "level", "open", "waiting", "reachable", "backends", "new_per_s", "bytes_per_s", "not_served", "connect_ms",
    ];

    private static readonly TimeSpan Every = TimeSpan.FromSeconds(EverySeconds);

    private readonly Dictionary<string, Series> all = [];
    private readonly Lock gate = new();
    private readonly DateTimeOffset since = DateTimeOffset.UtcNow;
    private DateTimeOffset last = DateTimeOffset.UtcNow;
    private long ticks;

    /// <summary>Asks for samples for as long as the process lives.</summary>
    public async Task Watch(Daemon daemon)
    {
        using var timer = new PeriodicTimer(Every);
        var before = Environment.TickCount64;
        do
        {
            // Null where bal does not answer: there is a gap then.
            var answer = await daemon.Ask("sample").ConfigureAwait(false);
            var now = Environment.TickCount64;
            Take(answer is { Status: 200 } ? Encoding.UTF8.GetString(answer.Body) : "", (now - before) / 1000.0);
            before = now;
        }
        while (await timer.WaitForNextTickAsync().ConfigureAwait(false));
    }

    /// <summary>What is known of a service, or of all together where the name is empty; null for an unknown one.
    /// </summary>
    public byte[]? Json(string name)
    {
        var buffer = new ArrayBufferWriter<byte>();
        lock (gate)
        {
            if (!all.TryGetValue(name, out var series) && name.Length > 0)
                return null;
            using var json = new Utf8JsonWriter(buffer);
            json.WriteStartObject();
            json.WriteString("watched_since", Text(since));
            json.WriteString("last", Text(last));
            json.WriteNumber("every_s", EverySeconds);
            json.WriteNumber("most", Points);
            json.WriteStartArray("services");
            foreach (var known in all.Keys.Where(known => known.Length > 0))
                json.WriteStringValue(known);
            json.WriteEndArray();
            var ticksKnown = series?.Known(ticks) ?? [];
            for (var figure = 0; figure < Names.Length; figure++)
            {
                json.WriteStartArray(Names[figure]);
                foreach (var tick in ticksKnown)
                {
                    var value = series!.At(tick, figure);
                    if (float.IsFinite(value))
                        json.WriteNumberValue(Math.Round(value, 2));
                    else
                        json.WriteNullValue();
                }

                json.WriteEndArray();
            }

            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private void Take(string answer, double seconds)
    {
        lock (gate)
        {
            ticks++;
            last = DateTimeOffset.UtcNow;
            foreach (var line in answer.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                if (HourSample.Read(line).Case is not HourSample sample)
                    continue;
                if (!all.TryGetValue(sample.Name, out var series))
                    all[sample.Name] = series = new();
                series.Add(ticks, sample, seconds);
            }

            // One that is no longer served is forgotten, so that there are never more than bal sends.
            if (answer.Length > 0)
            {
                foreach (var gone in all.Where(one => one.Value.LastTick != ticks).Select(one => one.Key).ToArray())
                    all.Remove(gone);
            }
        }
    }

    private static string Text(DateTimeOffset at) =>
        at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    // In the order of Names; what is not known is not a number.
    private static float[] Figures(HourPoint point) =>
    [
        (float)point.Level, point.Open, point.Waiting, point.Reachable, point.Backends,
        Figure(point.NewPerSecond), Figure(point.BytesPerSecond), Figure(point.NotServed.Map(n => (double)n)),
        Figure(point.ConnectMs),
    ];

    private static float Figure(Option<double> value) => value.Match(v => (float)v, () => float.NaN);

    /// <summary>The points of one service: a ring.</summary>
    private sealed class Series
    {
        private readonly float[] ring = new float[Points * Names.Length];
        private Option<HourSample> before;
        private long first = -1;

        public long LastTick { get; private set; }

        public void Add(long tick, HourSample sample, double seconds)
        {
            if (first < 0)
                first = tick;
            // What was missed stays empty.
            for (var missed = Math.Max(first, Math.Max(LastTick + 1, tick - Points)); missed < tick; missed++)
                Place(missed).Fill(float.NaN);
            Figures(HourPoint.Of(LastTick == tick - 1 ? before : default, sample, seconds)).CopyTo(Place(tick));
            (before, LastTick) = (sample, tick);
        }

        /// <summary>The ticks of the last hour, the oldest first.</summary>
        public long[] Known(long tick)
        {
            var from = Math.Max(first, tick - Points + 1);
            return [.. Enumerable.Range(0, (int)(tick - from + 1)).Select(i => from + i)];
        }

        public float At(long tick, int figure) => tick > LastTick ? float.NaN : Place(tick)[figure];

        private Span<float> Place(long tick) =>
            ring.AsSpan((int)(tick % Points) * Names.Length, Names.Length);
    }
}
