namespace Bal.EndToEnd.Backends;

/// <summary>
/// A port on which SYNs vanish: a listener whose accept queue is full drops them (listen(2), and tcp_abort_on_overflow
/// is 0). No privilege is needed, unlike for a packet filter.
/// </summary>
internal sealed class BlackHole : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly List<Socket> _filling = [];

    private BlackHole()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(0);
    }

    public string Address => _listener.LocalEndPoint!.ToString()!;

    /// <summary>Fills the queue until a connect is seen to hang.</summary>
    public static async Task<BlackHole> Open()
    {
        var hole = new BlackHole();
        for (var i = 0; i < 8; i++)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            hole._filling.Add(socket);
            var connecting = socket.ConnectAsync(hole._listener.LocalEndPoint!);
            if (await Task.WhenAny(connecting, Task.Delay(TimeSpan.FromMilliseconds(250))) != connecting)
            {
                _ = connecting.ContinueWith(_ => { }, TaskScheduler.Default);
                return hole;
            }
        }

        hole.Dispose();
        Assert.Fail("the kernel went on accepting: is net.ipv4.tcp_abort_on_overflow set?");
        return hole;
    }

    public void Dispose()
    {
        foreach (var socket in _filling)
            socket.Dispose();
        _listener.Dispose();
    }
}
