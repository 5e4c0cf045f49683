using System.Runtime.InteropServices;
using Bal.Domain.Admission;
using Bal.Domain.Backend;
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

    /// <summary>It failed because the peer no longer answered.</summary>
    Silent = 256,
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

/// <summary>One proxied connection: about 400 bytes of native memory, owned by one loop, never moved.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct Session
{
    // The sides must come first: an epoll tag is the session's address, and its lowest bit names the side.
    public Side Client;
    public Side Backend;

    public SessionState State;
    public int Service;

    /// <summary>Where it was accepted, until it has said which service it wants; 0 from then on.</summary>
    public int Listener;

    /// <summary>The name that it has asked for (<see cref="EventLoop"/>); null for none.</summary>
    public byte* Name;

    /// <summary>It counts as one that has yet to say which service it wants.</summary>
    public bool IsGreeted;

    /// <summary>It has to begin with a PROXY header.</summary>
    public bool AwaitsHeader;

    /// <summary>The backend connected or being connected; 0 where none is.</summary>
    public int BackendId;

    /// <summary>Where the loops find the present target of that backend.</summary>
    public int Target;

    /// <summary>Which of the backend's addresses is being tried.</summary>
    public int AddressIndex;

    /// <summary>The most telling failure of its addresses so far.</summary>
    public FailureKind Failure;

    /// <summary>This loop's counters of the backend.</summary>
    public BackendCounters* Counters;

    /// <summary>The client's number in the round robin of the process.</summary>
    public ulong Turn;

    /// <summary>
    /// Who the client is: the peer of its socket, or whom a PROXY header names. Unknown where nobody asks.
    /// </summary>
    public InetEndpoint Source;

    /// <summary>The peer of its socket; unknown where nobody asks.</summary>
    public InetEndpoint Seen;

    /// <summary>Where the client connected to, as a PROXY header says; otherwise unknown: the socket knows.</summary>
    public InetEndpoint Destination;

    /// <summary>Where its service counts it among the connections of its client, and 1; 0 for nowhere.</summary>
    public int ClientEntry;

    /// <summary>The PROXY header that its backend gets.</summary>
    public ProxyVersion Header;

    /// <summary>How many bytes there must be for the client's socket to report any; 0 for one.</summary>
    public int LowWater;

    /// <summary>A proxy has connected for its own sake (the command LOCAL): nobody stands behind it.</summary>
    public bool IsLocal;

    /// <summary>
    /// Monotonic milliseconds of the accept, of the begin of the last try, and of the end of its connect.
    /// </summary>
    public long Started;
    public long TriedAt;
    public long ConnectedAt;

    /// <summary>Milliseconds that it has waited for a backend with room, and whether it ever has.</summary>
    public long WaitedMs;
    public bool HasWaited;

    /// <summary>How often a backend was chosen for it.</summary>
    public int Tries;

    /// <summary>Bytes read from the client and from the backend.</summary>
    public long BytesIn;
    public long BytesOut;

    /// <summary>Monotonic milliseconds of the last byte in either direction.</summary>
    public long LastActivity;

    /// <summary>Monotonic milliseconds of the first FIN that was passed on; zero before it.</summary>
    public long FinAt;

    /// <summary>Set while it waits because every usable backend is full.</summary>
    public Waiter* Waiter;

    /// <summary>Backends tried so far; null before the first failure.</summary>
    public int* Tried;
    public int TriedCount;
    public int TriedCapacity;
    public int LastResorts;

    /// <summary>The number of the table by which its backend was chosen.</summary>
    public int ChosenBy;

    /// <summary>
    /// Some attempt failed on this machine, so that the failure of all says nothing about the backends.
    /// </summary>
    public bool LocalFailure;
    public bool InReadyList;

    /// <summary>The connect is given up: whatever it comes to, the next candidate is tried.</summary>
    public bool GivenUp;

    /// <summary>The client sent an RST after its last bytes; only those keep it from being forgotten.</summary>
    public bool ClientGone;

    /// <summary>It counts among the clients without a backend that a process which takes over heeds.</summary>
    public bool Seeking;

    /// <summary>The backend's socket has been told to look for a dead peer.</summary>
    public bool KeptAlive;

    /// <summary>The most telling reason why an attempt failed, a <see cref="Refusal"/> and 1; zero for none.</summary>
    public int Cause;

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
