using System.Buffers.Binary;
using System.Net.Sockets;
using Bal.Infrastructure.Linux;

namespace Bal.KernelLab.Integrity;

/// <summary>One end of a stream, with what such an end can do.</summary>
internal sealed class Connection(Socket socket, Random random, CancellationToken stop)
{
    private const int Large = 256 * 1024;
    private const int Chunk = 64 * 1024;

    public Random Random => random;

    /// <summary>Bytes that the kernel took from this end.</summary>
    public long Sent { get; private set; }

    /// <summary>From nothing to 256 KiB, each order of magnitude as likely as another.</summary>
    public int Size() => (int)Math.Pow(Large, random.NextDouble()) - 1;

    public async Task<Outcome> Send(int length)
    {
        var message = Pattern.Message(length);
        for (var sent = 0; sent < message.Length;)
        {
            var chunk = Math.Min(message.Length - sent, 1 + random.Next(Chunk));
            var taken = await socket.SendAsync(message.AsMemory(sent, chunk), stop);
            Sent += taken;
            sent += taken;
        }

        return Outcome.Fine;
    }

    public Task<Outcome> Fin()
    {
        socket.Shutdown(SocketShutdown.Send);
        return Task.FromResult(Outcome.Fine);
    }

    /// <summary>
    /// Sends bytes and FIN so that they leave in one segment: the cork holds the bytes back until the FIN is there.
    /// </summary>
    public async Task<Outcome> SendWithFin(int length)
    {
        const int tcp = 6, cork = 3;
        socket.SetRawSocketOption(tcp, cork, [1, 0, 0, 0]);
        Sent += await socket.SendAsync(Pattern.Message(length), stop);
        return await Fin();
    }

    /// <summary>One message and no byte more.</summary>
    /// <param name="pause">What to do before each read.</param>
    public async Task<Outcome> Receive(Func<Task>? pause = null)
    {
        var header = new byte[Pattern.HeaderSize];
        for (var got = 0; got < header.Length;)
        {
            var read = await socket.ReceiveAsync(header.AsMemory(got), stop);
            if (read == 0)
                return Outcome.Short;
            got += read;
        }

        var length = BinaryPrimitives.ReadInt64LittleEndian(header);
        if (length is < 0 or > int.MaxValue)
            return Outcome.Wrong;
        var buffer = new byte[Chunk];
        for (long offset = 0; offset < length;)
        {
            if (pause != null)
                await pause();
            var wanted = (int)Math.Min(buffer.Length, length - offset);
            var read = await socket.ReceiveAsync(buffer.AsMemory(0, wanted), stop);
            if (read == 0)
                return Outcome.Short;
            if (Pattern.FirstWrong(buffer.AsSpan(0, read), length, offset) >= 0)
                return Outcome.Wrong;
            offset += read;
        }

        return Outcome.Fine;
    }

    public Task<Outcome> ReceiveSlowly()
    {
        socket.ReceiveBufferSize = Chunk / 2;
        return Receive(() => random.Next(8) == 0 ? Task.Delay(1, stop) : Task.CompletedTask);
    }

    public async Task<Outcome> ReceiveEnd() =>
        await socket.ReceiveAsync(new byte[1], stop) == 0 ? Outcome.Fine : Outcome.Surplus;

    /// <summary>Fine exactly when the connection ends by an RST.</summary>
    public async Task<Outcome> ReceiveReset()
    {
        try
        {
            return await socket.ReceiveAsync(new byte[1], stop) == 0 ? Outcome.ResetLost : Outcome.Surplus;
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            return Outcome.Fine;
        }
    }

    /// <summary>
    /// Ends by an RST, but only when the other host has all that was sent: an RST throws away what waits to be sent.
    /// </summary>
    public async Task<Outcome> ResetWhenDelivered()
    {
        while (Unacknowledged() > 0)
            await Task.Delay(1, stop);
        return Reset();
    }

    /// <summary>Fine when the relay stops taking bytes before <paramref name="bound"/>.</summary>
    public async Task<Outcome> SendUntilRefused(long bound)
    {
        var chunk = new byte[4 * Chunk];
        while (Sent < bound)
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
            patience.CancelAfter(1_000);
            try
            {
                Sent += await socket.SendAsync(chunk, patience.Token);
            }
            catch (OperationCanceledException) when (!stop.IsCancellationRequested)
            {
                return Reset();
            }
        }

        _ = Reset();
        return Outcome.Unbounded;
    }

    /// <summary>Reads nothing until the connection ends by an RST.</summary>
    public async Task<Outcome> ReadNothing()
    {
        socket.ReceiveBufferSize = Chunk / 2;
        while (!Closed())
            await Task.Delay(20, stop);
        return Outcome.Fine;
    }

    private unsafe int Unacknowledged()
    {
        var queued = 0;
        return Libc.ioctl((int)socket.Handle, Libc.SIOCOUTQ, &queued) == 0 ? queued : 0;
    }

    // TCP_INFO begins with the state (tcp(7)); unread bytes keep an RST from being seen in any other way.
    private unsafe bool Closed()
    {
        const int tcpInfo = 11;
        const byte closed = 7;
        byte state;
        var length = 1u;
        return Libc.getsockopt((int)socket.Handle, Libc.IPPROTO_TCP, tcpInfo, &state, &length) != 0 || state == closed;
    }

    private Outcome Reset()
    {
        socket.LingerState = new LingerOption(true, 0);
        socket.Close();
        return Outcome.Fine;
    }
}
