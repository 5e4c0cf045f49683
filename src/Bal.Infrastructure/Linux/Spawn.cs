using System.Runtime.InteropServices;
using System.Text;

namespace Bal.Infrastructure.Linux;

/// <summary>
/// posix_spawn(3) with default signal handlers and nothing blocked; as a daemon the child owes nothing to its parent's
/// terminal: a session of its own, standard streams on /dev/null. A running CLR must not fork.
/// </summary>
internal static unsafe partial class Spawn
{
    private const short SetSigMask = 0x08;
    private const short SetSigDef = 0x04;
    private const short SetSid = 0x80;

    // Larger than glibc's and musl's posix_spawnattr_t (336), file actions (80) and sigset_t (128) on 64-bit machines.
    private const int OpaqueSize = 1024;

    // Every signal that a shell, nohup or a supervisor may have left ignored.
    private static ReadOnlySpan<int> ResetSignals => [1, 2, 3, 10, 12, 13, 14, 15, 17, 18, 20, 21, 22, 28];

    /// <summary>Starts <paramref name="path"/>; the child finds <paramref name="inherited"/> as descriptor 3.</summary>
    /// <param name="path">The program.</param>
    /// <param name="arguments">The arguments, the program's own name first.</param>
    /// <param name="environment">Entries of the form <c>NAME=value</c>.</param>
    /// <param name="inherited">The only descriptor beyond the standard ones that is passed on.</param>
    /// <param name="detached">As a daemon; otherwise with the session and the standard streams of this process.</param>
    /// <param name="pid">The child's process id.</param>
    /// <returns>0, or an errno.</returns>
    internal static int Start(
        string path,
        IReadOnlyList<string> arguments,
        IReadOnlyList<string> environment,
        int inherited,
        bool detached,
        out int pid)
    {
        byte* actions = stackalloc byte[OpaqueSize];
        byte* attributes = stackalloc byte[OpaqueSize];
        byte* signals = stackalloc byte[OpaqueSize];
        var argv = Strings(arguments);
        var envp = Strings(environment);
        pid = 0;
        _ = posix_spawn_file_actions_init(actions);
        _ = posix_spawnattr_init(attributes);
        try
        {
            if (detached)
            {
                var (nowhere, flags) = AccessCheck.MayWriteFile(Libc.NullDevice)
                    ? (Libc.NullDevice, Libc.O_RDWR)
                    : (Libc.InPlaceOfNull, Libc.O_RDONLY);
                for (var stream = 0; stream <= 2; stream++)
                    _ = posix_spawn_file_actions_addopen(actions, stream, nowhere, flags, 0);
            }

            _ = posix_spawn_file_actions_adddup2(actions, inherited, 3);
            _ = sigemptyset(signals);
            _ = posix_spawnattr_setsigmask(attributes, signals);
            foreach (var signal in ResetSignals) _ = sigaddset(signals, signal);
            _ = posix_spawnattr_setsigdefault(attributes, signals);
            _ = posix_spawnattr_setflags(attributes, (short)((detached ? SetSid : 0) | SetSigDef | SetSigMask));
            Libc.KeepDescriptorsFromChildren();
            fixed (int* child = &pid) return posix_spawn(child, path, actions, attributes, argv, envp);
        }
        finally
        {
            _ = posix_spawn_file_actions_destroy(actions);
            _ = posix_spawnattr_destroy(attributes);
            Free(argv);
            Free(envp);
        }
    }

    private static byte** Strings(IReadOnlyList<string> values)
    {
        var list = (byte**)NativeMemory.Alloc((nuint)(values.Count + 1), (nuint)sizeof(byte*));
        for (var i = 0; i < values.Count; i++)
        {
            var length = Encoding.UTF8.GetByteCount(values[i]);
            list[i] = (byte*)NativeMemory.Alloc((nuint)length + 1);
            Encoding.UTF8.GetBytes(values[i], new Span<byte>(list[i], length));
            list[i][length] = 0;
        }
        list[values.Count] = null;
        return list;
    }

    private static void Free(byte** list)
    {
        for (var entry = list; *entry != null; entry++) NativeMemory.Free(*entry);
        NativeMemory.Free(list);
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int posix_spawn(
        int* pid, string path, byte* actions, byte* attributes, byte** argv, byte** envp);

    [LibraryImport("libc")]
    private static partial int posix_spawn_file_actions_init(byte* actions);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int posix_spawn_file_actions_addopen(
        byte* actions, int fd, string path, int flags, uint mode);

    [LibraryImport("libc")]
    private static partial int posix_spawn_file_actions_adddup2(byte* actions, int fd, int target);

    [LibraryImport("libc")]
    private static partial int posix_spawn_file_actions_destroy(byte* actions);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_init(byte* attributes);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_setflags(byte* attributes, short flags);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_setsigdefault(byte* attributes, byte* signals);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_setsigmask(byte* attributes, byte* signals);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_destroy(byte* attributes);

    [LibraryImport("libc")]
    private static partial int sigemptyset(byte* signals);

    [LibraryImport("libc")]
    private static partial int sigaddset(byte* signals, int signal);
}
