using Bal.Domain.Backend;
using Bal.Domain.Primitives;
using Bal.Domain.Simulation;
using LanguageExt;

namespace Bal.Application.Simulation;

/// <summary>What is written down about one backend, across reloads and restarts of bal.</summary>
internal sealed class BackendNotes(ServiceNotes service, Endpoint endpoint, Duration length)
{
    private readonly SpanList<LaneState> lane = new(LaneState.Absent);
    private readonly SpanList<Fault> faults = new(Fault.Healthy);
    private readonly PartCounts failures = new(length);
    private long served;
    private long refused;
    private long timedOut;

    public ServiceNotes Service { get; } = service;

    public Endpoint Endpoint { get; } = endpoint;

    public void Served()
    {
        served++;
        Service.Served++;
    }

    public void ConnectFailed(FailureKind kind, Instant now)
    {
        if (kind == FailureKind.Refused)
            refused++;
        else
            timedOut++;
        failures.Add(now);
    }

    public void IsIn(LaneState state, Instant now) => lane.Become(state, now);

    public void Suffers(Fault fault, Instant now) => faults.Become(fault, now);

    public BackendHistory ToHistory(Instant end) => new(
        Service.Name, Endpoint, served, refused, timedOut,
        lane.Until(end).Map(s => new LaneSpan(s.During, s.Value)),
        faults.Until(end).Filter(s => s.Value is not Fault.None).Map(s => new FaultSpan(s.During, s.Value)),
        failures.ToBursts());
}

/// <summary>What is written down about one service, across reloads and restarts of bal.</summary>
internal sealed class ServiceNotes(string name)
{
    private readonly SpanList<bool> protection = new(false);

    public string Name { get; } = name;

    public long Served { get; set; }

    public long Failed { get; set; }

    public long Rejected { get; set; }

    public QueueNotes Queue { get; } = new();

    public void IsProtected(bool on, Instant now) => protection.Become(on, now);

    public ServiceHistory ToHistory(Instant end) => new(
        Name, Served, Failed, Rejected, protection.Until(end).Filter(s => s.Value).Map(s => s.During))
    {
        Queue = Queue.ToHistory(),
    };
}

/// <summary>A value that changes with time, kept as a bounded number of spans without gaps.</summary>
internal sealed class SpanList<T>(T first) where T : notnull
{
    /// <summary>Changes that are kept: a picture shows no more.</summary>
    private const int Most = 100_000;

    private readonly List<TimedValue<T>> past = [];
    private T current = first;
    private Instant since = Instant.Zero;

    public void Become(T value, Instant now)
    {
        if (value.Equals(current))
            return;
        if (since.Milliseconds < now.Milliseconds && past.Count < Most)
            past.Add(new(new Period(since, now), current));
        (current, since) = (value, now);
    }

    public Arr<TimedValue<T>> Until(Instant end)
    {
        var cut = past.Where(s => s.During.From.Milliseconds < end.Milliseconds)
            .Select(s => s with { During = s.During with { To = Instant.Min(s.During.To, end) } });
        return new Arr<TimedValue<T>>(since.Milliseconds < end.Milliseconds
            ? cut.Append(new TimedValue<T>(new Period(since, end), current))
            : cut);
    }
}

/// <summary>A value for a while.</summary>
internal sealed record TimedValue<T>(Period During, T Value);

/// <summary>Counts by parts of the run, so that their number does not grow with it.</summary>
internal sealed class PartCounts(Duration length)
{
    private readonly long[] counts = new long[SimulationReport.Parts];
    private readonly long part =
        Math.Max(1, (length.Milliseconds + SimulationReport.Parts - 1) / SimulationReport.Parts);

    public void Add(Instant now) => counts[Math.Min(counts.Length - 1, now.Milliseconds / part)]++;

    public Arr<Burst> ToBursts() => new(counts
        .Select((count, i) => new Burst(new Instant(i * part), count)).Where(b => b.Count > 0));
}
