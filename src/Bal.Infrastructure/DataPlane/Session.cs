using System.Runtime.InteropServices;
using Bal.Domain.Relay;

namespace Bal.Infrastructure.DataPlane;

/// <summary>What is known of one socket. Edge-triggered: each bit stays until the socket says otherwise.</summary>
[Flags]
internal enum SideFlags : uint
{
    None = 0,

    /// <inheritdoc cref="Readiness.Readable"/>
    Readable = Readiness.Readable,

    /// <inheritdoc cref="Readiness.Writable"/>
    Writable = Readiness.Writable,

    /// <inheritdoc cref="Readiness.ShortReads"/>
    ShortReads = Readiness.ShortReads,

    /// <summary>recv(2) returned 0: the peer has sent its last byte.</summary>
    EndOfStream = 8,

    /// <summary>A FIN was sent to this socket's peer.</summary>
    FinSent = 16,

    /// <summary>
    /// What is read from this socket goes through a pipe in the kernel instead of a buffer of the loop.
    /// </summary>
    Splicing = 64,

    /// <summary>The pipe that is spliced through is one of <see cref="PipePool.MaxLarge"/>.</summary>
    LargePipe = 128,

    /// <summary>The socket failed, usually because the peer sent an RST, and nothing is left in it.</summary>
    Failed = 32,
}

/// <summary>One socket of a session, and the bytes read from it that the other socket has not taken yet.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct Side
{
    public int Fd;
    public SideFlags Flags;

    /// <summary>A block of the loop's <see cref="BlockPool"/>, or null where nothing is pending.</summary>
    public byte* Pending;
    public int PendingOffset;
    public int PendingLength;

    /// <summary>The two ends of the pipe while splicing, and how many bytes are in it.</summary>
    public int PipeIn;
    public int PipeOut;
    public int PipeLength;

    /// <summary>
    /// Large reads in a row while copying, small ones while splicing: what decides when to change over.
    /// </summary>
    public int Streak;

    /// <summary>
    /// Its place among the <see cref="EventLoop"/>'s watched streams, from 1; 0 where it is not watched.
    /// </summary>
    public int Stream;

    /// <summary>Whether bytes were read that the other side has not taken.</summary>
    public readonly bool HasUnsent => PendingLength > 0 || PipeLength > 0;

    public readonly bool Has(SideFlags flag) => (Flags & flag) != 0;
}

/// <summary>One proxied connection: about 250 bytes of native memory, owned by one loop, never moved.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct Session
{
    // The sides must come first: an epoll tag is the session's address, and its lowest bit names the side.
    public Side Client;
    public Side Backend;

    public SessionState State;
    public int Service;

    /// <summary>The backend connected or being connected; 0 where none is.</summary>
    public int BackendId;

    /// <summary>Where the loops find the present target of that backend.</summary>
    public int Target;

    /// <summary>Which of the backend's addresses is being tried.</summary>
    public int AddressIndex;

    /// <summary>This loop's counters of the backend.</summary>
    public BackendCounters* Counters;

    /// <summary>The client's number in the round robin of the process.</summary>
    public ulong Turn;

    /// <summary>Monotonic milliseconds of the last byte in either direction.</summary>
    public long LastActivity;

    /// <summary>Backends tried so far; null before the first failure.</summary>
    public int* Tried;
    public int TriedCount;
    public int TriedCapacity;
    public int LastResorts;

    /// <summary>
    /// Some attempt failed on this machine, so that the failure of all says nothing about the backends.
    /// </summary>
    public bool LocalFailure;
    public bool InReadyList;

    /// <summary>Which side was reset, and until when its last bytes may be delivered.</summary>
    public bool ResetByBackend;
    public long ResetUntil;

    /// <summary>
    /// When the current phase ends, in monotonic milliseconds: the connect, the silence, or the last second.
    /// </summary>
    public long Deadline;
    public TimerLink Timer;

    /// <summary>Whether at least one direction goes through a pipe in the kernel.</summary>
    public readonly bool IsSpliced => Client.Has(SideFlags.Splicing) || Backend.Has(SideFlags.Splicing);

    /// <summary>Next in the ready list, the free list or the list of sessions to free.</summary>
    public Session* Next;
}

/// <summary>A session's place in the timer wheel.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct TimerLink
{
    public Session* Next;
    public Session* Previous;

    /// <summary>Slot number + 1; 0 where not in the wheel.</summary>
    public int Slot;
}
