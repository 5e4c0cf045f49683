namespace Bal.KernelLab.Relays;

/// <summary>
/// Who moves the bytes that an endpoint receives. Only the sockmap relay ever leaves <see cref="Copying"/>.
/// </summary>
internal enum Phase
{
    /// <summary>The relay, with recv and send.</summary>
    Copying,

    /// <summary>The kernel; the relay sees no byte.</summary>
    Redirecting,

    /// <summary>
    /// Nobody: what the kernel has taken must be in the other socket before the relay sends there again.
    /// </summary>
    Draining,
}

internal enum SessionState
{
    Connecting,
    Open,
    Resetting,
    Closed,
}

/// <summary>One socket of a session, and the direction that begins at it.</summary>
internal sealed class Endpoint(Session owner)
{
    public readonly Session Owner = owner;
    public Endpoint Other = null!;
    public int Fd = -1;
    public int Id;
    public bool Readable;
    public bool Writable;
    public bool HungUp;
    public bool EndOfStream;
    public bool Failed;
    public bool FinSent;

    /// <summary>Bytes read from this socket that the other did not take yet; owned, at most one buffer.</summary>
    public nint Unsent;
    public int UnsentFrom;
    public int UnsentCount;

    /// <summary>Bytes that this relay itself read from and wrote to this socket.</summary>
    public long Received;
    public long Sent;

    public Phase Phase;

    /// <summary>Index in the maps of the kernel; -1 where the socket is not in them.</summary>
    public int Slot = -1;
    public ulong Cookie;

    /// <summary>
    /// <see cref="Received"/> when the socket entered the maps: what was read before, the program did not see.
    /// </summary>
    public long ReceivedBefore;
    public uint Interest;
    public bool Polled;
}

internal sealed class Session
{
    public readonly Endpoint Client;
    public readonly Endpoint Server;
    public SessionState State = SessionState.Connecting;
    public Endpoint? ResetBy;
    public long ResetUntil;
    public bool InReady;

    public Session()
    {
        Client = new Endpoint(this);
        Server = new Endpoint(this) { Other = Client };
        Client.Other = Server;
    }
}
