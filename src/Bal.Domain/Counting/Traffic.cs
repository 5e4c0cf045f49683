using Bal.Domain.Backend;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Counting;

/// <summary>What has passed through bal, counted by the event loops and summed at one moment.</summary>
/// <param name="ActiveConnections">Connections admitted and not yet ended.</param>
/// <param name="RejectedConnections">Connections rejected because of the limit, since the start.</param>
/// <param name="SplicedConnections">Connections of which at least one direction is relayed by splice(2) now.</param>
/// <param name="SplicedDirections">Directions of connections that are relayed by splice(2) now; all others are copied.</param>
/// <param name="Terminations">How many connections ended, by reason.</param>
/// <param name="Backends">One entry for each backend that the loops know.</param>
public sealed record Traffic(
    long ActiveConnections,
    long RejectedConnections,
    long SplicedConnections,
    long SplicedDirections,
    Arr<TerminationCount> Terminations,
    Arr<BackendTraffic> Backends)
{
    /// <summary>Nothing has passed.</summary>
    public static readonly Traffic None = new(0, 0, 0, 0, Arr<TerminationCount>.Empty, Arr<BackendTraffic>.Empty);

    /// <summary>Processes that were replaced and still have connections, which are counted here like all others.</summary>
    public Arr<PreviousProcess> Previous { get; init; } = Arr<PreviousProcess>.Empty;

    /// <summary>Both together, as of two processes that have served one after the other.</summary>
    public Traffic Plus(Traffic other) => new(
        ActiveConnections + other.ActiveConnections,
        RejectedConnections + other.RejectedConnections,
        SplicedConnections + other.SplicedConnections,
        SplicedDirections + other.SplicedDirections,
        new(Terminations.Append(other.Terminations).GroupBy(t => t.Reason)
            .Select(group => new TerminationCount(group.Key, group.Sum(t => t.Count)))),
        new(Backends.Append(other.Backends).GroupBy(b => b.Backend)
            .Select(group => group.Aggregate(BackendTraffic.NoneOf(group.Key), (sum, b) => sum.Plus(b)))));

    /// <summary>What is left of it once its process is gone: what was, and nothing that is.</summary>
    public Traffic Past => this with
    {
        ActiveConnections = 0,
        SplicedConnections = 0,
        SplicedDirections = 0,
        Backends = Backends.Map(b => b with { Active = 0 }),
    };
}

/// <summary>A process that was replaced by an upgrade and has not ended yet.</summary>
/// <param name="Pid">Its process id.</param>
/// <param name="Version">Its version of bal.</param>
/// <param name="Since">When it was replaced.</param>
/// <param name="ActiveConnections">Connections that it still has open.</param>
public sealed record PreviousProcess(int Pid, string Version, Instant Since, long ActiveConnections);

/// <summary>What has passed through one backend since it was added.</summary>
/// <param name="Backend">Which.</param>
/// <param name="Active">Connections that use it, or are being connected to it, now.</param>
/// <param name="Total">Connections established.</param>
/// <param name="BytesIn">Bytes from clients.</param>
/// <param name="BytesOut">Bytes from the backend.</param>
public sealed record BackendTraffic(BackendId Backend, long Active, long Total, long BytesIn, long BytesOut)
{
    /// <summary>Nothing has passed.</summary>
    public static BackendTraffic NoneOf(BackendId backend) => new(backend, 0, 0, 0, 0);

    /// <summary>The sums; <paramref name="other"/> is of the same backend.</summary>
    public BackendTraffic Plus(BackendTraffic other) => this with
    {
        Active = Active + other.Active,
        Total = Total + other.Total,
        BytesIn = BytesIn + other.BytesIn,
        BytesOut = BytesOut + other.BytesOut,
    };
}
