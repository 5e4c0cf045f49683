using System.Runtime.InteropServices;

namespace Bal.Infrastructure.Linux;

/// <summary>
/// Messages with descriptors between two processes: a pair of SOCK_SEQPACKET sockets of the Unix domain, on which
/// SCM_RIGHTS passes open file descriptions (unix(7)). A message arrives whole or not at all.
/// </summary>
internal static unsafe partial class MessageSocket
{
    /// <summary>
    /// The most bytes in one message; what is larger travels as a descriptor (<see cref="SharedMemory"/>).
    /// </summary>
    public const int MaxBytes = 4_096;

    /// <summary>The most descriptors in one message; the kernel's own bound is 253.</summary>
    public const int MaxDescriptors = 64;

    private const int SeqPacket = 5;
    private const int ScmRights = 1;
    private const int CloexecReceived = 0x40000000;
    private const int SoType = 3;
    private const int HeaderBytes = 16;

    // musl declares the lengths narrower and pads them; in little-endian order that is the same.
    [StructLayout(LayoutKind.Sequential)]
    private struct MessageHeader
    {
        internal byte* Name;
        internal uint NameLength;
        internal Vector* Vectors;
        internal nuint VectorCount;
        internal byte* Control;
        internal nuint ControlLength;
        internal int Flags;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Vector
    {
        internal byte* Base;
        internal nuint Length;
    }

    /// <summary>Both ends, close-on-exec and not blocking; null with errno set.</summary>
    public static (int Own, int Other)? Pair()
    {
        var ends = stackalloc int[2];
        return socketpair(1, SeqPacket | Libc.SOCK_CLOEXEC | Libc.SOCK_NONBLOCK, 0, ends) == 0
            ? (ends[0], ends[1]) : null;
    }

    /// <summary>The errno with which descriptors cannot be passed here; 0 where they can.</summary>
    public static int Refusal()
    {
        if (Pair() is not { } pair)
            return Sockets.LastError;
        Span<byte> into = stackalloc byte[1];
        int[] passed = [];
        var works = Send(pair.Own, "?"u8, [pair.Own]) && Receive(pair.Other, into, out passed) == 1;
        var error = works && passed.Length == 1 ? 0 : works ? Errno.EPERM : Sockets.LastError;
        foreach (var descriptor in passed)
            _ = Libc.close(descriptor);
        _ = Libc.close(pair.Own);
        _ = Libc.close(pair.Other);
        return error;
    }

    /// <summary>Whether a descriptor that the environment names is such a socket.</summary>
    public static bool Is(int fd)
    {
        var type = 0;
        var length = (uint)sizeof(int);
        return Libc.getsockopt(fd, Libc.SOL_SOCKET, SoType, &type, &length) == 0 && type == SeqPacket;
    }

    /// <summary>Sends one message; false with errno set where it could not be sent whole.</summary>
    public static bool Send(int fd, ReadOnlySpan<byte> bytes, ReadOnlySpan<int> descriptors)
    {
        var control = stackalloc byte[ControlBytes(MaxDescriptors)];
        fixed (byte* first = bytes)
        {
            var vector = new Vector { Base = first, Length = (nuint)bytes.Length };
            var header = new MessageHeader { Vectors = &vector, VectorCount = 1 };
            if (descriptors.Length > 0)
            {
                *(nuint*)control = (nuint)(HeaderBytes + sizeof(int) * descriptors.Length);
                *(int*)(control + 8) = Libc.SOL_SOCKET;
                *(int*)(control + 12) = ScmRights;
                descriptors.CopyTo(new Span<int>(control + HeaderBytes, descriptors.Length));
                header.Control = control;
                header.ControlLength = (nuint)ControlBytes(descriptors.Length);
            }

            return sendmsg(fd, &header, Libc.MSG_NOSIGNAL) == bytes.Length;
        }
    }

    /// <summary>
    /// Receives one message into <paramref name="into"/>; its length, 0 where the other end is closed, or negative with
    /// errno set (EAGAIN: none is there). The descriptors are the caller's, close-on-exec.
    /// </summary>
    public static int Receive(int fd, Span<byte> into, out int[] descriptors)
    {
        var control = stackalloc byte[ControlBytes(MaxDescriptors)];
        fixed (byte* first = into)
        {
            var vector = new Vector { Base = first, Length = (nuint)into.Length };
            var header = new MessageHeader
            {
                Vectors = &vector,
                VectorCount = 1,
                Control = control,
                ControlLength = (nuint)ControlBytes(MaxDescriptors),
            };
            var length = (int)recvmsg(fd, &header, CloexecReceived);
            descriptors = length > 0 && header.ControlLength >= HeaderBytes && *(int*)(control + 12) == ScmRights
                ? new Span<int>(control + HeaderBytes, (int)((*(nuint*)control - HeaderBytes) / sizeof(int))).ToArray()
                : [];
            return length;
        }
    }

    private static int ControlBytes(int descriptors) => HeaderBytes + (sizeof(int) * descriptors + 7) / 8 * 8;

    [LibraryImport("libc")]
    private static partial int socketpair(int domain, int type, int protocol, int* ends);

    [LibraryImport("libc")]
    private static partial nint sendmsg(int fd, MessageHeader* header, int flags);

    [LibraryImport("libc")]
    private static partial nint recvmsg(int fd, MessageHeader* header, int flags);
}
