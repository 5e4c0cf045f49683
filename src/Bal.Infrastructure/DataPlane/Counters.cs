using System.Runtime.InteropServices;
using Bal.Domain.Counting;

namespace Bal.Infrastructure.DataPlane;

/// <summary>One loop's counters of one backend: a cache line of its own, written by that loop only, read by the supervisor.</summary>
[StructLayout(LayoutKind.Sequential, Size = 64)]
internal struct BackendCounters
{
    /// <summary>Sessions that use the backend or are connecting to it.</summary>
    public long Active;

    /// <summary>Connections established since the backend was added.</summary>
    public long Total;

    /// <summary>Bytes read from clients.</summary>
    public long BytesIn;

    /// <summary>Bytes read from the backend.</summary>
    public long BytesOut;

    /// <summary>Written by the supervisor: the end of the last session is to be reported.</summary>
    public int Draining;
}

/// <summary>One loop's counters that belong to no backend.</summary>
[StructLayout(LayoutKind.Sequential, Size = 256)]
internal unsafe struct LoopCounters
{
    // Keeps the lines of two loops apart, whatever the allocator's alignment.
    private fixed long padding[8];

    /// <summary>Connections rejected because of the limit.</summary>
    public long Rejected;

    /// <summary>Connections closed unserved, and pauses of a listener, because no descriptor was left.</summary>
    public long DescriptorsExhausted;

    /// <summary>Directions of connections that are being spliced at this moment.</summary>
    public long SplicedDirections;

    /// <summary>Sessions of which at least one direction is being spliced at this moment.</summary>
    public long SplicedSessions;

    /// <summary>Ended connections by <see cref="TerminationReason"/>.</summary>
    public fixed long Terminations[8];
}
