using System.Net;
using Bal.Infrastructure.Linux;

namespace Bal.Integration.DataPlane;

/// <summary>
/// A dead backend on an ephemeral port of this machine must not look alive because the kernel chose that port.
/// </summary>
public sealed class SelfConnectSpecs
{
    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    public void A_socket_that_is_connected_to_itself_is_recognised(string address)
    {
        var ip = IPAddress.Parse(address);
        using var socket = new System.Net.Sockets.Socket(
            ip.AddressFamily, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(ip, 0));
        var own = (IPEndPoint)socket.LocalEndPoint!;
        socket.Connect(own);

        Assert.True(Linux(socket, own));
    }

    [Fact]
    public void A_connection_to_somebody_else_is_not_taken_for_one()
    {
        using var backend = new Backend();
        using var socket = new System.Net.Sockets.Socket(
            System.Net.Sockets.AddressFamily.InterNetwork, System.Net.Sockets.SocketType.Stream,
            System.Net.Sockets.ProtocolType.Tcp);
        var peer = new IPEndPoint(IPAddress.Loopback, backend.Port);
        socket.Connect(peer);

        Assert.False(Linux(socket, peer));
    }

    private static bool Linux(System.Net.Sockets.Socket socket, IPEndPoint peer) =>
        Bal.Infrastructure.Linux.Sockets.IsConnectedToItself(
            (int)socket.Handle, SockAddr.Of(peer.Address, peer.Port));
}
