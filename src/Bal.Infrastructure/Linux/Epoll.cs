using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Bal.Infrastructure.Linux;

/// <summary>
/// An epoll instance with its event buffer. <c>struct epoll_event</c> is packed on x86-64 only (epoll_ctl(2)), so the
/// layout is chosen when the process starts.
/// </summary>
internal sealed unsafe class Epoll : IDisposable
{
    /// <summary>The most events of one <see cref="Wait"/>.</summary>
    public const int Capacity = 512;

    private static readonly int Stride = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;
    private static readonly int DataOffset = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;

    private readonly int fd;
    private readonly byte* events;

    public Epoll()
    {
        fd = Libc.epoll_create1(Libc.EPOLL_CLOEXEC);
        if (fd < 0)
            throw new InvalidOperationException($"epoll_create1 failed (errno {*Libc.ErrnoLocation()})");
        events = (byte*)NativeMemory.AllocZeroed((nuint)(Capacity * Stride));
    }

    /// <summary>Watches <paramref name="watched"/>; false with errno set where the kernel refuses.</summary>
    public bool Add(int watched, uint interest, ulong data) => Control(Libc.EPOLL_CTL_ADD, watched, interest, data);

    /// <summary>Changes what is watched of a descriptor.</summary>
    public bool Modify(int watched, uint interest, ulong data) => Control(Libc.EPOLL_CTL_MOD, watched, interest, data);

    /// <summary>Stops watching a descriptor that stays open; a closed one leaves by itself.</summary>
    public void Remove(int watched) => Control(Libc.EPOLL_CTL_DEL, watched, 0, 0);

    /// <summary>Waits for events; the count, or zero when interrupted or out of time.</summary>
    /// <param name="timeoutMs">Milliseconds; -1 waits without end.</param>
    public int Wait(int timeoutMs) => Math.Max(0, WaitOnce(timeoutMs));

    /// <summary>Likewise; below zero when interrupted.</summary>
    public int WaitOnce(int timeoutMs) => Libc.epoll_wait(fd, events, Capacity, timeoutMs);

    /// <summary>What happened in event <paramref name="index"/> of the last wait.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint What(int index) => *(uint*)(events + (nint)index * Stride);

    /// <summary>Whom it concerns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Whom(int index) => Unsafe.ReadUnaligned<ulong>(events + (nint)index * Stride + DataOffset);

    public void Dispose()
    {
        _ = Libc.close(fd);
        NativeMemory.Free(events);
    }

    private bool Control(int operation, int watched, uint interest, ulong data)
    {
        var e = stackalloc byte[16];
        *(uint*)e = interest;
        Unsafe.WriteUnaligned(e + DataOffset, data);
        return Libc.epoll_ctl(fd, operation, watched, e) == 0;
    }
}
