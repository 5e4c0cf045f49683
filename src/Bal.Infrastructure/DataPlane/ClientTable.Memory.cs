using System.Runtime.InteropServices;
using Bal.Domain.Admission;
using Bal.Domain.Messages;
using Bal.Domain.Upgrade;
using Bal.Infrastructure.Linux;
using LanguageExt;

namespace Bal.Infrastructure.DataPlane;

/// <summary>The memory of a table of clients, and whose it is.</summary>
internal sealed unsafe partial class ClientTable
{
    /// <summary>The most processes of one bal: those that drain, and the one that serves.</summary>
    public const int MaxColumns = UpgradeMachine.MaxDraining + 1;

    // Another version whose memory looks otherwise takes another number.
    private const long Layout = 0x6261_6c63_0000_0001;
    private const int Page = 4_096;

    private readonly Header* header;
    private readonly uint* heads;
    private readonly Entry* entries;
    private readonly int capacity;
    private readonly uint mask;
    private readonly SipHash hash;
    private int column = -1;

    private ClientTable(int fd, byte* memory, int capacity)
    {
        Fd = fd;
        this.capacity = capacity;
        header = (Header*)memory;
        mask = HeadsFor(capacity) - 1;
        heads = (uint*)(memory + Page);
        entries = (Entry*)((byte*)heads + Pages(HeadsFor(capacity) * sizeof(uint)));
        if (header->Layout == 0)
        {
            (header->First, header->Second) = Seed.OfHash();
            header->Capacity = capacity;
            header->Layout = Layout;
        }

        hash = new SipHash(header->First, header->Second);
    }

    /// <summary>To be passed on; -1 where this memory cannot be.</summary>
    public int Fd { get; }

    /// <summary>A table that knows nobody; why not, where the system refuses the memory.</summary>
    /// <param name="capacity">How many clients it tells apart.</param>
    public static Either<Problem, ClientTable> Create(int capacity = ClientLimits.MaxKnown)
    {
        // Pages that nobody has touched take no memory.
        var fd = SharedMemory.Create("bal-clients", BytesFor(capacity));
        if (fd < 0)
            return OfThisProcessAlone(capacity, Errno.Last);
        var memory = SharedMemory.Map(fd, BytesFor(capacity), writable: true);
        if (memory != null)
            return new ClientTable(fd, memory, capacity);
        var errno = Errno.Last;
        _ = Libc.close(fd);
        return Refused(capacity, errno);
    }

    /// <summary>
    /// The table that another process has begun; the descriptor is this object's from now on. Null where it is
    /// something else, or of a version that does it otherwise.
    /// </summary>
    public static ClientTable? Of(int fd, int capacity = ClientLimits.MaxKnown)
    {
        var memory = Libc.EndOf(fd) == BytesFor(capacity)
            ? SharedMemory.Map(fd, BytesFor(capacity), writable: true) : null;
        if (memory != null && ((Header*)memory)->Layout == Layout && ((Header*)memory)->Capacity == capacity)
            return new ClientTable(fd, memory, capacity);
        if (memory != null)
            SharedMemory.Unmap(memory, BytesFor(capacity));
        _ = Libc.close(fd);
        return null;
    }

    /// <summary>
    /// From now on this process counts here; before, it must not. No process that is alive may have this column.
    /// </summary>
    public void Join(int number)
    {
        column = number;
        // What had the column before may have been killed, and nobody has noticed yet.
        if ((Volatile.Read(ref header->Columns) & (1L << column)) != 0)
            Clear(column);
        // Or in the middle of something.
        if (Volatile.Read(ref header->Lock) == column + 1)
        {
            Repair();
            Volatile.Write(ref header->Lock, 0);
        }

        Interlocked.Or(ref header->Columns, 1L << column);
    }

    /// <summary>
    /// Forgets what processes have open that are no longer alive, and puts right what one of them was about to do.
    /// </summary>
    /// <param name="living">The columns of those that are.</param>
    public void Retain(IEnumerable<int> living)
    {
        var kept = living.Aggregate(1L << column, (all, one) => one < 0 ? all : all | (1L << one));
        var gone = Volatile.Read(ref header->Columns) & ~kept;
        for (var other = 0; other < MaxColumns; other++)
        {
            if ((gone & (1L << other)) != 0)
                Clear(other);
        }

        // What has no bit is all zero.
        Interlocked.And(ref header->Columns, kept);
        var holder = Volatile.Read(ref header->Lock);
        if (holder == 0 || (kept & (1L << (holder - 1))) != 0
            || Interlocked.CompareExchange(ref header->Lock, column + 1, holder) != holder)
            return;
        Repair();
        Volatile.Write(ref header->Lock, 0);
    }

    /// <summary>
    /// Leaves everything as a process does that is killed while it is about to forget a client, for tests.
    /// </summary>
    internal void DieWithTheLock(int marked)
    {
        Volatile.Write(ref header->Lock, column + 1);
        Volatile.Write(ref entries[marked].Marked, 1);
        Volatile.Write(ref *HeadOf(entries[marked].Client), entries[marked].Next);
    }

    public void Dispose()
    {
        SharedMemory.Unmap((byte*)header, BytesFor(capacity));
        if (Fd >= 0)
            _ = Libc.close(Fd);
    }

    private void Clear(int number)
    {
        for (var entry = 0; entry < Volatile.Read(ref header->Used); entry++)
            Volatile.Write(ref entries[entry].Open[number], 0);
        Volatile.Write(ref entries[Shared].Open[number], 0);
    }

    // Whatever the one that had the lock was about to do: each entry has a client, and that is all there is to know.
    private void Repair()
    {
        for (var i = 0U; i <= mask; i++)
            Volatile.Write(ref heads[i], 0);
        for (var entry = 0; entry < Volatile.Read(ref header->Used); entry++)
        {
            Volatile.Write(ref entries[entry].Marked, 0);
            Link(entry);
        }
    }

    // Without a descriptor no process can take over, and nothing else is lost.
    private static Either<Problem, ClientTable> OfThisProcessAlone(int capacity, int errno)
    {
        var memory = Facilities.MeansRefused(errno) ? SharedMemory.MapOwn(BytesFor(capacity)) : null;
        if (memory == null)
            return Refused(capacity, errno);
        Facilities.Refused(Facility.SharedMemory, errno);
        return new ClientTable(-1, memory, capacity);
    }

    private static Problem Refused(int capacity, int errno) => new(
        errno == Errno.EFBIG ? "file_size_limit_too_low" : "shared_memory_failed",
        $"memory of {BytesFor(capacity) >> 20} MiB for the limits per client was refused: {Errno.Text(errno)}",
        errno == Errno.EFBIG
            ? "a limit on the size of files: 'ulimit -f' in the shell, or LimitFSIZE= in the systemd unit"
            : errno is Errno.EMFILE or Errno.ENFILE
                ? "a limit on open files is reached: that of this process ('ulimit -n'), or the machine's (fs.file-max)"
                : "the machine is out of memory, or the limit of a container or a sandbox forbids memfd_create(2)",
        "raise the limit that the reason names, or remove max_connections_per_client and "
            + "max_connection_rate_per_client");

    private static long Pages(long bytes) => (bytes + Page - 1) / Page * Page;

    private static uint HeadsFor(int capacity) => System.Numerics.BitOperations.RoundUpToPowerOf2((uint)capacity);

    // One more, for those who are not told apart.
    private static long EntryBytesFor(int capacity) => Pages((capacity + 1L) * sizeof(Entry));

    private static long BytesFor(int capacity) => Page + Pages(HeadsFor(capacity) * (long)sizeof(uint))
        + EntryBytesFor(capacity);

    [StructLayout(LayoutKind.Explicit, Size = Page)]
    private struct Header
    {
        [FieldOffset(0)]
        public long Layout;

        [FieldOffset(8)]
        public int Capacity;

        /// <summary>The key of the hash, which differs from start to start.</summary>
        [FieldOffset(16)]
        public ulong First;

        [FieldOffset(24)]
        public ulong Second;

        /// <summary>A bit for each process that counts here, or has and was killed.</summary>
        [FieldOffset(64)]
        public long Columns;

        /// <summary>Who changes what is known: the column of the process and 1; 0 for nobody.</summary>
        [FieldOffset(128)]
        public int Lock;

        /// <summary>How many entries have ever been used.</summary>
        [FieldOffset(132)]
        public int Used;

        /// <summary>The entry that was last looked at for somebody to forget.</summary>
        [FieldOffset(136)]
        public int Hand;

        /// <summary>When a client last could not be told apart, in monotonic milliseconds; 0 for never.</summary>
        [FieldOffset(192)]
        public long SharedAt;
    }

    // All of it on one cache line, since nothing of it is in the cache when a client comes.
    [StructLayout(LayoutKind.Sequential, Size = 64)]
    private struct Entry
    {
        /// <summary>See <see cref="ClientKey"/>.</summary>
        public ulong Client;

        /// <summary>See <see cref="ConnectionRate"/>.</summary>
        public long FullAt;

        /// <summary>The next entry of the same place of the hash table, and 1; 0 for none.</summary>
        public uint Next;

        /// <summary>Not 0 while somebody who has the lock is about to give it to another client.</summary>
        public int Marked;

        /// <summary>The connections that each process has, by its column.</summary>
        public fixed int Open[MaxColumns];
    }
}
