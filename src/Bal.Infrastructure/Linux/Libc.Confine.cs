using System.Runtime.InteropServices;

namespace Bal.Infrastructure.Linux;

/// <summary>
/// Takes from this process what it does not need, since it talks to strangers: its user where that is root, new
/// privileges, and the system calls with which it could reach other processes (seccomp(2)).
/// </summary>
internal static unsafe partial class Libc
{
    private const int NobodysId = 65_534;
    private const int SetNoNewPrivileges = 38;
    private const nint SeccompFilter = 1;
    private const nint AllThreads = 1;
    private const ushort Load = 0x20;
    private const ushort JumpIfEqual = 0x15;
    private const ushort JumpIfAtLeast = 0x35;
    private const ushort Return = 0x06;
    private const uint Allow = 0x7fff_0000;
    private const uint Refuse = 0x0005_0000 | Errno.EPERM;
    private const uint OtherAbi = 0x4000_0000;

    // struct sock_filter and sock_fprog of linux/filter.h.
    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Instruction(ushort Code, byte IfTrue, byte IfFalse, uint Value);

    [StructLayout(LayoutKind.Sequential)]
    private struct FilterProgram
    {
        internal ushort Length;
        internal Instruction* First;
    }

    // execve, execveat, ptrace, kill, tkill, connect, bind, process_vm_readv, process_vm_writev, pidfd_send_signal,
    // pidfd_open, pidfd_getfd (asm/unistd.h).
    private static uint[] Refused => RuntimeInformation.ProcessArchitecture is Architecture.Arm64
        ? [221, 281, 117, 129, 130, 203, 200, 270, 271, 424, 434, 438]
        : [59, 322, 101, 62, 200, 42, 49, 310, 311, 424, 434, 438];

    private static bool IsArm => RuntimeInformation.ProcessArchitecture is Architecture.Arm64;

    /// <summary>Confines this process for good; what the kernel does not know is left out.</summary>
    internal static void Confine()
    {
        if (geteuid() == 0)
        {
            _ = setgroups(0, null);
            _ = setgid(NobodysId);
            _ = setuid(NobodysId);
        }

        _ = prctl(SetNoNewPrivileges, 1, 0, 0, 0);
        var refused = Refused;
        Instruction[] filter =
        [
            // Numbers mean something else to other architectures.
            new(Load, 0, 0, 4),
            new(JumpIfEqual, 1, 0, IsArm ? 0xC000_00B7 : 0xC000_003E),
            new(Return, 0, 0, Refuse),
            new(Load, 0, 0, 0),
            new(JumpIfAtLeast, (byte)(refused.Length + 1), 0, OtherAbi),
            .. refused.Select((number, i) => new Instruction(JumpIfEqual, (byte)(refused.Length - i), 0, number)),
            new(Return, 0, 0, Allow),
            new(Return, 0, 0, Refuse),
        ];
        fixed (Instruction* first = filter)
        {
            var program = new FilterProgram { Length = (ushort)filter.Length, First = first };
            _ = Syscall(IsArm ? 277 : 317, SeccompFilter, AllThreads, (nint)(&program), 0);
        }
    }

    [LibraryImport("libc")]
    private static partial int prctl(int option, nint a, nint b, nint c, nint d);

    [LibraryImport("libc")]
    private static partial int setgroups(nuint count, uint* groups);

    [LibraryImport("libc")]
    private static partial int setgid(uint group);

    [LibraryImport("libc")]
    private static partial int setuid(uint user);
}
