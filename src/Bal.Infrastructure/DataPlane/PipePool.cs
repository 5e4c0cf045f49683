using Bal.Domain.Messages;
using Bal.Domain.Relay;
using Bal.Infrastructure.Linux;

namespace Bal.Infrastructure.DataPlane;

/// <summary>
/// Pipes of one loop for splicing. A splice(2) out of a socket moves at most one page for each slot of the pipe, so the
/// first <see cref="MaxLarge"/> pipes hold <see cref="LargeBytes"/>: where few streams are bulk, that is a fifth less
/// CPU. All further ones have the kernel's default size, since large ones soon meet fs.pipe-user-pages-soft (pipe(7)).
/// </summary>
/// <param name="ceiling">The descriptors that are for relaying.</param>
/// <param name="shared">The connections that no service is assured of; a pipe takes the place of one.</param>
internal sealed unsafe class PipePool(DescriptorCeiling ceiling, SharedPlaces shared) : IDisposable
{
    /// <summary>What a large pipe holds.</summary>
    public const int LargeBytes = 256 * 1024;

    /// <summary>What every other pipe holds, and the least that is worth splicing through.</summary>
    public const int DefaultBytes = 64 * 1024;

    /// <summary>Large pipes of one loop, in use and idle.</summary>
    public const int MaxLarge = 8;

    /// <summary>
    /// How long no pipe is asked for after the system refused one (EMFILE, ENFILE); meanwhile bytes are copied.
    /// </summary>
    private const long RetryMs = 1_000;

    private readonly Stack<Pipe> idle = new(LoopRule.MaxIdlePipes);
    private readonly Stack<Pipe> idleLarge = new(MaxLarge);
    private int large;
    private long refusedUntil;
    private int refusal;

    private readonly record struct Pipe(int Out, int In, bool IsLarge);

    /// <summary>Gives the side an empty pipe; false where there is none to be had.</summary>
    public bool Rent(ref Side side, long now)
    {
        if (!idleLarge.TryPop(out var pipe) && !idle.TryPop(out pipe) && !Create(now, out pipe))
            return false;
        Facilities.Pipe();
        (side.PipeOut, side.PipeIn, side.PipeLength) = (pipe.Out, pipe.In, 0);
        side.Flags = pipe.IsLarge ? side.Flags | SideFlags.LargePipe : side.Flags & ~SideFlags.LargePipe;
        return true;
    }

    /// <summary>Takes the side's pipe back; one with bytes in it is closed.</summary>
    public void Return(ref Side side)
    {
        var pipe = new Pipe(side.PipeOut, side.PipeIn, side.Has(SideFlags.LargePipe));
        if (LoopRule.KeepsPipe(side.PipeLength, pipe.IsLarge, idle.Count))
            (pipe.IsLarge ? idleLarge : idle).Push(pipe);
        else
            Close(pipe);
        side.PipeOut = side.PipeIn = side.PipeLength = 0;
    }

    public void Dispose()
    {
        while (idle.TryPop(out var pipe) || idleLarge.TryPop(out pipe))
            Close(pipe);
    }

    private void Close(Pipe pipe)
    {
        if (pipe.IsLarge)
            large--;
        _ = Libc.close(pipe.Out);
        _ = Libc.close(pipe.In);
        shared.Give();
    }

    private bool Create(long now, out Pipe pipe)
    {
        pipe = default;
        if (now < refusedUntil || !shared.TryTakeForPipe())
            return NoPipe(now < refusedUntil ? refusal : 0);
        var ends = stackalloc int[2];
        if (Libc.pipe2(ends, Libc.O_NONBLOCK | Libc.O_CLOEXEC) != 0)
        {
            refusal = Errno.Last;
            shared.Give();
            refusedUntil = Facilities.MeansRefused(refusal) ? long.MaxValue : now + RetryMs;
            return NoPipe(refusal);
        }

        pipe = new Pipe(ends[0], ends[1], IsLarge: large < MaxLarge && Grow(ends[0]));
        if (pipe.IsLarge)
            large++;
        if (Math.Max(pipe.Out, pipe.In) < ceiling.Value && (pipe.IsLarge || IsWorthIt(pipe.Out)))
            return true;
        Close(pipe);
        refusal = 0;
        refusedUntil = now + RetryMs;
        return NoPipe(refusal);
    }

    private static bool NoPipe(int errno)
    {
        if (Facilities.MeansRefused(errno))
            Facilities.Refused(Facility.Pipe, errno);
        else
            Facilities.NoPipe(errno);
        return false;
    }

    private static bool Grow(int fd)
    {
        if (Libc.fcntl(fd, Libc.F_SETPIPE_SZ, LargeBytes) >= LargeBytes)
            return true;
        Facilities.Refused(Facility.PipeSize, Errno.Last);
        return false;
    }

    // Above the soft limit the kernel gives out pipes of two pages, in which splicing costs more than copying.
    private static bool IsWorthIt(int fd)
    {
        var bytes = Libc.fcntl(fd, Libc.F_GETPIPE_SZ, 0);
        if (bytes >= 0)
            return bytes >= DefaultBytes;
        Facilities.Refused(Facility.PipeSize, Errno.Last);
        return true;
    }
}
