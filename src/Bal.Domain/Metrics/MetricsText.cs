using System.Buffers;
using System.Globalization;
using System.Text;
using LanguageExt;

namespace Bal.Domain.Metrics;

/// <summary>
/// Metrics in the text format of Prometheus, version 0.0.4. No two series are alike, whatever services and backends are
/// called.
/// </summary>
public static class MetricsText
{
    /// <summary>The media type of the text.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    /// <summary>The text, in UTF-8.</summary>
    public static ReadOnlyMemory<byte> Of(MetricsView view)
    {
        var text = new Text(1_024 + 8_192 * view.Report.Services.Count + 5_120 * view.Report.Backends.Count);
        foreach (var metric in MetricNames.OfProcess)
            text.Write(metric, [("", view)]);
        var services = OnePerName(
            view.Report.Services, s => Label("service", s.Name), s => s.Removed);
        foreach (var metric in MetricNames.OfService)
            text.Write(metric, services);
        var backends = OnePerName(
            view.Report.Backends,
            b => $"{Label("service", b.Service)},{Label("backend", b.Address)}",
            b => b.IsRemoved);
        foreach (var metric in MetricNames.OfBackend)
            text.Write(metric, backends);
        return text.Written;
    }

    /// <summary>A number, as the format wants it.</summary>
    internal static string Number(double value) => double.IsPositiveInfinity(value)
        ? "+Inf"
        : value.ToString(CultureInfo.InvariantCulture);

    /// <summary>A label with its value, escaped as the format wants it.</summary>
    internal static string Label(string name, string value) =>
        $"{name}=\"{value.Replace("\\", "\\\\").Replace("\"", "\\\"").Replace("\n", "\\n")}\"";

    // While one that was removed drains, another one may have come that is called the same: it is the one that the
    // name means now.
    private static List<(string Labels, T Item)> OnePerName<T>(
        Arr<T> items, Func<T, string> labels, Func<T, bool> isGone)
    {
        var found = new List<(string Labels, T Item)>(items.Count);
        var places = new Dictionary<string, int>(items.Count, StringComparer.Ordinal);
        foreach (var item in items)
        {
            var name = labels(item);
            if (places.TryAdd(name, found.Count))
                found.Add((name, item));
            else if (isGone(found[places[name]].Item) && !isGone(item))
                found[places[name]] = (name, item);
        }

        return found;
    }

    private sealed class Text(int capacity)
    {
        private readonly ArrayBufferWriter<byte> bytes = new(capacity);

        public ReadOnlyMemory<byte> Written => bytes.WrittenMemory;

        public void Write<T>(Metric<T> metric, List<(string Labels, T Item)> items)
        {
            var begun = false;
            foreach (var (labels, item) in items)
            {
                foreach (var reading in metric.Read(item))
                {
                    if (!begun)
                        Head(metric);
                    begun = true;
                    Line(metric.Name, labels, reading);
                }
            }
        }

        private void Head<T>(Metric<T> metric)
        {
            Add($"# HELP {metric.Name} {metric.Help}\n");
            Add($"# TYPE {metric.Name} {WordOf(metric.Type)}\n");
        }

        private static string WordOf(MetricType type) => type switch
        {
            MetricType.Counter => "counter",
            MetricType.Histogram => "histogram",
            _ => "gauge",
        };

        private void Line(string name, string labels, Reading reading)
        {
            Add(name);
            Add(reading.Suffix);
            if (labels.Length + reading.Label.Length > 0)
            {
                Add("{");
                Add(labels);
                if (labels.Length > 0 && reading.Label.Length > 0)
                    Add(",");
                Add(reading.Label);
                Add("}");
            }

            Add(" ");
            Add(Number(reading.Value));
            Add("\n");
        }

        private void Add(string text) => bytes.Advance(Encoding.UTF8.GetBytes(
            text, bytes.GetSpan(Encoding.UTF8.GetMaxByteCount(text.Length))));
    }
}
