using Bal.Domain.Backend;
using Bal.Domain.Messages;
using Bal.Infrastructure.Linux;
using LanguageExt;

namespace Bal.Infrastructure.DataPlane;

/// <summary>Where a process counts the open connections of a service.</summary>
/// <param name="Service">Which service.</param>
/// <param name="Name">Its name; empty where the process no longer serves it.</param>
/// <param name="Slot">Its slot in <see cref="OpenCounts"/>.</param>
internal sealed record ServiceSlot(ServiceId Service, string Name, int Slot);

/// <summary>
/// The number of open connections of each service, in memory that a process which takes over can read: what the
/// replaced one still has open counts for the limit, to the last connection, without a message. The file grows with the
/// services; while they are few it has the size that 0.1.0 knows, and fits into one page, so that a limit on file
/// sizes, which memfd_create(2) obeys, is met only where next to nothing can be written.
/// </summary>
internal sealed unsafe class OpenCounts : IDisposable
{
    /// <summary>
    /// The most slots: some thirty times as many as a configuration can have services, because removed services keep
    /// theirs until their last connection ends.
    /// </summary>
    public const int MaxSlots = 65_536;

    /// <summary>
    /// What a client adds to a count while it has yet to say which service it wants; an admitted one adds 1. So both
    /// numbers change at once, and a process that knows no such clients reads the count of the others.
    /// </summary>
    public const long Greeting = 1L << 32;

    private const int FewSlots = 32;
    private const int Stride = 64;

    // Pages beyond the end of the file may be mapped, and be used once it has grown (mmap(2)).
    private readonly byte* counts;
    private readonly int mapped;
    private int slots;

    private OpenCounts(int fd, byte* counts, int slots, int mapped)
    {
        Fd = fd;
        this.counts = counts;
        this.slots = slots;
        this.mapped = mapped;
    }

    /// <summary>To be passed on; -1 where this memory cannot be.</summary>
    public int Fd { get; }

    /// <summary>Counts of this process, all zero; why not, where the system refuses the memory.</summary>
    public static Either<Problem, OpenCounts> Create()
    {
        var fd = SharedMemory.Create("bal-open", FewSlots * Stride);
        if (fd < 0)
            return OfThisProcessAlone(Errno.Last);
        var counts = SharedMemory.Map(fd, MaxSlots * Stride, writable: true);
        if (counts != null)
            return new OpenCounts(fd, counts, FewSlots, MaxSlots);
        var errno = Errno.Last;
        _ = Libc.close(fd);
        return Refused(FewSlots, errno);
    }

    /// <summary>
    /// Counts of another process; the descriptor is this object's from now on. Null where it is something else.
    /// </summary>
    public static OpenCounts? Of(int fd)
    {
        var bytes = Libc.EndOf(fd);
        if (bytes is < FewSlots * Stride or > MaxSlots * Stride || bytes % Stride != 0)
            return null;
        var counts = SharedMemory.Map(fd, bytes, writable: false);
        var slots = (int)(bytes / Stride);
        return counts == null ? null : new OpenCounts(fd, counts, slots, slots);
    }

    /// <summary>Makes room for so many slots.</summary>
    public Either<Problem, Unit> Grow(int wanted)
    {
        if (wanted <= slots)
            return Unit.Default;
        if (wanted > MaxSlots)
            return TooManyRemoved;
        var more = Math.Min(MaxSlots, (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)wanted));
        if (Libc.ftruncate(Fd, (long)more * Stride) != 0)
            return Refused(more, Errno.Last);
        slots = more;
        return Unit.Default;
    }

    /// <summary>
    /// Gives back what slots beyond <paramref name="used"/> took; only while no other process reads them.
    /// </summary>
    public void Shrink(int used)
    {
        if (Fd >= 0 && used <= FewSlots && slots > FewSlots && Libc.ftruncate(Fd, FewSlots * Stride) == 0)
            slots = FewSlots;
    }

    /// <summary>Whether there is such a slot.</summary>
    public bool Has(int slot) => slot >= 0 && slot < slots;

    /// <summary>The count in a slot.</summary>
    public long* At(int slot) => Has(slot)
        ? (long*)(counts + (long)slot * Stride)
        : throw new ArgumentOutOfRangeException(nameof(slot), $"there are {slots} slots");

    /// <summary>What is open now.</summary>
    public long Read(int slot) => Has(slot) ? Math.Max(0, Total(Volatile.Read(ref *At(slot)))) : 0;

    /// <summary>The admitted clients of a count.</summary>
    public static int Admitted(long count) => (int)count;

    /// <summary>Those that have yet to say which service they want.</summary>
    public static int Undecided(long count) => (int)(count >> 32);

    /// <summary>All clients of a count.</summary>
    public static int Total(long count) => Admitted(count) + Undecided(count);

    public void Dispose()
    {
        SharedMemory.Unmap(counts, (long)mapped * Stride);
        if (Fd >= 0)
            _ = Libc.close(Fd);
    }

    // Without a descriptor no process can take over, and nothing else is lost.
    private static Either<Problem, OpenCounts> OfThisProcessAlone(int errno)
    {
        if (!Facilities.MeansRefused(errno))
            return Refused(FewSlots, errno);
        var counts = SharedMemory.MapOwn(MaxSlots * Stride);
        if (counts == null)
            return Refused(FewSlots, errno);
        Facilities.Refused(Facility.SharedMemory, errno);
        return new OpenCounts(-1, counts, MaxSlots, MaxSlots);
    }

    private static Problem TooManyRemoved => new(
        "too_many_removed_services",
        $"more than {MaxSlots} services would be configured or still have connections",
        "reloads have removed many services whose connections are still open",
        "wait until connections of removed services have ended ('bal status'), then run 'bal graceful' again");

    // Such memory is a file to the kernel, without a name or a disk, and the limits on files hold for it.
    private static Problem Refused(int slots, int errno) => errno == Errno.EFBIG
        ? new(
            "file_size_limit_too_low",
            $"memory of {slots * Stride} bytes for the counts of connections was refused: {Errno.Text(errno)}",
            "a limit on the size of files: 'ulimit -f' in the shell, or LimitFSIZE= in the systemd unit",
            "raise it ('ulimit -f unlimited', or LimitFSIZE=infinity), then start bal again")
        : new(
            "shared_memory_failed",
            $"memory of {slots * Stride} bytes for the counts of connections was refused: {Errno.Text(errno)}",
            errno is Errno.EMFILE or Errno.ENFILE
                ? "a limit on open files is reached: that of this process ('ulimit -n'), or the machine's (fs.file-max)"
                : "the machine is out of memory, or the limit of a container or a sandbox forbids memfd_create(2)",
            "run 'bal doctor', raise the limit that the reason names, then start bal again");
}
