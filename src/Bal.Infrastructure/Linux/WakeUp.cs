namespace Bal.Infrastructure.Linux;

/// <summary>
/// An eventfd(2) by which other threads wake a thread that waits in epoll. Many signals before one wake-up count as
/// one.
/// </summary>
internal sealed unsafe class WakeUp : IDisposable
{
    private int signalled;

    public WakeUp()
    {
        Fd = Libc.eventfd(0, Libc.EFD_NONBLOCK | Libc.EFD_CLOEXEC);
        if (Fd < 0)
            throw new InvalidOperationException($"eventfd failed (errno {*Libc.ErrnoLocation()})");
    }

    public int Fd { get; }

    /// <summary>Wakes the owner; costs a system call only where it is not already being woken.</summary>
    public void Signal()
    {
        if (Interlocked.Exchange(ref signalled, 1) == 1)
            return;
        var one = 1UL;
        _ = Libc.write(Fd, (byte*)&one, sizeof(ulong));
    }

    /// <summary>Called by the owner before it looks at what it was woken for.</summary>
    public void Clear()
    {
        ulong count;
        _ = Libc.read(Fd, (byte*)&count, sizeof(ulong));
        // After the read: a signal from here on writes again. A full fence, since the owner looks at its queue next:
        // were that look to overtake this store, a signal in between would neither be seen nor write (even on x86-64).
        Interlocked.Exchange(ref signalled, 0);
    }

    public void Dispose() => _ = Libc.close(Fd);
}
