using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Bal.Cli.Demo;

/// <summary>A tiny HTTP server that says its name, and that can be killed and revived on the same port.</summary>
internal sealed class DemoBackend(string name) : IDisposable
{
    private Socket? listener;

    public string Name { get; } = name;

    /// <summary>Chosen by the kernel at the first start, and kept.</summary>
    public int Port { get; private set; }

    public bool Alive => listener is not null;

    public void Start()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, Port));
        socket.Listen(128);
        Port = ((IPEndPoint)socket.LocalEndPoint!).Port;
        listener = socket;
        _ = AcceptAsync(socket);
    }

    /// <summary>Stops listening; answers that have begun are completed.</summary>
    public void Kill()
    {
        var socket = listener;
        listener = null;
        socket?.Dispose();
    }

    public void Dispose() => Kill();

    private async Task AcceptAsync(Socket socket)
    {
        try
        {
            while (true)
                _ = ServeAsync(await socket.AcceptAsync());
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Killed.
        }
    }

    private async Task ServeAsync(Socket client)
    {
        var buffer = new byte[4096];
        var body = $"hello from {Name}\n";
        var answer = Encoding.ASCII.GetBytes(
            $"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {body.Length}\r\nConnection: "
            + $"close\r\n\r\n{body}");
        try
        {
            if (await client.ReceiveAsync(buffer) > 0)
                await client.SendAsync(answer);
            client.Shutdown(SocketShutdown.Send);
            await client.ReceiveAsync(buffer);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The client has gone.
        }
        finally
        {
            client.Dispose();
        }
    }
}
