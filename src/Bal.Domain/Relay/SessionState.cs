namespace Bal.Domain.Relay;

/// <summary>Where a proxied connection is in its life.</summary>
public enum SessionState
{
    /// <summary>The memory is not in use.</summary>
    Free,

    /// <summary>
    /// A client is accepted, and what it has to say first is awaited: a PROXY header, or the name in a ClientHello.
    /// </summary>
    Greeting,

    /// <summary>A client is admitted and a backend is being connected.</summary>
    Connecting,

    /// <summary>Bytes flow.</summary>
    Relaying,

    /// <summary>One side was reset: what it had sent before is still being delivered, at most for one second.</summary>
    Resetting,

    /// <summary>
    /// Both descriptors are closed. The memory is freed after the batch, since later events of it may still point here.
    /// </summary>
    Closed,
}
