namespace Bal.Domain.Relay;

/// <summary>
/// The number that epoll gives back with each event, and what it stands for: the loop's own wake-up, a listener, or one
/// socket of a session. A session's number is its address, which is even; the lowest bit says which of its two sockets.
/// </summary>
public static class WatchTag
{
    /// <summary>The loop's wake-up.</summary>
    public const ulong Wake = 2;

    /// <summary>The least address that a session may have. No process is given the first page (mmap(2)).</summary>
    public const ulong LeastAddress = 4096;

    // No address of a process on Linux has it (mmap(2)).
    private const ulong ListenerBit = 1UL << 63;
    private const ulong BackendBit = 1;

    /// <summary>The tag of a listener.</summary>
    /// <param name="slot">Its place in the loop's list, from 0.</param>
    public static ulong OfListener(int slot) => ListenerBit | (uint)slot;

    /// <summary>The place of the listener in the loop's list.</summary>
    /// <param name="tag">The tag of a listener.</param>
    public static int ListenerOf(ulong tag) => (int)(tag & ~ListenerBit);

    /// <summary>The tag of one socket of a session.</summary>
    /// <param name="session">The session's address: even, and at least <see cref="LeastAddress"/>.</param>
    /// <param name="isBackend">Whether it is the backend's socket.</param>
    public static ulong OfSocket(ulong session, bool isBackend) => session | (isBackend ? BackendBit : 0);

    /// <summary>Whether the tag is that of a session's socket.</summary>
    public static bool IsSession(ulong tag) => (long)tag >= (long)LeastAddress;

    /// <summary>The session's address.</summary>
    /// <param name="tag">The tag of a session's socket.</param>
    public static ulong SessionOf(ulong tag) => tag & ~BackendBit;

    /// <summary>Whether it is the backend's socket.</summary>
    /// <param name="tag">The tag of a session's socket.</param>
    public static bool IsBackend(ulong tag) => (tag & BackendBit) != 0;
}
