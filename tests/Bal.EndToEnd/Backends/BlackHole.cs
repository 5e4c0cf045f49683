namespace Bal.EndToEnd.Backends;

/// <summary>
/// A port on which SYNs vanish: a listener whose accept queue is full drops them (listen(2), and tcp_abort_on_overflow
/// is 0). No privilege is needed, unlike for a packet filter.
/// </summary>
internal sealed class BlackHole : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly Socket _filling = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    private BlackHole()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(0);
    }

    public string Address => _listener.LocalEndPoint!.ToString()!;

    /// <summary>One connection fills a queue of length 0, and from then on every SYN is dropped.</summary>
    public static async Task<BlackHole> Open()
    {
        var hole = new BlackHole();
        await hole._filling.ConnectAsync(hole._listener.LocalEndPoint!).WaitAsync(Eventually.Patience);
        // Connected for the client is not yet queued for the listener, which the kernel does with the last ACK.
        await Eventually.Holds("the accept queue is full", () => hole.Queued > 0);
        return hole;
    }

    // What the kernel says of a listener in tcpi_unacked (tcp(7), struct tcp_info): the length of its accept queue.
    private int Queued
    {
        get
        {
            const int tcp = 6;
            const int tcpInfo = 11;
            const int unacked = 24;
            var info = new byte[104];
            _ = _listener.GetRawSocketOption(tcp, tcpInfo, info);
            return BitConverter.ToInt32(info, unacked);
        }
    }

    public void Dispose()
    {
        _filling.Dispose();
        _listener.Dispose();
    }
}
