using Bal.Domain.Counting;
using LanguageExt;

namespace Bal.Domain.Metrics;

/// <summary>What the numbers of a metric mean to Prometheus.</summary>
public enum MetricType
{
    /// <summary>It rises until what it belongs to is gone.</summary>
    Counter,

    /// <summary>It is what it is now.</summary>
    Gauge,

    /// <summary>How many took up to each of some bounds, all of them, and how long they took together.</summary>
    Histogram,
}

/// <summary>One number of a metric.</summary>
/// <param name="Label">
/// What tells it from the others of the same service or backend, as <c>name="value"</c>; empty where there is only one.
/// </param>
/// <param name="Value">The number, in base units.</param>
/// <param name="Suffix">What the name of a series of a histogram has at its end.</param>
internal readonly record struct Reading(string Label, double Value, string Suffix = "")
{
    private const double MsPerSecond = 1_000;

    /// <summary>A histogram, in seconds.</summary>
    public static Arr<Reading> Of(DurationScale scale, Durations taken)
    {
        var readings = new List<Reading>(scale.Buckets + 2);
        var soFar = 0L;
        for (var i = 0; i < scale.Buckets; i++)
        {
            soFar += taken.Counts[i];
            var bound = i < scale.BoundsMs.Count ? scale.BoundsMs[i] / MsPerSecond : double.PositiveInfinity;
            readings.Add(new($"le=\"{MetricsText.Number(bound)}\"", soFar, "_bucket"));
        }

        readings.Add(new("", taken.Milliseconds / MsPerSecond, "_sum"));
        readings.Add(new("", soFar, "_count"));
        return new(readings);
    }

    /// <summary>The only one.</summary>
    public static Arr<Reading> Of(double value) => Prelude.Array(new Reading("", value));

    /// <summary>1 for yes, 0 for no.</summary>
    public static Arr<Reading> Of(bool yes) => Of(yes ? 1 : 0);
}

/// <summary>One metric: its name, and how it is read from what it belongs to.</summary>
/// <typeparam name="T">What it belongs to: the process, a service or a backend.</typeparam>
/// <param name="Name">Its stable name, with its unit.</param>
/// <param name="Type">See <see cref="MetricType"/>.</param>
/// <param name="Help">What it counts, in one sentence.</param>
/// <param name="Read">Its numbers.</param>
internal sealed record Metric<T>(string Name, MetricType Type, string Help, Func<T, Arr<Reading>> Read);
