using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Domain.Relay;
using Bal.Infrastructure.Linux;

namespace Bal.Infrastructure.DataPlane;

/// <summary>
/// Bytes that never enter the process: socket to pipe to socket by splice(2). Worth its second system call only for
/// bulk, so a direction changes over when its reads are large, and back when they have become small.
/// </summary>
internal sealed unsafe partial class EventLoop
{
    // The pipe's size is the real bound; asking for more takes all that fits.
    private const int SpliceLength = 1024 * 1024;

    private readonly PipePool pipes;

    private RelayMode RelayOf(Session* session) => serviceOf(session->Service).Current.Table.Service.Tuning.Relay;

    // splice(2) was refused by the kernel or a sandbox: what is left in pipes is copied out, and nothing more goes in.
    private bool spliceRefused;

    private static nint SpliceIn(ref Side from) => Libc.splice(
        from.Fd, null, from.PipeIn, null, SpliceLength, Libc.SPLICE_F_MOVE | Libc.SPLICE_F_NONBLOCK);

    private void RefuseSplicing(int error)
    {
        spliceRefused = true;
        Facilities.Refused(Facility.Splice, error);
    }

    /// <summary>Sends what is in the pipe; false where the destination has failed.</summary>
    private bool SpliceOut(ref Side from, ref Side to)
    {
        while (from.PipeLength > 0)
        {
            if (spliceRefused)
                return CopyOut(ref from, ref to);
            var sent = Libc.splice(
                from.PipeOut, null, to.Fd, null, (nuint)from.PipeLength, Libc.SPLICE_F_MOVE | Libc.SPLICE_F_NONBLOCK);
            if (sent > 0)
            {
                from.PipeLength -= (int)sent;
            }
            else if (sent < 0 && *errno == Errno.EAGAIN)
            {
                to.Flags &= ~SideFlags.Writable;
                return true;
            }
            else if (sent < 0 && Facilities.MeansRefused(*errno))
            {
                // Whether it is the destination that has failed, send(2) will tell.
                RefuseSplicing(*errno);
            }
            else if (sent == 0 || *errno != Errno.EINTR)
            {
                to.Flags |= SideFlags.Failed;
                return false;
            }
        }

        return true;
    }

    /// <summary>The same by read(2) and send(2), a block at a time.</summary>
    private bool CopyOut(ref Side from, ref Side to)
    {
        while (from.PipeLength > 0 && from.PendingLength == 0)
        {
            var most = Math.Min(from.PipeLength, BlockPool.BlockSize);
            var read = (int)Libc.read(from.PipeOut, buffer, (nuint)most);
            if (read <= 0)
            {
                // Nobody else reads from this pipe. Bytes that cannot be had back are a failure that must not look
                // like an end.
                to.Flags |= SideFlags.Failed;
                return false;
            }

            from.PipeLength -= read;
            if (!Send(ref from, ref to, read))
                return false;
        }

        return true;
    }

    /// <summary>
    /// Looks at the size of a read that has been passed on, and changes over where the direction has changed its kind.
    /// </summary>
    private void Adapt(Session* session, ref Side from, nint read)
    {
        var splicing = from.Has(SideFlags.Splicing);
        var next = SpliceRule.After(splicing, from.Streak, read, from.HasUnsent);
        from.Streak = next.Streak;
        if (!next.ChangesOver || RelayOf(session) != RelayMode.Auto)
            return;
        if (splicing)
            StopSplicing(session, ref from);
        else
            StartSplicing(session, ref from);
    }

    private void StartSplicing(Session* session, ref Side side)
    {
        if (spliceRefused || side.Has(SideFlags.Splicing))
            return;
        var row = serviceOf(session->Service).Rows.Of(index);
        if (!pipes.Rent(ref side, now))
        {
            row[ServiceRow.PipesUnavailable]++;
            return;
        }

        if (!session->IsSpliced)
            row[ServiceRow.SplicedConnections]++;
        side.Flags |= SideFlags.Splicing;
        if (side.Has(SideFlags.LargePipe))
            Watch(session, ref side);
        row[ServiceRow.SplicedDirections]++;
    }

    /// <summary>
    /// Back to copying; what is still in the pipe is dropped, so it must be empty unless the session ends.
    /// </summary>
    private void StopSplicing(Session* session, ref Side side)
    {
        if (!side.Has(SideFlags.Splicing))
            return;
        side.Flags &= ~SideFlags.Splicing;
        Unwatch(ref side);
        pipes.Return(ref side);
        var row = serviceOf(session->Service).Rows.Of(index);
        row[ServiceRow.SplicedDirections]--;
        if (!session->IsSpliced)
            row[ServiceRow.SplicedConnections]--;
    }
}
