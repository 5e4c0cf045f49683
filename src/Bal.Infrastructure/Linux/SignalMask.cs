using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Bal.Infrastructure.Linux;

/// <summary>
/// The signals that mean something to bal, kept from every thread, so that they wait in a descriptor (signalfd(2))
/// until the supervisor reads them: no handler runs, and none needs a thread of its own, which a limit on threads may
/// refuse.
/// </summary>
internal static unsafe partial class SignalMask
{
    private const int Block = 0;
    private const int Unblock = 1;
    private const int NonBlocking = 0x800;
    private const int CloseOnExec = 0x80000;
    private const int InfoSize = 128;

    // sigset_t of glibc and musl on 64-bit machines; signal n is bit n - 1.
    private const int SetWords = 16;

    private static readonly int[] Signals = [Libc.SIGHUP, Libc.SIGINT, Libc.SIGTERM, Libc.SIGUSR1, Libc.SIGUSR2];

    /// <summary>
    /// Blocks them in this thread, in all that it starts from now on, and in the one that the runtime has started
    /// before: its finalizer. To be called before any other thread is started.
    /// </summary>
    public static void BlockEverywhere()
    {
        BlockHere();
        LeaveToFinalizer();
        GC.Collect(0, GCCollectionMode.Forced, blocking: true);
        GC.WaitForPendingFinalizers();
    }

    /// <summary>Blocks them in this thread and in all that it starts from now on.</summary>
    public static void BlockHere() => Change(Block);

    /// <summary>Lets this thread have them again.</summary>
    public static void UnblockHere() => Change(Unblock);

    /// <summary>A descriptor from which blocked signals are read; -1 and errno.</summary>
    public static int Open()
    {
        var set = stackalloc ulong[SetWords];
        Fill(set);
        return signalfd(-1, set, NonBlocking | CloseOnExec);
    }

    /// <summary>The next signal and who sent it; 0 where none is waiting.</summary>
    public static int Read(int fd, out Peer sender)
    {
        // struct signalfd_siginfo: number, errno, code, process and user, 4 bytes each. A positive code is the
        // kernel's own (sigaction(2)).
        Span<byte> info = stackalloc byte[InfoSize];
        sender = default;
        if (Descriptors.Read(fd, info) != InfoSize)
            return 0;
        var fields = MemoryMarshal.Cast<byte, int>(info);
        sender = new Peer(fields[3], (uint)fields[4], IsKernel: fields[2] > 0);
        return fields[0];
    }

    /// <summary>Signals that are ignored since the start, as nohup(1) ignores HUP, would mean nothing at all.</summary>
    public static void HeedIgnored()
    {
        foreach (var number in Signals)
            Libc.HeedSignal(number);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void LeaveToFinalizer() => _ = new Messenger();

    private static void Change(int how)
    {
        var set = stackalloc ulong[SetWords];
        Fill(set);
        _ = pthread_sigmask(how, set, null);
    }

    private static void Fill(ulong* set)
    {
        new Span<ulong>(set, SetWords).Clear();
        foreach (var number in Signals)
            *set |= 1UL << (number - 1);
    }

    [LibraryImport("libc")]
    private static partial int pthread_sigmask(int how, ulong* set, ulong* former);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int signalfd(int fd, ulong* mask, int flags);

    // Its finalizer runs where nothing else of bal does.
    private sealed class Messenger
    {
        ~Messenger() => BlockHere();
    }
}
