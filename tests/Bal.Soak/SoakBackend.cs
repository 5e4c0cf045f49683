using System.Buffers.Binary;
using System.Collections.Concurrent;

namespace Bal.Soak;

/// <summary>A backend that carries out orders, and that the schedule of faults kills, silences and revives.</summary>
internal sealed class SoakBackend : IAsyncDisposable
{
    private readonly Ledger _ledger;
    private readonly IPEndPoint _endpoint;
    private readonly ConcurrentDictionary<Socket, Session?> _open = new();
    private readonly CancellationTokenSource _ended = new();
    private readonly List<Socket> _filling = [];
    private readonly Lock _gate = new();
    private IDisposable? _silence;
    private Socket _listener;

    public SoakBackend(Ledger ledger)
    {
        _ledger = ledger;
        _listener = Bound(new IPEndPoint(IPAddress.Loopback, 0));
        _endpoint = (IPEndPoint)_listener.LocalEndPoint!;
        Serve();
    }

    public string Address => _endpoint.ToString();

    public int Open => _open.Count;

    /// <summary>Refuses from now on. Whoever waits in the queue is reset by the kernel.</summary>
    public void Refuse()
    {
        using (_ledger.Fault("it waited in the queue of a backend that ended"))
        {
            _listener.Dispose();
            _listener = Bound(_endpoint);
        }
    }

    /// <summary>The same, and resets every open connection.</summary>
    public void Kill()
    {
        using var fault = _ledger.Fault("it reached a backend that was being killed");
        Refuse();
        lock (_gate)
        {
            foreach (var (socket, session) in _open)
            {
                _open.TryRemove(socket, out _);
                if (session is not null)
                    session.Killed = true;
                socket.Reset();
            }
        }
    }

    /// <summary>Lets SYNs vanish from now on, by a queue that is full.</summary>
    public void Vanish()
    {
        _silence = _ledger.Fault("it waited in the queue of a backend that was silent");
        _listener.Dispose();
        _listener = Bound(_endpoint);
        _listener.Listen(0);
        for (var i = 0; i < 4; i++)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
            {
                Blocking = false,
            };
            _filling.Add(socket);
            try
            {
                socket.Connect(_endpoint);
            }
            catch (SocketException)
            {
                // In progress, which is all that is wanted.
            }
        }
    }

    /// <summary>Serves again.</summary>
    public void Revive()
    {
        foreach (var socket in _filling)
            socket.Dispose();
        _filling.Clear();
        _listener.Dispose();
        _listener = Bound(_endpoint);
        Serve();
        _silence?.Dispose();
        _silence = null;
    }

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        _listener.Dispose();
        foreach (var socket in _open.Keys)
            socket.Dispose();
        _ended.Dispose();
    }

    private static Socket Bound(IPEndPoint at)
    {
        var socket = new Socket(at.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        socket.Bind(at);
        return socket;
    }

    private void Serve()
    {
        _listener.Listen(4_096);
        _ = Accept(_listener);
    }

    private async Task Accept(Socket listener)
    {
        try
        {
            while (true)
            {
                var client = await listener.AcceptAsync(_ended.Token);
                _open[client] = null;
                _ = Task.Run(() => Answer(client));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // It has ended.
        }
    }

    private async Task Answer(Socket client)
    {
        try
        {
            using var bound = CancellationTokenSource.CreateLinkedTokenSource(_ended.Token);
            bound.CancelAfter(Transfer.Patience);
            client.NoDelay = true;
            var order = Order.Parse(await client.Read(Order.Length, Transfer.Patience));
            var session = _ledger.Find(order.Id);
            // A kill that came first has reset the socket, and one that comes later finds the session.
            lock (_gate)
            {
                if (!_open.TryUpdate(client, session, null))
                    return;
                if (session is not null)
                    session.Seen = true;
            }

            await CarryOut(order, client, bound.Token);
        }
        catch (WrongByteException e)
        {
            _ledger.Count("WRONG BYTES");
            _ledger.Unexpected($"at a backend: {e.Message}");
        }
        catch (Exception e) when (
            e is OperationCanceledException or SocketException or ObjectDisposedException or EndOfStreamException)
        {
            // The client has gone, or was a probe, or this backend was killed; the client knows whether it may.
        }
        finally
        {
            _open.TryRemove(client, out _);
            client.Dispose();
        }
    }

    private static async Task CarryOut(Order order, Socket client, CancellationToken ended)
    {
        switch (order.Kind)
        {
            case Kind.Duplex:
                var receiving = Transfer.Receive(client, order.Id, order.Up, null, ended);
                await Transfer.Send(client, ~order.Id & long.MaxValue, order.Down, new Random((int)order.Id), ended);
                var arrived = await receiving;
                var count = new byte[4];
                BinaryPrimitives.WriteInt32LittleEndian(count, arrived);
                await client.SendAsync(count, ended);
                client.Shutdown(SocketShutdown.Send);
                await client.ReceiveAsync(new byte[1], ended);
                break;
            case Kind.Reset:
                await Transfer.Send(client, ~order.Id & long.MaxValue, order.Down, new Random((int)order.Id), ended);
                client.Reset();
                break;
            default:
                await client.SendAsync(new byte[1], ended);
                await client.ReceiveAsync(new byte[1], ended);
                break;
        }
    }
}
