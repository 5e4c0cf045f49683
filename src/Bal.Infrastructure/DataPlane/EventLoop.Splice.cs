using Bal.Domain.Config;
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

    private static nint SpliceIn(ref Side from) => Libc.splice(
        from.Fd, null, from.PipeIn, null, SpliceLength, Libc.SPLICE_F_MOVE | Libc.SPLICE_F_NONBLOCK);

    /// <summary>Sends what is in the pipe; false where the destination has failed.</summary>
    private bool SpliceOut(ref Side from, ref Side to)
    {
        while (from.PipeLength > 0)
        {
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
            else if (sent == 0 || *errno != Errno.EINTR)
            {
                to.Flags |= SideFlags.Failed;
                return false;
            }
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
        if (side.Has(SideFlags.Splicing) || !pipes.Rent(ref side, now))
            return;
        var row = serviceOf(session->Service).Rows.Of(index);
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
