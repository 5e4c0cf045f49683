using Bal.Infrastructure.Linux;

namespace Bal.Infrastructure.DataPlane;

/// <summary>
/// The number of open connections of each service, in memory that a process which takes over can read: what the replaced
/// one still has open counts for the limit, to the last connection, without a message.
/// </summary>
internal sealed unsafe class OpenCounts : IDisposable
{
    /// <summary>The most services. They fit into one page, so that a limit on file sizes, which memfd_create(2) obeys, is met
    /// only where next to nothing can be written.</summary>
    public const int Capacity = 32;

    private const int Stride = 64;
    private const long Bytes = Capacity * Stride;

    private readonly byte* counts;

    private OpenCounts(int fd, byte* counts)
    {
        Fd = fd;
        this.counts = counts;
    }

    /// <summary>To be passed on.</summary>
    public int Fd { get; }

    /// <summary>Counts of this process, all zero.</summary>
    public static OpenCounts Create()
    {
        var fd = SharedMemory.Create("bal-open", Bytes);
        var counts = SharedMemory.Map(fd, Bytes, writable: true);
        return counts != null
            ? new OpenCounts(fd, counts)
            : throw new InvalidOperationException($"memfd_create failed: {Errno.Text(Errno.Last)}");
    }

    /// <summary>Counts of another process; the descriptor is this object's from now on. Null where it is none.</summary>
    public static OpenCounts? Of(int fd)
    {
        if (Libc.EndOf(fd) != Bytes)
            return null;
        var counts = SharedMemory.Map(fd, Bytes, writable: false);
        return counts == null ? null : new OpenCounts(fd, counts);
    }

    /// <summary>The count of the service of that index.</summary>
    public long* At(int service) => service < Capacity
        ? (long*)(counts + service * Stride)
        : throw new ArgumentOutOfRangeException(nameof(service), $"there are at most {Capacity} services");

    /// <summary>What is open now.</summary>
    public long Read(int service) => Math.Max(0, Volatile.Read(ref *At(service)));

    public void Dispose()
    {
        SharedMemory.Unmap(counts, Bytes);
        _ = Libc.close(Fd);
    }
}
