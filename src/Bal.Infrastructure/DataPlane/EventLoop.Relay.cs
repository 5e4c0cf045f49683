using Bal.Domain.Counting;
using Bal.Domain.Relay;
using Bal.Infrastructure.Linux;

namespace Bal.Infrastructure.DataPlane;

/// <summary>
/// Bytes both ways. A direction holds at most one block of what the other side has not taken; until that is sent
/// nothing more is read, so that the kernel's own flow control reaches the sender.
/// </summary>
internal sealed unsafe partial class EventLoop
{
    /// <summary>Reads of one direction in a row, before other sessions get their turn.</summary>
    private const int ReadBudget = 4;

    /// <summary>
    /// Bytes of one direction in a row, begun by the last read: two full large pipes, so that a stream that has
    /// gathered <see cref="GatherRule.LowWater"/> and a little more is emptied without another turn of the loop.
    /// </summary>
    private const int ByteBudget = 2 * PipePool.LargeBytes;

    private enum Progress
    {
        /// <summary>Nothing more can be done until an event says so.</summary>
        Blocked,

        /// <summary>The budget is used up, but there is more.</summary>
        More,

        /// <summary>The source has failed: it sent an RST.</summary>
        SourceReset,

        /// <summary>The destination has failed.</summary>
        DestinationReset,
    }

    private void Relay(Session* session)
    {
        if (session->State == SessionState.Resetting)
        {
            ContinueReset(session);
            return;
        }

        var up = Pump(
            session, ref session->Client, ref session->Backend, ref session->BytesIn, ref session->Counters->BytesIn);
        if (up is Progress.SourceReset or Progress.DestinationReset)
        {
            BeginReset(session, fromBackend: up == Progress.DestinationReset);
            return;
        }

        var down = Pump(
            session, ref session->Backend, ref session->Client, ref session->BytesOut, ref session->Counters->BytesOut);
        if (down is Progress.SourceReset or Progress.DestinationReset)
        {
            BeginReset(session, fromBackend: down == Progress.SourceReset);
            return;
        }

        if (session->Client.Has(SideFlags.FinSent) && session->Backend.Has(SideFlags.FinSent))
            CloseSession(session, TerminationReason.Completed);
        else if (up == Progress.More || down == Progress.More)
            MakeReady(session);
    }

    /// <summary>
    /// Moves what can be moved from one side to the other, and passes a FIN on once everything before it is sent.
    /// </summary>
    private Progress Pump(Session* session, ref Side from, ref Side to, ref long own, ref long bytes)
    {
        var copyNext = false;
        nint moved = 0;
        for (var budget = ReadBudget; ;)
        {
            if (from.HasUnsent)
            {
                if (!to.Has(SideFlags.Writable))
                    return Progress.Blocked;
                if (!Flush(session, ref from, ref to))
                    return Progress.DestinationReset;
                if (from.HasUnsent)
                    return Progress.Blocked;
            }

            if (from.Has(SideFlags.EndOfStream))
            {
                if (!to.Has(SideFlags.FinSent))
                {
                    to.Flags |= SideFlags.FinSent;
                    if (session->FinAt == 0)
                        BeginHalfClosed(session);
                    // The second FIN is left to close(2), which follows once the session has been counted out: who
                    // sees the end of its connection must find its place free.
                    if (!from.Has(SideFlags.FinSent))
                        _ = Libc.shutdown(to.Fd, Libc.SHUT_WR);
                }

                return Progress.Blocked;
            }

            // Reading what could not be sent anyway would only move bytes from the kernel's buffer into ours.
            if (!from.Has(SideFlags.Readable) || !to.Has(SideFlags.Writable))
                return Progress.Blocked;
            if (budget-- == 0 || moved >= ByteBudget)
                return Progress.More;

            var splicing = from.Has(SideFlags.Splicing) && !copyNext;
            copyNext = false;
            if (splicing && spliceRefused)
            {
                StopSplicing(session, ref from);
                splicing = false;
            }

            var read = splicing ? SpliceIn(ref from) : Libc.recv(from.Fd, buffer, BlockPool.BlockSize, 0);
            var error = read < 0 ? *errno : 0;
            if (read > 0)
            {
                // A short read has emptied the socket; after EPOLLRDHUP only recv's 0 says so, as no new edge may come,
                // and at urgent data a read stops short (tcp(7)). A short splice says nothing: the pipe's slots may
                // have been what ran out.
                if (!splicing && read < BlockPool.BlockSize)
                {
                    if (from.Has(SideFlags.ShortReads))
                        read += ReadToEnd(ref from, read);
                    else
                        from.Flags &= ~SideFlags.Readable;
                }

                session->LastActivity = now;
                own += read;
                bytes += read;
                moved += read;
                if (splicing)
                {
                    from.PipeLength = (int)read;
                    Took(ref from, read);
                }

                if (!(splicing ? SpliceOut(ref from, ref to) : Send(ref from, ref to, (int)read)))
                    return Progress.DestinationReset;
                if (from.Has(SideFlags.Failed))
                    return Progress.SourceReset;
                Adapt(session, ref from, read);
            }
            else if (splicing && Facilities.MeansRefused(error))
            {
                // If it is the source that has failed, recv(2) says so.
                RefuseSplicing(error);
            }
            else if (splicing && (read == 0 || (error == Errno.EAGAIN && Unread(from.Fd) > 0)))
            {
                // splice(2) stops before urgent data, with 0 or EAGAIN as if it were the end or the socket empty: only
                // recv(2) gets past it, and knows.
                copyNext = true;
            }
            else if (read == 0)
            {
                from.Flags |= SideFlags.EndOfStream;
            }
            else if (error == Errno.EAGAIN)
            {
                from.Flags &= ~SideFlags.Readable;
            }
            else if (error != Errno.EINTR)
            {
                Fail(ref from);
                return Progress.SourceReset;
            }
        }
    }

    /// <summary>
    /// Fills up the loop's buffer, until the socket is empty or its stream at the end. Who answers and closes sends the
    /// FIN right behind the last bytes: known before they are sent, the two leave in one segment.
    /// </summary>
    /// <param name="from">The socket.</param>
    /// <param name="filled">How many bytes are in the buffer.</param>
    /// <returns>How many were added; the side's flags say why not more.</returns>
    private nint ReadToEnd(ref Side from, nint filled)
    {
        nint added = 0;
        while (filled + added < BlockPool.BlockSize)
        {
            var free = (nuint)(BlockPool.BlockSize - filled - added);
            var read = Libc.recv(from.Fd, buffer + filled + added, free, 0);
            if (read > 0)
            {
                added += read;
            }
            else if (read == 0)
            {
                from.Flags |= SideFlags.EndOfStream;
                break;
            }
            else if (*errno == Errno.EAGAIN)
            {
                from.Flags &= ~SideFlags.Readable;
                break;
            }
            else if (*errno != Errno.EINTR)
            {
                Fail(ref from);
                break;
            }
        }

        return added;
    }

    /// <summary>
    /// Sends what is in the loop's buffer and keeps what the socket does not take; false where it has failed.
    /// </summary>
    /// <param name="from">Where it was read from.</param>
    /// <param name="to">Where it goes.</param>
    /// <param name="length">How many bytes.</param>
    /// <param name="goesOn">More follows at once, and may leave in the same segment.</param>
    private bool Send(ref Side from, ref Side to, int length, bool goesOn = false)
    {
        // The end is known only where these are the last bytes, and is passed on at once: MSG_MORE holds them for its
        // FIN.
        var flags = goesOn || from.Has(SideFlags.EndOfStream) ? Libc.MSG_NOSIGNAL | Libc.MSG_MORE : Libc.MSG_NOSIGNAL;
        var sent = Libc.send(to.Fd, buffer, (nuint)length, flags);
        if (sent == length)
            return true;
        if (sent < 0)
        {
            if (*errno is not (Errno.EAGAIN or Errno.EINTR))
            {
                Fail(ref to);
                return false;
            }

            sent = 0;
        }

        to.Flags &= ~SideFlags.Writable;
        from.Pending = blocks.Rent();
        from.PendingOffset = 0;
        from.PendingLength = length - (int)sent;
        Buffer.MemoryCopy(buffer + sent, from.Pending, BlockPool.BlockSize, from.PendingLength);
        return true;
    }

    /// <summary>Sends what was read before; false where the destination has failed.</summary>
    private bool Flush(Session* session, ref Side from, ref Side to)
    {
        // What was copied out of a pipe goes before what is still in it.
        if (from.PipeLength > 0 && from.PendingLength == 0)
        {
            var before = from.PipeLength;
            var works = SpliceOut(ref from, ref to);
            if (from.PipeLength < before)
                session->LastActivity = now;
            return works;
        }

        var sent = Libc.send(to.Fd, from.Pending + from.PendingOffset, (nuint)from.PendingLength, Libc.MSG_NOSIGNAL);
        if (sent < 0)
        {
            if (*errno is Errno.EAGAIN or Errno.EINTR)
            {
                to.Flags &= ~SideFlags.Writable;
                return true;
            }

            Fail(ref to);
            return false;
        }

        session->LastActivity = now;
        from.PendingOffset += (int)sent;
        from.PendingLength -= (int)sent;
        if (from.PendingLength > 0)
        {
            to.Flags &= ~SideFlags.Writable;
            return true;
        }

        ReleasePending(ref from);
        return from.PipeLength == 0 || SpliceOut(ref from, ref to);
    }

    /// <summary>Drops what was read from the side and not sent.</summary>
    private void DropUnsent(Session* session, ref Side side)
    {
        ReleasePending(ref side);
        StopSplicing(session, ref side);
    }

    private void ReleasePending(ref Side side)
    {
        if (side.Pending == null)
            return;
        blocks.Return(side.Pending);
        side.Pending = null;
        side.PendingOffset = side.PendingLength = 0;
    }
}
