using Bal.Domain.Messages;
using Bal.Domain.Relay;
using Bal.Infrastructure.Linux;

namespace Bal.Infrastructure.DataPlane;

/// <summary>Starting a connect, from an address of the kernel's choice or from one of the service's own.</summary>
internal sealed unsafe partial class EventLoop
{
    // From the one whose turn it is, else, where that one has no port left, from the next.
    private int StartConnect(Session* session, byte[] address, byte[][] sources)
    {
        // As if this machine had no address of the family.
        var error = Errno.EAFNOSUPPORT;
        for (var i = 0; i < sources.Length; i++)
        {
            error = StartConnect(session, address, sources[session->Counters->SourceTurn++ % sources.Length]);
            if (!Sockets.IsOfSource(error))
                break;
        }

        return error;
    }

    /// <summary>Zero, or the errno with which the connect could not even begin.</summary>
    private int StartConnect(Session* session, byte[] address, ReadOnlySpan<byte> source)
    {
        var fd = Libc.socket(
            SockAddr.FamilyOf(address), Libc.SOCK_STREAM | Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC, 0);
        if (fd < 0)
            return *errno;
        if (fd >= ceiling.Value)
        {
            _ = Libc.close(fd);
            return Errno.EMFILE;
        }

        var isUnix = SockAddr.IsUnix(address);
        if (!isUnix)
        {
            _ = Sockets.SetOption(fd, Libc.IPPROTO_TCP, Libc.TCP_NODELAY, 1, Facility.NoDelay);
            LoopbackSockets.Prepare(fd, address);
        }

        var error = source.IsEmpty ? 0 : Sockets.BindSource(fd, source);
        if (error == 0)
        {
            fixed (byte* bytes = address)
                error = Libc.connect(fd, bytes, (uint)address.Length) == 0 ? 0 : *errno;
            if (error == Errno.EINPROGRESS)
                error = 0;
            else if (isUnix)
                error = UnixSockets.MeaningOf(error);
        }

        if (error == 0 && !epoll.Add(fd, SideInterest, WatchTag.OfSocket((ulong)session, isBackend: true)))
            error = *errno;
        if (error != 0)
        {
            _ = Libc.close(fd);
            return error;
        }

        session->Backend = default;
        session->Backend.Fd = fd;
        return 0;
    }
}
