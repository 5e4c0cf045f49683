using System.Net.Sockets;
using System.Text;

namespace Bal.Integration.Systemd;

/// <summary>The service manager's end: a datagram socket, as systemd has one.</summary>
internal sealed class ManagerSocket : IDisposable
{
    private readonly Socket socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);

    /// <param name="address">A path, or <c>@</c> and an abstract name.</param>
    public ManagerSocket(string address)
    {
        socket.Bind(new UnixDomainSocketEndPoint(address[0] == '@' ? $"\0{address[1..]}" : address));
        socket.Blocking = false;
    }

    /// <summary>What has arrived.</summary>
    public List<string> Take()
    {
        var messages = new List<string>();
        var buffer = new byte[4096];
        while (socket.Poll(0, SelectMode.SelectRead))
            messages.Add(Encoding.UTF8.GetString(buffer, 0, socket.Receive(buffer)));
        return messages;
    }

    public void Dispose() => socket.Dispose();
}
