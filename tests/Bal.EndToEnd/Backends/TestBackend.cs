using System.Collections.Concurrent;

namespace Bal.EndToEnd.Backends;

/// <summary>
/// A server inside the test. Between <see cref="Kill"/> and <see cref="Revive"/> its port stays bound without
/// listening, so that connects are refused and nobody else gets the port.
/// </summary>
internal sealed class TestBackend : IAsyncDisposable
{
    private readonly Func<Socket, CancellationToken, Task> _serve;
    private readonly ConcurrentDictionary<Socket, bool> _open = new();
    private readonly CancellationTokenSource _ended = new();
    private readonly IPEndPoint _endpoint;
    private readonly Lock _accepting = new();
    private Socket _socket;
    private bool _listening;
    private int _accepted;

    public TestBackend(Func<Socket, CancellationToken, Task> serve, bool listening = true, IPEndPoint? at = null)
    {
        _serve = serve;
        _socket = Bound(at ?? new IPEndPoint(IPAddress.Loopback, 0));
        _endpoint = (IPEndPoint)_socket.LocalEndPoint!;
        if (listening)
            Revive();
    }

    public int Port => _endpoint.Port;

    public string Address => _endpoint.ToString();

    /// <summary>Connections accepted so far, bal's probes included where they are whole connections.</summary>
    public int Accepted => Volatile.Read(ref _accepted);

    public int Open => _open.Count;

    /// <summary>Refuses from now on, and ends every open connection with an RST.</summary>
    public void Kill()
    {
        Refuse();
        foreach (var socket in _open.Keys)
            ResetIfOpen(socket);
    }

    private static void ResetIfOpen(Socket socket)
    {
        try
        {
            socket.Reset();
        }
        catch (ObjectDisposedException)
        {
            // Its own server closed it in this moment: a probe's connection, for one, ends at once.
        }
    }

    /// <summary>Refuses from now on; open connections stay.</summary>
    public void Refuse()
    {
        if (!_listening)
            return;
        _listening = false;
        // Bound before the other one is closed: at no moment is the port free for somebody else.
        var next = Bound(_endpoint);
        Socket listener;
        lock (_accepting)
            (listener, _socket) = (_socket, next);
        listener.Dispose();
    }

    public void Revive()
    {
        if (_listening)
            return;
        _listening = true;
        _socket.Listen(4096);
        _ = Accept(_socket);
    }

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        _socket.Dispose();
        foreach (var socket in _open.Keys)
            socket.Dispose();
    }

    private static Socket Bound(IPEndPoint at)
    {
        var socket = new Socket(at.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        if (at.AddressFamily == AddressFamily.InterNetworkV6)
            socket.DualMode = false;
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        socket.Bind(at);
        return socket;
    }

    private async Task Accept(Socket listener)
    {
        try
        {
            while (true)
            {
                var client = await listener.AcceptAsync(_ended.Token);
                Interlocked.Increment(ref _accepted);
                lock (_accepting)
                {
                    if (listener == _socket)
                        _open[client] = true;
                }

                // Accepted before a kill and looked at after it: as dead as all the others.
                if (_open.ContainsKey(client))
                    _ = Task.Run(() => Serve(client));
                else
                    client.Reset();
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Killed or disposed.
        }
    }

    private async Task Serve(Socket client)
    {
        try
        {
            client.NoDelay = true;
            await _serve(client, _ended.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The client has gone, or the test is over.
        }
        finally
        {
            _open.TryRemove(client, out _);
            client.Dispose();
        }
    }
}
