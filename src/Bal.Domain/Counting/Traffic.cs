using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Counting;

/// <summary>What has passed through bal, counted by the event loops and summed at one moment.</summary>
/// <param name="Services">One entry for each service that the loops know.</param>
/// <param name="Backends">One entry for each backend that the loops know.</param>
public sealed record Traffic(Arr<ServiceTraffic> Services, Arr<BackendTraffic> Backends)
{
    /// <summary>Nothing has passed.</summary>
    public static readonly Traffic None = new(Arr<ServiceTraffic>.Empty, Arr<BackendTraffic>.Empty);

    /// <summary>
    /// Processes that were replaced and still have connections, which are counted here like all others.
    /// </summary>
    public Arr<PreviousProcess> Previous { get; init; } = Arr<PreviousProcess>.Empty;

    /// <summary>What has become of those that have ended in the access log.</summary>
    public AccessLogCounts AccessLog { get; init; } = AccessLogCounts.None;

    /// <summary>Connections admitted and not yet ended, of all services.</summary>
    public long Active => Services.Fold(0L, (sum, service) => sum + service.Active);

    /// <summary>One counter over all services.</summary>
    public long Of(ServiceCounter counter) =>
        Services.Fold(0L, (sum, service) => counter.Plus(sum, service.Of(counter)));

    /// <summary>Both together, as of two processes that have served one after the other.</summary>
    public Traffic Plus(Traffic other) => new(
        Merged(Services, other.Services, s => s.Service.Value, (a, b) => a.Plus(b)),
        Merged(Backends, other.Backends, b => b.Backend.Value, (a, b) => a.Plus(b)))
    {
        AccessLog = AccessLog.Plus(other.AccessLog),
    };

    /// <summary>The same without what is open: what remains of a process that has ended.</summary>
    public Traffic Past => this with
    {
        Services = Services.Map(s => s.Past),
        Backends = Backends.Map(b => b with { Active = 0 }),
    };

    private static Arr<T> Merged<T>(Arr<T> one, Arr<T> other, Func<T, int> key, Func<T, T, T> plus)
    {
        if (one.IsEmpty || other.IsEmpty)
            return one.IsEmpty ? other : one;
        var sums = new SortedDictionary<int, T>();
        foreach (var item in one.Concat(other))
            sums[key(item)] = sums.TryGetValue(key(item), out var soFar) ? plus(soFar, item) : item;
        return new(sums.Values);
    }
}

/// <summary>A process that was replaced and still has connections.</summary>
/// <param name="Pid">Its process id.</param>
/// <param name="Version">Its version.</param>
/// <param name="Since">When it was replaced.</param>
/// <param name="ActiveConnections">How many it still has.</param>
public sealed record PreviousProcess(int Pid, string Version, Instant Since, long ActiveConnections);

/// <summary>What has passed through one service.</summary>
/// <param name="Service">Which.</param>
/// <param name="Active">Connections admitted and not yet ended.</param>
/// <param name="Counts">A number for each of <see cref="ServiceCounters.All"/>, in that order.</param>
public sealed record ServiceTraffic(ServiceId Service, long Active, Arr<long> Counts)
{
    /// <summary>
    /// What it knows of its clients, in all processes together; none where there are no limits for each of them.
    /// </summary>
    public Option<KnownClients> Clients { get; init; }

    /// <summary>Nothing has passed.</summary>
    public static ServiceTraffic NoneOf(ServiceId service) => new(service, 0, ServiceCounters.All.Map(_ => 0L));

    /// <summary>One of the counters.</summary>
    public long Of(ServiceCounter counter) => Counts[counter.Index];

    /// <summary>The same with one of the counters set.</summary>
    public ServiceTraffic With(ServiceCounter counter, long count) =>
        this with { Counts = Counts.SetItem(counter.Index, count) };

    /// <summary>Both together.</summary>
    public ServiceTraffic Plus(ServiceTraffic other) => this with
    {
        Active = Active + other.Active,
        Counts = new(Counts.Select((count, i) => ServiceCounters.All[i].Plus(count, other.Counts[i]))),
    };

    /// <summary>What remains once nothing is open.</summary>
    public ServiceTraffic Past => this with
    {
        Active = 0,
        Counts = new(Counts.Select((count, i) => ServiceCounters.All[i].Kind == CounterKind.Open ? 0 : count)),
    };
}

/// <summary>What has passed through one backend.</summary>
/// <param name="Backend">Which.</param>
/// <param name="Active">Connections that use it now, connects in progress included.</param>
/// <param name="Total">Connections established since it was added.</param>
/// <param name="BytesIn">Bytes from clients that were sent to it.</param>
/// <param name="BytesOut">Bytes that it sent and clients were given.</param>
public sealed record BackendTraffic(BackendId Backend, long Active, long Total, long BytesIn, long BytesOut)
{
    /// <summary>How long its connects for clients took that succeeded.</summary>
    public Durations Connects { get; init; } = Durations.NoneOf(DurationScale.Connect);

    /// <summary>How long its health checks took, whatever they found.</summary>
    public Durations Probes { get; init; } = Durations.NoneOf(DurationScale.Connect);

    /// <summary>Nothing has passed.</summary>
    public static BackendTraffic NoneOf(BackendId backend) => new(backend, 0, 0, 0, 0);

    /// <summary>Both together.</summary>
    public BackendTraffic Plus(BackendTraffic other) => this with
    {
        Active = Active + other.Active,
        Total = Total + other.Total,
        BytesIn = BytesIn + other.BytesIn,
        BytesOut = BytesOut + other.BytesOut,
        Connects = Connects.Plus(other.Connects),
        Probes = Probes.Plus(other.Probes),
    };
}
