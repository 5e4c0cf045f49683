using System.Net;
using Bal.Infrastructure.Linux;

namespace Bal.Infrastructure.DataPlane;

/// <summary>
/// Listening sockets that another process has opened. None may be left without a loop that accepts from it, since the
/// kernel spreads clients over all sockets of an address; and every loop gets one to accept from.
/// </summary>
internal static class InheritedSockets
{
    /// <summary>
    /// Makes a set of them: more sockets of the same address, or duplicates, where there are more loops.
    /// </summary>
    /// <param name="sockets">At least one, all of one address; the set's from now on.</param>
    /// <param name="backlog">See listen(2).</param>
    /// <param name="loops">How many loops there are.</param>
    /// <param name="tag">Names the set.</param>
    public static ListenerSet Adopt(int[] sockets, int backlog, int loops, int tag)
    {
        var isUnix = UnixSockets.Is(sockets[0]);
        foreach (var socket in sockets)
        {
            Sockets.MakeOwn(socket);
            if (isUnix)
                continue;
            Sockets.SetOption(socket, Libc.IPPROTO_TCP, Libc.TCP_NODELAY, 1);
            if (Sockets.LocalAddress(socket) is { } at)
                LoopbackSockets.Prepare(socket, SockAddr.Of(at.Address, at.Port));
        }

        var all = new List<int>(sockets);
        // A socket that shares its address with nobody was bound by somebody who wants it so.
        var isShared = !isUnix && ListenerSet.IsShared(sockets[0]);
        if (isShared)
            OpenMore(sockets[0], loops, all);
        var own = all.ToArray();
        Sockets.DuplicateUpTo(loops, all);
        var set = new ListenerSet([.. all], tag) { Distinct = own, OutlivesBal = !isShared, IsUnix = isUnix };
        set.SetBacklog(backlog);
        return set;
    }

    /// <summary>
    /// Whether a socket on the wildcard of IPv6 takes clients of IPv4 as well (ipv6(7), IPV6_V6ONLY).
    /// </summary>
    public static bool TakesBothFamilies(int socket) =>
        Sockets.LocalAddress(socket)?.Address.Equals(IPAddress.IPv6Any) == true
        && Sockets.GetOption(socket, Libc.IPPROTO_IPV6, Libc.IPV6_V6ONLY) == 0;

    // It fails where the first ones belong to another user (the port may be one below 1024): then they are shared.
    private static void OpenMore(int like, int loops, List<int> all)
    {
        var (address, freebind) = (BoundAddress.OfSocket(like), Sockets.IsFreebind(like));
        while (all.Count < loops && address.Exists(a => ListenerSet.OpenOne(a, all, shared: true, freebind) == 0))
        {
        }
    }
}
