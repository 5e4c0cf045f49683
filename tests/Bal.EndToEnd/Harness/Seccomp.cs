using System.Runtime.InteropServices;

namespace Bal.EndToEnd.Harness;

/// <summary>A system call that is refused, where its arguments are these (the lower halves of them).</summary>
internal sealed record Refusal(string Call, int Error, params (int Argument, uint Value, bool Equal)[] Where)
{
    public static Refusal Of(string call, int error, params (int Argument, uint Value)[] where) =>
        new(call, error, [.. where.Select(w => (w.Argument, w.Value, true))]);
}

/// <summary>
/// Starts a program whose kernel refuses some system calls: a seccomp(2) filter, installed before exec by a few lines
/// of Python, since a process of .NET cannot install one for a child alone.
/// </summary>
internal static class Seccomp
{
    private const ushort LoadWord = 0x20;
    private const ushort JumpIfEqual = 0x15;
    private const ushort Return = 0x06;
    private const uint Allow = 0x7fff0000;
    private const uint RefuseWith = 0x00050000;

    private const string Launcher = """
        import ctypes, os, sys
        program = bytes.fromhex(sys.argv[1])
        class Program(ctypes.Structure):
            _fields_ = [("count", ctypes.c_ushort), ("first", ctypes.c_char_p)]
        libc = ctypes.CDLL(None)
        assert libc.prctl(38, 1, 0, 0, 0) == 0
        assert libc.prctl(22, 2, ctypes.byref(Program(len(program) // 8, program)), 0, 0) == 0
        os.execv(sys.argv[2], sys.argv[2:])
        """;

    // asm/unistd_64.h and asm-generic/unistd.h.
    private static readonly Dictionary<string, (uint X64, uint Arm64)> Numbers = new()
    {
        ["accept4"] = (288, 242),
        ["clone3"] = (435, 435),
        ["close_range"] = (436, 436),
        ["epoll_create1"] = (291, 20),
        ["epoll_ctl"] = (233, 21),
        ["epoll_wait"] = (232, 22),
        ["eventfd2"] = (290, 19),
        ["fcntl"] = (72, 25),
        ["getrandom"] = (318, 278),
        ["getsockopt"] = (55, 209),
        ["inotify_add_watch"] = (254, 27),
        ["inotify_init1"] = (294, 26),
        ["ioctl"] = (16, 29),
        ["madvise"] = (28, 233),
        ["membarrier"] = (324, 283),
        ["memfd_create"] = (319, 279),
        ["pidfd_open"] = (434, 434),
        ["pidfd_send_signal"] = (424, 424),
        ["pipe2"] = (293, 59),
        ["prlimit64"] = (302, 261),
        ["rseq"] = (334, 293),
        ["sched_getaffinity"] = (204, 123),
        ["sendmsg"] = (46, 211),
        ["set_robust_list"] = (273, 99),
        ["setsockopt"] = (54, 208),
        ["signalfd4"] = (289, 74),
        ["socket"] = (41, 198),
        ["socketpair"] = (53, 199),
        ["splice"] = (275, 76),
        ["statx"] = (332, 291),
    };

    /// <summary>The arguments of <c>/usr/bin/python3</c> that start <c>$BAL start</c> so.</summary>
    public static Command Start(BalInstance bal, IReadOnlyList<Refusal> refusals)
    {
        File.WriteAllText(Path.Combine(bal.Home, "deny.py"), Launcher);
        var program = Convert.ToHexString([.. Filter(refusals).SelectMany(Bytes)]);
        return bal.ShellInBackground($"exec /usr/bin/python3 \"$BAL_HOME/deny.py\" {program} \"$BAL\" start");
    }

    // struct sock_filter, and struct seccomp_data: the number at 0, the arguments from 16 on.
    private static List<(ushort Code, byte True, byte False, uint Operand)> Filter(IEnumerable<Refusal> refusals)
    {
        var program = new List<(ushort, byte, byte, uint)>();
        foreach (var refusal in refusals)
        {
            var left = 2 * refusal.Where.Length + 1;
            program.Add((LoadWord, 0, 0, 0));
            program.Add((JumpIfEqual, 0, (byte)left, NumberOf(refusal.Call)));
            foreach (var (argument, value, equal) in refusal.Where)
            {
                left -= 2;
                program.Add((LoadWord, 0, 0, (uint)(16 + 8 * argument)));
                program.Add((JumpIfEqual, (byte)(equal ? 0 : left), (byte)(equal ? left : 0), value));
            }

            program.Add((Return, 0, 0, RefuseWith | (uint)refusal.Error));
        }

        program.Add((Return, 0, 0, Allow));
        return program;
    }

    private static byte[] Bytes((ushort Code, byte True, byte False, uint Operand) step) =>
        [.. BitConverter.GetBytes(step.Code), step.True, step.False, .. BitConverter.GetBytes(step.Operand)];

    private static uint NumberOf(string call) => RuntimeInformation.ProcessArchitecture == Architecture.X64
        ? Numbers[call].X64
        : Numbers[call].Arm64;
}
