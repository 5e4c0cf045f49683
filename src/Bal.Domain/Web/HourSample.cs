using System.Globalization;
using Bal.Domain.Admission;
using Bal.Domain.Counting;
using Bal.Domain.Reports;
using LanguageExt;

namespace Bal.Domain.Web;

/// <summary>
/// A service, or all of them together, at one moment, in the few numbers of which the picture of the last hour is made.
/// </summary>
/// <param name="Name">The service; empty for all together.</param>
/// <param name="Level">How it is.</param>
/// <param name="Open">Open connections.</param>
/// <param name="Waiting">Clients in the queue.</param>
/// <param name="Reachable">Backends in rotation.</param>
/// <param name="Backends">Configured backends.</param>
/// <param name="Connections">Connections so far.</param>
/// <param name="Bytes">Bytes so far, in both directions.</param>
/// <param name="NotServed">Clients that got no service so far, other than by a rule for clients.</param>
/// <param name="Connects">Connects to backends so far that succeeded.</param>
/// <param name="ConnectMs">Milliseconds that these took.</param>
public sealed record HourSample(
    string Name, OverallStatus Level, long Open, long Waiting, long Reachable, long Backends, long Connections,
    long Bytes, long NotServed, long Connects, long ConnectMs)
{
    private const int Fields = 11;

    /// <summary>All together first, then each service that is not being removed, at most <paramref name="most"/>.
    /// </summary>
    public static Arr<HourSample> Of(StatusReport report, int most)
    {
        // Connects of a service: how many, and how long they took.
        var of = new Dictionary<string, long[]>();
        foreach (var backend in report.Backends)
        {
            if (!of.TryGetValue(backend.Service, out var sums))
                of[backend.Service] = sums = [0, 0];
            sums[0] += backend.Connects.Count;
            sums[1] += backend.Connects.Milliseconds;
        }

        var together = new HourSample(
            "", report.Overall, 0, 0, report.BackendReachable, report.BackendTotal, 0, 0, 0, 0, 0);
        var samples = new List<HourSample>();
        foreach (var service in report.Services)
        {
            var one = OfService(service, of.GetValueOrDefault(service.Name));
            together = together with
            {
                Open = together.Open + one.Open,
                Waiting = together.Waiting + one.Waiting,
                Connections = together.Connections + one.Connections,
                Bytes = together.Bytes + one.Bytes,
                NotServed = together.NotServed + one.NotServed,
                Connects = together.Connects + one.Connects,
                ConnectMs = together.ConnectMs + one.ConnectMs,
            };
            if (!service.Removed && samples.Count < most)
                samples.Add(one);
        }

        samples.Insert(0, together);
        return new(samples);
    }

    /// <summary>One line, without its end; <see cref="Read"/> reads it.</summary>
    public string ToLine() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Name}\t{(int)Level}\t{Open}\t{Waiting}\t{Reachable}\t{Backends}\t{Connections}\t{Bytes}\t{NotServed}\t"
            + $"{Connects}\t{ConnectMs}");

    /// <summary>Reads a line; none where it is something else.</summary>
    public static Option<HourSample> Read(string line)
    {
        var parts = line.Split('\t');
        if (parts.Length != Fields)
            return Option<HourSample>.None;
        var numbers = new long[Fields];
        for (var i = 1; i < Fields; i++)
        {
            if (!long.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out numbers[i]))
                return Option<HourSample>.None;
        }

        return numbers[1] > (int)OverallStatus.Critical
            ? Option<HourSample>.None
            : new HourSample(
                parts[0], (OverallStatus)numbers[1], numbers[2], numbers[3], numbers[4], numbers[5], numbers[6],
                numbers[7], numbers[8], numbers[9], numbers[10]);
    }

    private static HourSample OfService(ServiceReport service, long[]? connects) => new(
        service.Name, service.Level, service.ActiveConnections, service.QueueLength, service.BackendReachable,
        service.BackendTotal, service.Of(ServiceCounters.TotalConnections),
        service.Of(ServiceCounters.BytesIn) + service.Of(ServiceCounters.BytesOut),
        Refusals.Unwanted.Fold(0L, (sum, reason) => sum + service.Of(ServiceCounters.Of(reason))),
        connects?[0] ?? 0, connects?[1] ?? 0);
}

/// <summary>What a service did between two samples, the later one included.</summary>
/// <param name="Level">How it was.</param>
/// <param name="Open">Open connections.</param>
/// <param name="Waiting">Clients in the queue.</param>
/// <param name="Reachable">Backends in rotation.</param>
/// <param name="Backends">Configured backends.</param>
/// <param name="NewPerSecond">New connections a second.</param>
/// <param name="BytesPerSecond">Bytes a second, in both directions.</param>
/// <param name="NotServed">Clients that got no service meanwhile.</param>
/// <param name="ConnectMs">How long connects to backends took on average; none where there was none.</param>
public sealed record HourPoint(
    OverallStatus Level, long Open, long Waiting, long Reachable, long Backends, Option<double> NewPerSecond,
    Option<double> BytesPerSecond, Option<long> NotServed, Option<double> ConnectMs)
{
    /// <summary>The point of a sample.</summary>
    /// <param name="before">The sample before it; none where there was none.</param>
    /// <param name="now">The sample.</param>
    /// <param name="seconds">How long after the one before.</param>
    public static HourPoint Of(Option<HourSample> before, HourSample now, double seconds)
    {
        // A counter falls where bal was started anew, or a service was removed: then nothing is known.
        var then = before.Filter(b => seconds > 0 && b.Connections <= now.Connections && b.Bytes <= now.Bytes
            && b.NotServed <= now.NotServed && b.Connects <= now.Connects && b.ConnectMs <= now.ConnectMs);
        return new(
            now.Level, now.Open, now.Waiting, now.Reachable, now.Backends,
            then.Map(b => (now.Connections - b.Connections) / seconds),
            then.Map(b => (now.Bytes - b.Bytes) / seconds),
            then.Map(b => now.NotServed - b.NotServed),
            then.Filter(b => now.Connects > b.Connects)
                .Map(b => (double)(now.ConnectMs - b.ConnectMs) / (now.Connects - b.Connects)));
    }
}
