using System.Buffers.Binary;
using System.Diagnostics;

namespace Bal.Soak;

/// <summary>Clients of every manner, one after the other in each of many hands, each verifying what it gets.</summary>
internal sealed class Clients(Ledger ledger, Func<IPEndPoint> where, int idleTimeoutMs)
{
    private const int PauseMs = 60;

    public async Task Run(int hands, int seed, CancellationToken over) =>
        await Task.WhenAll(Enumerable.Range(0, hands).Select(async hand =>
        {
            var random = new Random(seed * 1_000 + hand);
            while (!over.IsCancellationRequested)
            {
                await One(random);
                // The pace of a client; nothing is being waited for.
                await Task.Delay(random.Next(PauseMs), CancellationToken.None);
            }
        }));

    private Task One(Random random) => random.Next(100) switch
    {
        < 60 => Duplex("duplex", random, Size(random, 18), Size(random, 18), null),
        < 65 => Duplex("bulk", random, Size(random, 23), Size(random, 23), null),
        < 68 => Duplex("stalled reader", random, 100, 6_000_000, () => Task.Delay(random.Next(20, 400))),
        < 76 => ResetByBackend(random),
        < 88 => Abort(random),
        < 97 => Empty(random),
        _ => Idle(),
    };

    private static int Size(Random random, int bits) => (int)Math.Pow(2, random.NextDouble() * bits);

    private Task Duplex(string kind, Random random, int up, int down, Func<Task>? stall) =>
        Serve(kind, async (client, session, ended) =>
        {
            await client.SendAsync(new Order(session.Id, Kind.Duplex, up, down).ToBytes(), ended);
            var sending = SendAndFinish(client, session.Id, up, random.Next(), ended);
            var nextStall = down / 4;
            var got = await Transfer.Receive(client, Answer(session), down, stall is null ? null : at =>
            {
                if (at < nextStall)
                    return Task.CompletedTask;
                nextStall += down / 4;
                return stall();
            }, ended);
            var count = new byte[4];
            if (got < down || await Fill(client, count, ended) < 4)
                throw new EndOfStreamException($"a FIN after {got} of {down} bytes");
            if (BinaryPrimitives.ReadInt32LittleEndian(count) is var arrived && arrived != up)
                throw new WrongByteException($"{arrived} of {up} bytes arrived at the backend");
            if (await client.ReceiveAsync(count, ended) > 0)
                throw new WrongByteException("more bytes came than were sent");
            await sending;
            return up + down;
        });

    private Task ResetByBackend(Random random) => Serve("reset by the backend", async (client, session, ended) =>
    {
        var down = Size(random, 17);
        await client.SendAsync(new Order(session.Id, Kind.Reset, 0, down).ToBytes(), ended);
        try
        {
            var got = await Transfer.Receive(client, Answer(session), down, null, ended);
            if (got < down || await client.ReceiveAsync(new byte[1], ended) == 0)
                throw new EndOfStreamException($"a FIN in place of an RST, after {got} of {down} bytes");
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset && session.Seen)
        {
            // As it was ordered.
        }

        return down;
    });

    private Task Abort(Random random) => Serve("aborted by the client", async (client, session, ended) =>
    {
        var down = Size(random, 22);
        await client.SendAsync(new Order(session.Id, Kind.Duplex, down, down).ToBytes(), ended);
        var sending = Transfer.Send(client, session.Id, random.Next(down), new Random(random.Next()), ended);
        var got = await Transfer.Receive(client, Answer(session), random.Next(1, down + 1), null, ended);
        if (random.Next(2) == 0)
            await sending;
        client.Reset();
        await sending.ContinueWith(_ => { }, TaskScheduler.Default);
        return got;
    });

    private Task Empty(Random random) => Serve("without a word", async (client, _, _) =>
    {
        if (random.Next(2) == 0)
            client.Reset();
        await Task.Yield();
        return 0;
    });

    private Task Idle() => Serve("idle", async (client, session, ended) =>
    {
        await client.SendAsync(new Order(session.Id, Kind.Hold, 0, 0).ToBytes(), ended);
        if (await client.ReceiveAsync(new byte[1], ended) == 0)
            throw new EndOfStreamException("a FIN before the first byte");
        var more = await client.ReceiveAsync(new byte[1], ended);
        if (more != 0)
            throw new WrongByteException("a byte that nobody sent");
        // From before the last byte, so that a client which is late by itself does not find bal early.
        var life = Stopwatch.GetElapsedTime(session.Started).TotalMilliseconds;
        if (life < idleTimeoutMs - 50 || life > 3 * idleTimeoutMs)
            throw new EndOfStreamException($"closed after {life:0} ms");
        return 1;
    });

    private async Task Serve(string kind, Func<Socket, Session, CancellationToken, Task<int>> act)
    {
        var session = ledger.Begin(kind);
        using var client =
            new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using var bound = new CancellationTokenSource(Transfer.Patience);
        try
        {
            await client.ConnectAsync(where(), bound.Token);
            ledger.Done(session, await act(client, session, bound.Token));
        }
        catch (WrongByteException e)
        {
            ledger.Count("WRONG BYTES");
            ledger.Unexpected($"session {session.Id} ({kind}): {e.Message}");
        }
        catch (SocketException e)
        {
            ledger.Failed(session, e.SocketErrorCode.ToString());
        }
        catch (EndOfStreamException e)
        {
            ledger.Failed(session, e.Message);
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            ledger.Failed(session, $"nothing more came within {Transfer.Patience.TotalSeconds:0} s");
        }
    }

    private static async Task SendAndFinish(Socket client, long stream, int length, int seed, CancellationToken ended)
    {
        await Transfer.Send(client, stream, length, new Random(seed), ended);
        client.Shutdown(SocketShutdown.Send);
    }

    private static async Task<int> Fill(Socket client, byte[] bytes, CancellationToken ended)
    {
        var at = 0;
        for (int read; at < bytes.Length && (read = await client.ReceiveAsync(bytes.AsMemory(at), ended)) > 0;)
            at += read;
        return at;
    }

    private static long Answer(Session session) => ~session.Id & long.MaxValue;
}
