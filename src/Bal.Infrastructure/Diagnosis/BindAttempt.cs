using System.Net;
using System.Net.Sockets;
using Bal.Domain.Doctor;
using Bal.Infrastructure.DataPlane;
using Bal.Infrastructure.Linux;
using LanguageExt;

namespace Bal.Infrastructure.Diagnosis;

/// <summary>
/// Binds an address for a moment. SO_REUSEADDR lets it pass connections in TIME_WAIT, as a start would; without
/// SO_REUSEPORT the kernel refuses whatever another process listens on, whatever options that one has set (socket(7)).
/// </summary>
internal static class BindAttempt
{
    private const int SolSocket = 1;
    private const int SoReuseAddr = 2;

    internal static BindOutcome Of(BoundAddress address, bool freebind, Option<int> daemon)
    {
        var local = address.EndPoint;
        var holders = SocketTable.ListenersOn(local);
        if (daemon.Exists(id => SocketTable.Holds(id, holders))) return new BindOutcome.HeldByOwnDaemon(daemon);
        try
        {
            using var socket = new Socket(local.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            socket.SetRawSocketOption(SolSocket, SoReuseAddr, BitConverter.GetBytes(1));
            if (local.AddressFamily == AddressFamily.InterNetworkV6)
                socket.DualMode = local.Address.Equals(IPAddress.IPv6Any) && !address.V6Only;
            if (freebind)
                Sockets.SetFreebind((int)socket.Handle, SockAddr.FamilyOf(address.Bytes));
            socket.Bind(local);
            return new BindOutcome.Free();
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode switch
            {
                SocketError.AddressAlreadyInUse => new BindOutcome.HeldByOther(SocketTable.HolderOf(holders)),
                SocketError.AccessDenied => new BindOutcome.NotPermitted(MachineFacts.FirstUnprivilegedPort()),
                SocketError.AddressNotAvailable => new BindOutcome.NotLocal(),
                _ => new BindOutcome.Failed(e.Message),
            };
        }
    }
}
