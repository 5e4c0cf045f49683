using System.Runtime.CompilerServices;
using Bal.KernelLab.Bpf;

namespace Bal.KernelLab.Uring;

/// <summary>
/// An io_uring (io_uring(7)) of the thread that makes it: its two rings and the submissions that wait for the next
/// enter.
/// </summary>
internal sealed unsafe class Ring
{
    private const uint Entries = 4096;
    private const uint CompletionEntries = 32_768;
    private const uint IORING_SETUP_CQSIZE = 1 << 3;
    private const uint IORING_SETUP_SINGLE_ISSUER = 1 << 12;
    private const uint IORING_SETUP_DEFER_TASKRUN = 1 << 13;
    private const uint IORING_SETUP_NO_SQARRAY = 1 << 16;
    private const uint IORING_ENTER_GETEVENTS = 1;
    private const long SubmissionsAt = 0x10000000;
    private const int SubmissionSize = 64;
    private const int CompletionSize = 16;

    private readonly int fd;
    private readonly byte* rings;
    private readonly byte* submissions;
    private readonly byte* completions;
    private readonly uint* submitTail;
    private readonly uint* completeHead;
    private readonly uint* completeTail;
    private uint queued;

    public Ring()
    {
        // struct io_uring_params: 10 words, then the offsets of the submission ring at 40 and of the completion ring
        // at 80.
        var parameters = stackalloc uint[30];
        new Span<uint>(parameters, 30).Clear();
        parameters[1] = CompletionEntries;
        parameters[2] = IORING_SETUP_CQSIZE | IORING_SETUP_SINGLE_ISSUER
            | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_NO_SQARRAY;
        fd = Kernel.UringSetup(Entries, parameters);
        const int protection = Kernel.PROT_READ | Kernel.PROT_WRITE;
        rings = Kernel.Map(fd, parameters[25] + CompletionEntries * CompletionSize, protection, 0);
        submissions = Kernel.Map(fd, Entries * SubmissionSize, protection, SubmissionsAt);
        submitTail = (uint*)(rings + parameters[11]);
        completeHead = (uint*)(rings + parameters[20]);
        completeTail = (uint*)(rings + parameters[21]);
        completions = rings + parameters[25];
    }

    /// <summary>
    /// Queues one operation (struct io_uring_sqe); it is submitted by the next <see cref="Wait"/> at the latest.
    /// </summary>
    public void Add(
        byte code, int target, void* address, uint length, ulong offset, uint flags, ulong whom, ushort priority = 0)
    {
        if (queued == Entries)
            Enter(0);
        var entry = submissions + (nint)(*submitTail & (Entries - 1)) * SubmissionSize;
        Unsafe.InitBlock(entry, 0, SubmissionSize);
        entry[0] = code;
        *(ushort*)(entry + 2) = priority;
        *(int*)(entry + 4) = target;
        *(ulong*)(entry + 8) = offset;
        *(void**)(entry + 16) = address;
        *(uint*)(entry + 24) = length;
        *(uint*)(entry + 28) = flags;
        *(ulong*)(entry + 32) = whom;
        Volatile.Write(ref *submitTail, *submitTail + 1);
        queued++;
    }

    /// <summary>Submits what is queued and waits for a completion.</summary>
    public void Wait() => Enter(1);

    /// <summary>
    /// Takes the next completion: whom it concerns, its result, and whether more come of the same operation.
    /// </summary>
    public bool Next(out ulong whom, out int result, out bool more)
    {
        var head = *completeHead;
        if (head == Volatile.Read(ref *completeTail))
        {
            (whom, result, more) = (0, 0, false);
            return false;
        }

        var entry = completions + (nint)(head & (CompletionEntries - 1)) * CompletionSize;
        whom = *(ulong*)entry;
        result = *(int*)(entry + 8);
        more = (*(uint*)(entry + 12) & 2) != 0;
        Volatile.Write(ref *completeHead, head + 1);
        return true;
    }

    /// <summary>Lets go of the descriptors of what is under way; the mappings stay until the process ends.</summary>
    public void Close() => _ = Infrastructure.Linux.Libc.close(fd);

    private void Enter(uint wait)
    {
        var taken = Kernel.UringEnter(fd, queued, wait, IORING_ENTER_GETEVENTS);
        if (taken > 0)
            queued -= (uint)taken;
    }
}
