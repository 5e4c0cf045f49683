using Bal.Domain.Doctor;
using Bal.Domain.Messages;
using Bal.Infrastructure.Linux;
using LanguageExt;

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

    /// <summary>Counts of this process, all zero; why not, where the system refuses the memory.</summary>
    public static Either<Problem, OpenCounts> Create()
    {
        var fd = SharedMemory.Create("bal-open", Bytes);
        if (fd < 0)
            return Refused(Errno.Last);
        var counts = SharedMemory.Map(fd, Bytes, writable: true);
        if (counts != null)
            return new OpenCounts(fd, counts);
        var errno = Errno.Last;
        _ = Libc.close(fd);
        return Refused(errno);
    }

    // Such memory is a file to the kernel, without a name or a disk, and the limits on files hold for it.
    private static Problem Refused(int errno) => errno == Errno.EFBIG
        ? new(
            "file_size_limit_too_low",
            $"memory of {Bytes} bytes for the counts of connections was refused: {Errno.Text(errno)}",
            "a limit on the size of files: 'ulimit -f' in the shell, or LimitFSIZE= in the systemd unit",
            "raise it ('ulimit -f unlimited', or LimitFSIZE=infinity), then start bal again")
        : new(
            "shared_memory_failed",
            $"memory of {Bytes} bytes for the counts of connections was refused: {Errno.Text(errno)}",
            errno is Errno.EMFILE or Errno.ENFILE
                ? "a limit on open files is reached: that of this process ('ulimit -n'), or the machine's (fs.file-max)"
                : "the machine is out of memory, or the limit of a container or a sandbox forbids memfd_create(2)",
            "run 'bal doctor', raise the limit that the reason names, then start bal again");

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
