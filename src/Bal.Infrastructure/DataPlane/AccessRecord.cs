using System.Runtime.InteropServices;
using Bal.Domain.Relay;

namespace Bal.Infrastructure.DataPlane;

/// <summary>
/// What an event loop writes of a connection for the access log: of a fixed size, so that nothing is allocated. Times
/// are monotonic milliseconds.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal struct AccessRecord
{
    /// <summary>When it ended; of an open one, now.</summary>
    public long At;

    /// <summary>When it was accepted.</summary>
    public long Started;

    /// <summary>How long it waited for a backend with room.</summary>
    public long WaitMs;

    /// <summary>How long it took to connect a backend; negative where none was.</summary>
    public long ConnectMs;

    /// <summary>Bytes from the client.</summary>
    public long BytesIn;

    /// <summary>Bytes to the client.</summary>
    public long BytesOut;

    /// <summary>Rejected connections that have no line of their own, and are counted by this one.</summary>
    public long Suppressed;

    /// <summary>The identity of its service.</summary>
    public int Service;

    /// <summary>The identity of its backend; 0 for none.</summary>
    public int Backend;

    /// <summary>Connects tried for it.</summary>
    public int Tries;

    /// <summary>A <see cref="Domain.Counting.TerminationReason"/>.</summary>
    public int Reason;

    /// <summary>Who the client is.</summary>
    public InetEndpoint Client;

    /// <summary>The peer of its socket.</summary>
    public InetEndpoint Seen;

    /// <summary>Where it connected to.</summary>
    public InetEndpoint Listener;

    /// <summary>The address that the backend sees.</summary>
    public InetEndpoint Source;
}
