using Bal.Domain.Backend;
using LanguageExt;

namespace Bal.Domain.Diagnostics;

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
}

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
}
