using System.Runtime.InteropServices;

namespace Bal.EndToEnd.Harness;

/// <summary>Signals by process id; <see cref="System.Diagnostics.Process"/> only knows SIGKILL.</summary>
internal static partial class Posix
{
    public const int HangUp = 1;
    public const int Interrupt = 2;
    public const int Kill = 9;
    public const int Usr1 = 10;
    public const int Usr2 = 12;
    public const int Terminate = 15;
    public const int Continue = 18;
    public const int Stop = 19;

    public static bool IsRoot => geteuid() == 0;

    public static void Signal(int pid, int signal)
    {
        Assert.True(pid > 1, $"pid {pid} is not one process");
        Assert.Equal(0, kill(pid, signal));
    }

    /// <summary>SIGKILL to a process that may have ended meanwhile.</summary>
    public static void KillIfThere(int pid) => _ = SignalIfThere(pid, Kill);

    /// <summary>A signal to a process that may have ended meanwhile; whether it was there.</summary>
    public static bool SignalIfThere(int pid, int signal)
    {
        Assert.True(pid > 1, $"pid {pid} is not one process");
        return kill(pid, signal) == 0;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int kill(int pid, int signal);

    [LibraryImport("libc")]
    private static partial uint geteuid();
}
