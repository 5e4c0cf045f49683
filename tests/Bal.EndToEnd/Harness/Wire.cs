namespace Bal.EndToEnd.Harness;

/// <summary>How the other side ended a connection.</summary>
internal enum Ending
{
    Fin,
    Reset,
}

/// <summary>What was read until the end, and how that looked.</summary>
internal sealed record Received(byte[] Bytes, Ending Ending);

/// <summary>Bytes on a socket, each exchange with a bound.</summary>
internal static class Wire
{
    public static async Task Write(this Socket socket, ReadOnlyMemory<byte> bytes, TimeSpan? patience = null)
    {
        using var bound = new CancellationTokenSource(patience ?? Eventually.Patience);
        while (!bytes.IsEmpty)
            bytes = bytes[await socket.SendAsync(bytes, bound.Token)..];
    }

    public static async Task<byte[]> Read(this Socket socket, int count, TimeSpan? patience = null)
    {
        using var bound = new CancellationTokenSource(patience ?? Eventually.Patience);
        var bytes = new byte[count];
        for (var at = 0; at < count;)
        {
            var read = await socket.ReceiveAsync(bytes.AsMemory(at), bound.Token);
            if (read == 0)
                throw new EndOfStreamException($"the connection ended after {at} of {count} bytes");
            at += read;
        }

        return bytes;
    }

    /// <summary>Waits for the first byte; false where the answer is an RST.</summary>
    public static async Task<bool> ReadToReply(this Socket socket)
    {
        try
        {
            return (await socket.Read(1)).Length == 1;
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            return false;
        }
    }

    /// <summary>Reads until FIN or RST.</summary>
    public static async Task<Received> ReadToEnd(this Socket socket, TimeSpan? patience = null)
    {
        var all = new MemoryStream();
        var ending = await socket.Drain(chunk => all.Write(chunk.Span), patience);
        return new Received(all.ToArray(), ending);
    }

    public static async Task<Ending> Drain(
        this Socket socket, Action<ReadOnlyMemory<byte>> take, TimeSpan? patience = null)
    {
        using var bound = new CancellationTokenSource(patience ?? Eventually.Patience);
        var buffer = new byte[64 * 1024];
        try
        {
            while (true)
            {
                var read = await socket.ReceiveAsync(buffer, bound.Token);
                if (read == 0)
                    return Ending.Fin;
                take(buffer.AsMemory(0, read));
            }
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            return Ending.Reset;
        }
    }

    /// <summary>Closes with an RST in place of a FIN (SO_LINGER, socket(7)).</summary>
    public static void Reset(this Socket socket)
    {
        socket.LingerState = new LingerOption(true, 0);
        socket.Dispose();
    }

    public static byte[] Random(int length, int seed)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
