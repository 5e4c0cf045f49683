using System.Net;
using System.Net.Sockets;

namespace Bal.Integration.DataPlane;

/// <summary>What a peer sees of its end of a connection, within a bounded time.</summary>
internal static class Sockets
{
    public const int PatienceMs = 15_000;

    public static Socket Connect(int port)
    {
        var socket = New();
        socket.Connect(IPAddress.Loopback, port);
        return socket;
    }

    public static Socket New() => new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
    {
        NoDelay = true,
        ReceiveTimeout = PatienceMs,
        SendTimeout = PatienceMs,
    };

    /// <summary>Exactly so many bytes.</summary>
    public static byte[] Read(this Socket socket, int count)
    {
        var bytes = new byte[count];
        for (var have = 0; have < count;)
        {
            var read = socket.Receive(bytes, have, count - have, SocketFlags.None);
            Assert.True(read > 0, $"the stream ended after {have} of {count} bytes");
            have += read;
        }

        return bytes;
    }

    /// <summary>Everything up to the end, and how that came.</summary>
    public static Ending ReadToEnd(this Socket socket)
    {
        var all = new MemoryStream();
        var chunk = new byte[64 * 1024];
        try
        {
            for (int read; (read = socket.Receive(chunk)) > 0;)
                all.Write(chunk, 0, read);
            return new Ending(all.ToArray(), Reset: false);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            return new Ending(all.ToArray(), Reset: true);
        }
    }

    /// <summary>Ends the connection by an RST.</summary>
    public static void Reset(this Socket socket)
    {
        socket.LingerState = new LingerOption(true, 0);
        socket.Close();
    }

    /// <summary>Bytes that show where one is missing, doubled or misplaced.</summary>
    public static byte[] Pattern(int length)
    {
        var bytes = new byte[length];
        for (var i = 0; i < length; i++)
            bytes[i] = (byte)(i * 31 + (i >> 8) * 17 + (i >> 16));
        return bytes;
    }
}

/// <summary>How a stream ended.</summary>
internal sealed record Ending(byte[] Bytes, bool Reset);

/// <summary>A backend that the test plays by hand, or lets echo.</summary>
internal sealed class Backend : IDisposable
{
    private readonly Socket listener = Sockets.New();

    public Backend(string address = "127.0.0.1", int backlog = 4_096)
    {
        listener.Bind(new IPEndPoint(IPAddress.Parse(address), 0));
        listener.Listen(backlog);
    }

    public int Port => ((IPEndPoint)listener.LocalEndPoint!).Port;

    public Socket Accept()
    {
        Assert.True(listener.Poll(Sockets.PatienceMs * 1_000, SelectMode.SelectRead), "no connection came");
        var socket = listener.Accept();
        socket.NoDelay = true;
        socket.ReceiveTimeout = socket.SendTimeout = Sockets.PatienceMs;
        return socket;
    }

    /// <summary>A connection that has come; null where there is none within a moment.</summary>
    public Socket? TryAccept()
    {
        if (!listener.Poll(200, SelectMode.SelectRead))
            return null;
        var socket = listener.Accept();
        socket.NoDelay = true;
        return socket;
    }

    /// <summary>From now on every connection gets back what it sends; a FIN is answered by a FIN.</summary>
    public Backend Echoing()
    {
        _ = Task.Factory.StartNew(
            async () =>
            {
                try
                {
                    while (true)
                        _ = Echo(await listener.AcceptAsync());
                }
                catch (Exception e) when (e is SocketException or ObjectDisposedException)
                {
                    // Disposed: the test is over.
                }
            },
            CancellationToken.None, TaskCreationOptions.None, TaskScheduler.Default);
        return this;
    }

    public void Dispose() => listener.Dispose();

    private static async Task Echo(Socket socket)
    {
        using (socket)
        {
            socket.NoDelay = true;
            var chunk = new byte[16 * 1024];
            try
            {
                for (int read; (read = await socket.ReceiveAsync(chunk)) > 0;)
                {
                    for (var sent = 0; sent < read;)
                        sent += await socket.SendAsync(chunk.AsMemory(sent, read - sent));
                }
            }
            catch (SocketException)
            {
                // The test has reset it.
            }
        }
    }
}

/// <summary>A port that refuses: bound, so that nobody else gets it, and nobody listens.</summary>
internal sealed class Refusing : IDisposable
{
    private readonly Socket socket = Sockets.New();

    public Refusing() => socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));

    public int Port => ((IPEndPoint)socket.LocalEndPoint!).Port;

    public void Dispose() => socket.Dispose();
}

/// <summary>A port that answers no SYN: its listener's queue is full and stays so.</summary>
internal sealed class Silent : IDisposable
{
    private readonly Backend full = new(backlog: 0);
    private readonly Socket occupant;

    public Silent() => occupant = Sockets.Connect(full.Port);

    public int Port => full.Port;

    public void Dispose()
    {
        occupant.Dispose();
        full.Dispose();
    }
}
