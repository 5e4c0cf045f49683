using System.Runtime.InteropServices;

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

/// <summary>Why a proxied connection ended: the termination reason.</summary>
internal enum Termination
{
    /// <summary>Both sides had sent their FIN.</summary>
    Completed,

    /// <summary>The client sent an RST.</summary>
    ClientReset,

    /// <summary>The backend sent an RST.</summary>
    BackendReset,

    /// <summary>The client went away while a backend was being connected.</summary>
    ClientAborted,

    /// <summary>No byte in either direction for the idle timeout.</summary>
    IdleTimeout,

    /// <summary>Every candidate failed.</summary>
    NoBackend,

    /// <summary>This machine ran out of something (descriptors, ports, memory).</summary>
    LocalFailure,

    /// <summary>Cut by the end of a drain.</summary>
    Cut,
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
    public long Splicing;

    /// <summary>Ended connections by <see cref="Termination"/>.</summary>
    public fixed long Terminations[8];
}
