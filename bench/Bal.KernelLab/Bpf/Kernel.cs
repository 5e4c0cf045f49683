using System.Runtime.InteropServices;

namespace Bal.KernelLab.Bpf;

/// <summary>
/// The calls that only the lab makes: bpf(2), io_uring(7) and mmap(2), none of which libc wraps for us.
/// </summary>
internal static unsafe class Kernel
{
    public const int PROT_READ = 1;
    public const int PROT_WRITE = 2;
    public const int MAP_SHARED = 1;
    public const int MAP_POPULATE = 0x8000;

    // Both numbers are those of x64; the lab runs nowhere else.
    private const long SYS_bpf = 321;
    private const long SYS_io_uring_setup = 425;
    private const long SYS_io_uring_enter = 426;

    /// <summary>mmap(2) at an address of the kernel's choice; throws where it fails.</summary>
    public static byte* Map(int fd, nuint length, int protection, long offset)
    {
        var address = mmap(null, length, protection, MAP_SHARED | MAP_POPULATE, fd, offset);
        return address != (void*)-1 ? (byte*)address : throw Failure("mmap");
    }

    /// <summary>bpf(2); throws where it fails and <paramref name="what"/> is given.</summary>
    public static int Bpf(int command, void* attributes, uint size, string? what)
    {
        var result = (int)syscall(SYS_bpf, command, (nint)attributes, (nint)size, 0, 0, 0);
        return result >= 0 || what == null ? result : throw Failure(what);
    }

    public static int UringSetup(uint entries, void* parameters)
    {
        var fd = (int)syscall(SYS_io_uring_setup, (nint)entries, (nint)parameters, 0, 0, 0, 0);
        return fd >= 0 ? fd : throw Failure("io_uring_setup");
    }

    public static int UringEnter(int ring, uint submit, uint wait, uint flags) =>
        (int)syscall(SYS_io_uring_enter, ring, (nint)submit, (nint)wait, (nint)flags, 0, 0);

    private static InvalidOperationException Failure(string what)
    {
        var error = Infrastructure.Linux.Sockets.LastError;
        return new($"{what}: {Infrastructure.Linux.Errno.Text(error)} (errno {error}); the lab needs root");
    }

    [DllImport("libc")]
    private static extern long syscall(long number, nint a, nint b, nint c, nint d, nint e, nint f);

    [DllImport("libc")]
    private static extern void* mmap(void* address, nuint length, int protection, int flags, int fd, long offset);
}
