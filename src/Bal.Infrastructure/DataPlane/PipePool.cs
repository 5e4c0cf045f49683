using Bal.Infrastructure.Linux;

namespace Bal.Infrastructure.DataPlane;

/// <summary>
/// Pipes of one loop for splicing, of the kernel's default size: larger ones measured no better and run into
/// fs.pipe-user-pages-soft. At most one a direction of a session that is bulk at this moment, plus <see cref="MaxIdle"/>.
/// </summary>
/// <param name="descriptorCeiling">Descriptors from this number on are not for relaying.</param>
internal sealed unsafe class PipePool(int descriptorCeiling) : IDisposable
{
    private const int MaxIdle = 8;

    /// <summary>How long no pipe is asked for after the system refused one (EMFILE, ENFILE); meanwhile bytes are copied.</summary>
    private const long RetryMs = 1_000;

    private readonly Stack<(int Out, int In)> idle = new(MaxIdle);
    private long refusedUntil;

    /// <summary>Gives the side an empty pipe; false where there is none to be had.</summary>
    public bool Rent(ref Side side, long now)
    {
        if (!idle.TryPop(out var pipe) && !Create(now, out pipe))
            return false;
        (side.PipeOut, side.PipeIn, side.PipeLength) = (pipe.Out, pipe.In, 0);
        return true;
    }

    /// <summary>Takes the side's pipe back; one with bytes in it is closed.</summary>
    public void Return(ref Side side)
    {
        if (side.PipeLength == 0 && idle.Count < MaxIdle)
        {
            idle.Push((side.PipeOut, side.PipeIn));
        }
        else
        {
            _ = Libc.close(side.PipeOut);
            _ = Libc.close(side.PipeIn);
        }

        side.PipeOut = side.PipeIn = side.PipeLength = 0;
    }

    public void Dispose()
    {
        while (idle.TryPop(out var pipe))
        {
            _ = Libc.close(pipe.Out);
            _ = Libc.close(pipe.In);
        }
    }

    private bool Create(long now, out (int Out, int In) pipe)
    {
        pipe = default;
        if (now < refusedUntil)
            return false;
        var ends = stackalloc int[2];
        if (Libc.pipe2(ends, Libc.O_NONBLOCK | Libc.O_CLOEXEC) != 0)
        {
            refusedUntil = now + RetryMs;
            return false;
        }

        pipe = (ends[0], ends[1]);
        if (Math.Max(pipe.Out, pipe.In) < descriptorCeiling)
            return true;
        _ = Libc.close(pipe.Out);
        _ = Libc.close(pipe.In);
        refusedUntil = now + RetryMs;
        return false;
    }
}
