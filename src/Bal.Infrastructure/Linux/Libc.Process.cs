using System.Runtime.InteropServices;
using Bal.Domain.Messages;

namespace Bal.Infrastructure.Linux;

/// <summary>
/// Files, locks, processes and limits; names and meanings are those of the manual pages, section 2 and 3.
/// </summary>
internal static unsafe partial class Libc
{
    internal const int O_RDONLY = 0;
    internal const int O_WRONLY = 1;
    internal const int O_RDWR = 2;
    internal const int O_CREAT = 0x40;
    internal const int O_EXCL = 0x80;
    internal const int O_APPEND = 0x400;
    internal const int O_NONBLOCK = 0x800;
    internal const int O_CLOEXEC = 0x80000;

    internal const int F_GETFD = 1;
    internal const int F_SETFD = 2;
    internal const int F_GETFL = 3;
    internal const int F_SETFL = 4;
    internal const int F_DUPFD_CLOEXEC = 1030;
    internal const int F_SETPIPE_SZ = 1031;
    internal const int F_GETPIPE_SZ = 1032;
    internal const int FD_CLOEXEC = 1;
    internal const short POLLIN = 1;
    internal const short POLLOUT = 4;
    internal const int SIGHUP = 1;
    internal const int SIGINT = 2;
    internal const int SIGKILL = 9;
    internal const int SIGUSR1 = 10;
    internal const int SIGUSR2 = 12;
    internal const int SIGPIPE = 13;
    internal const int SIGXFSZ = 25;
    internal const int SIGTERM = 15;
    internal const int WNOHANG = 1;

    private const int SeekEnd = 2;
    private const int SigDfl = 0;
    private const int SigIgn = 1;
    private const int RLimitNoFile = 7;
    private const int CloseRangeCloexec = 4;
    private const long PidfdSendSignal = 424;
    private const long PidfdOpen = 434;
    private const long CloseRange = 436;

    /// <summary>O_NOFOLLOW differs between architectures (asm/fcntl.h).</summary>
    internal static int O_NOFOLLOW => RuntimeInformation.ProcessArchitecture is Architecture.Arm64 ? 0x8000 : 0x20000;

    [StructLayout(LayoutKind.Sequential)]
    internal struct PollFd
    {
        internal int Fd;
        internal short Events;
        internal short Revents;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct RLimit
    {
        internal ulong Soft;
        internal ulong Hard;
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int open(string path, int flags, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int close(int fd);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial nint read(int fd, byte* buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial nint write(int fd, byte* buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int fcntl(int fd, int command, nint argument);

    [LibraryImport("libc", SetLastError = true)]
    internal static unsafe partial nint pread(int fd, byte* into, nuint count, long offset);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int rename(string from, string to);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int fsync(int fd);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int ftruncate(int fd, long length);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int fchmod(int fd, uint mode);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int chmod(string path, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial long lseek(int fd, long offset, int whence);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int unlink(string path);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int mkdir(string path, uint mode);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int chdir(string path);

    [LibraryImport("libc")]
    internal static partial uint geteuid();

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int poll(PollFd* fds, nuint count, int timeoutMs);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int pipe2(int* fds, int flags);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int waitpid(int pid, int* status, int options);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int kill(int pid, int signal);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint signal(int number, nint handler);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int sigaction(int number, byte* action, byte* former);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial long Syscall(long number, nint a, nint b, nint c, nint d);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int getrlimit(int resource, RLimit* limit);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setrlimit(int resource, RLimit* limit);

    /// <summary>
    /// pidfd_open(2): a descriptor that means this very process, whoever gets its number later; -1 and errno.
    /// </summary>
    internal static int OpenPidfd(int pid) => (int)Syscall(PidfdOpen, pid, 0, 0, 0);

    /// <summary>pidfd_send_signal(2); 0, or -1 and errno.</summary>
    internal static int SignalPidfd(int pidfd, int number) => (int)Syscall(PidfdSendSignal, pidfd, number, 0, 0);

    /// <summary>Marks every descriptor above the standard three close-on-exec (close_range(2), Linux 5.11).</summary>
    internal static void KeepDescriptorsFromChildren() =>
        _ = Syscall(CloseRange, 3, unchecked((nint)uint.MaxValue), CloseRangeCloexec, 0);

    /// <summary>The size of the file behind <paramref name="fd"/>; -1 for what has none, such as a pipe.</summary>
    internal static long EndOf(int fd) => lseek(fd, 0, SeekEnd);

    /// <summary>Makes a write to a closed pipe or socket an error (EPIPE) instead of the end of the process.</summary>
    internal static void IgnoreSigpipe() => _ = signal(SIGPIPE, SigIgn);

    /// <summary>Gives a signal its default meaning again where it is ignored, as nohup(1) has SIGHUP ignored.</summary>
    internal static void HeedSignal(int number)
    {
        // Larger than the struct of glibc and musl on 64-bit machines (152); its first member is the handler.
        const int OpaqueSize = 256;
        var action = stackalloc byte[OpaqueSize];
        if (sigaction(number, null, action) == 0 && *(nint*)action == SigIgn)
            _ = signal(number, SigDfl);
    }

    /// <summary>Makes a write beyond RLIMIT_FSIZE an error (EFBIG) instead of the end of the process.</summary>
    internal static void IgnoreFileSizeSignal() => _ = signal(SIGXFSZ, SigIgn);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int isatty(int fd);

    /// <summary>
    /// Fills standard descriptors that the caller has closed with /dev/null, so that no file or socket opened later
    /// gets one of their numbers and then the output meant for a terminal.
    /// </summary>
    internal static void FillStandardDescriptors()
    {
        for (var fd = 0; fd <= 2; fd++)
            if (fcntl(fd, F_GETFD, 0) < 0 && Errno.Last == Errno.EBADF)
                _ = open(NullDevice, O_RDWR, 0) >= 0 ? 0 : open(InPlaceOfNull, O_RDONLY, 0);
    }

    /// <summary>
    /// What stands for /dev/null where there is none: reading a directory is an error, and so is writing to what is
    /// open for reading, so that neither ever waits.
    /// </summary>
    internal const string InPlaceOfNull = "/";

    internal const string NullDevice = "/dev/null";

    /// <summary>Raises the soft RLIMIT_NOFILE to the hard one (setrlimit(2)).</summary>
    /// <returns>The soft limit in force afterwards; -1 if it cannot be read, <see cref="long.MaxValue"/> if
    /// unlimited.</returns>
    internal static long RaiseDescriptorLimit()
    {
        RLimit limit;
        if (getrlimit(RLimitNoFile, &limit) != 0)
        {
            Facilities.Refused(Facility.DescriptorLimit, Errno.Last);
            return -1;
        }

        var before = limit.Soft;
        limit.Soft = limit.Hard;
        var now = before == limit.Hard || setrlimit(RLimitNoFile, &limit) == 0 ? limit.Hard : before;
        return now > long.MaxValue ? long.MaxValue : (long)now;
    }

    /// <summary>Waits for an event on one descriptor, going on after interruptions; negative waits for ever.</summary>
    /// <returns>Whether an event (an error and a hang-up are events) came in time.</returns>
    internal static bool WaitFor(int fd, short events, long timeoutMs)
    {
        var deadline = timeoutMs < 0 ? long.MaxValue : Environment.TickCount64 + timeoutMs;
        while (true)
        {
            var left = timeoutMs < 0 ? -1 : Math.Clamp(deadline - Environment.TickCount64, 0, int.MaxValue);
            var entry = new PollFd { Fd = fd, Events = events };
            var ready = poll(&entry, 1, (int)left);
            if (ready > 0) return true;
            if (ready == 0 || Errno.Last != Errno.EINTR) return false;
        }
    }
}
