namespace Bal.Domain.Relay;

/// <summary>What epoll reports of a socket. The values are the kernel's (epoll_ctl(2)).</summary>
[Flags]
public enum SocketEvents : uint
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>EPOLLIN: there are bytes to read, or the stream has ended.</summary>
    Readable = 0x1,

    /// <summary>EPOLLPRI: there is urgent data.</summary>
    Urgent = 0x2,

    /// <summary>EPOLLOUT: there is room to write; of a socket that connects: it is connected.</summary>
    Writable = 0x4,

    /// <summary>EPOLLERR: the socket has failed, usually because the peer sent an RST.</summary>
    Error = 0x8,

    /// <summary>EPOLLHUP: nothing goes either way any more.</summary>
    HangUp = 0x10,

    /// <summary>EPOLLRDHUP: the peer has sent its FIN.</summary>
    PeerFinished = 0x2000,
}

/// <summary>What a socket is ready for, until a system call on it says otherwise.</summary>
[Flags]
public enum Readiness : uint
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>There may be something to read.</summary>
    Readable = 1,

    /// <summary>There may be room to write.</summary>
    Writable = 2,

    /// <summary>A short read no longer means that the socket is empty.</summary>
    ShortReads = 4,
}

/// <summary>What an event asks for.</summary>
public enum EventMeaning
{
    /// <summary>Nothing: the session has ended earlier in the same batch.</summary>
    Stale,

    /// <summary>Look at what the client has said so far.</summary>
    Greeting,

    /// <summary>See <see cref="EventRule.OfBackend"/> and <see cref="EventRule.ClientMayBeGone"/>.</summary>
    Connecting,

    /// <summary>Move what can be moved.</summary>
    Relay,

    /// <summary>This side was reset: deliver what it sent before, then reset the other side.</summary>
    BeginReset,

    /// <summary>The side that was still getting the last bytes is gone as well: end the session now.</summary>
    EndReset,
}

/// <summary>What an event says about the connect to a backend.</summary>
public enum ConnectMeaning
{
    /// <summary>Nothing yet.</summary>
    Pending,

    /// <summary>It is connected.</summary>
    Connected,

    /// <summary>The connect has failed.</summary>
    Failed,
}

/// <summary>What an event of epoll means to a session.</summary>
public static class EventRule
{
    /// <summary>
    /// What a socket is ready for after the event. An error or a hang-up wakes both directions: only the next system
    /// call says what is wrong.
    /// </summary>
    public static Readiness ReadinessOf(SocketEvents events) =>
        (Any(events, SocketEvents.Readable | SocketEvents.PeerFinished | SocketEvents.Error | SocketEvents.HangUp)
            ? Readiness.Readable : Readiness.None)
        | (Any(events, SocketEvents.Writable | SocketEvents.Error | SocketEvents.HangUp)
            ? Readiness.Writable : Readiness.None)
        | (Any(events, SocketEvents.PeerFinished | SocketEvents.Urgent | SocketEvents.HangUp | SocketEvents.Error)
            ? Readiness.ShortReads : Readiness.None);

    /// <summary>What to do about the event.</summary>
    /// <param name="state">The session's state when the event is handled.</param>
    /// <param name="events">What is reported.</param>
    /// <param name="ofBackend">Whether it is reported of the backend's socket.</param>
    /// <param name="resetByBackend">Whether the backend sent the RST; counts while the session is resetting.</param>
    public static EventMeaning MeaningOf(
        SessionState state, SocketEvents events, bool ofBackend, bool resetByBackend)
    {
        var failed = Any(events, SocketEvents.Error);
        return state switch
        {
            SessionState.Greeting => EventMeaning.Greeting,
            SessionState.Connecting => EventMeaning.Connecting,
            SessionState.Relaying => failed ? EventMeaning.BeginReset : EventMeaning.Relay,
            SessionState.Resetting when failed && ofBackend != resetByBackend => EventMeaning.EndReset,
            SessionState.Resetting => EventMeaning.Relay,
            _ => EventMeaning.Stale,
        };
    }

    /// <summary>What an event of the backend's socket says about the connect; a failure outweighs all else.</summary>
    public static ConnectMeaning OfBackend(SocketEvents events) =>
        Any(events, SocketEvents.Error | SocketEvents.HangUp) ? ConnectMeaning.Failed
        : Any(events, SocketEvents.Writable) ? ConnectMeaning.Connected
        : ConnectMeaning.Pending;

    /// <summary>
    /// Whether a client whose backend is being connected is gone, unless it has left bytes to deliver. A FIN alone is a
    /// half-close: the client waits for the answer.
    /// </summary>
    public static bool ClientMayBeGone(SocketEvents events) => Any(events, SocketEvents.Error | SocketEvents.HangUp);

    private static bool Any(SocketEvents events, SocketEvents of) => (events & of) != 0;
}
