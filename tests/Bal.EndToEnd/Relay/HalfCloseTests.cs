using System.Diagnostics;

namespace Bal.EndToEnd.Relay;

/// <summary>A FIN ends one direction; the other one goes on for as long as it has something to say.</summary>
public sealed class HalfCloseTests(ITestOutputHelper output)
{
    private const int Idle = 1_500;
    private const int Long = 12_000_000;
    private const int Short = 700_000;

    public static TheoryData<string, bool> ModesAndSides => new()
    {
        { "auto", true }, { "copy", true }, { "splice", true },
        { "auto", false }, { "copy", false }, { "splice", false },
    };

    [Theory]
    [MemberData(nameof(ModesAndSides))]
    public async Task A_FIN_cuts_nothing_of_what_is_in_flight_the_other_way(string relay, bool clientEnds)
    {
        var upload = Wire.Random(clientEnds ? Short : Long, seed: 1);
        var download = Wire.Random(clientEnds ? Long : Short, seed: 2);
        var arrived = new TaskCompletionSource<Received>();
        await using var backend = new TestBackend(async (socket, _) =>
        {
            var reading = socket.ReadToEnd();
            await SendAndFinish(socket, download);
            var got = await reading;
            // bal's probes say nothing.
            if (got.Bytes.Length > 0)
                arrived.TrySetResult(got);
        });
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend).With("relay", relay));
        using var client = await bal.Connect();

        // Both begin at once; the one with less to say ends in the middle of the other's transfer.
        var reading = client.ReadToEnd();
        await SendAndFinish(client, upload);
        var received = await reading;
        var sent = await arrived.Task.WaitAsync(Eventually.Patience);

        Assert.Equal((Ending.Fin, Ending.Fin), (received.Ending, sent.Ending));
        Assert.True(download.AsSpan().SequenceEqual(received.Bytes));
        Assert.True(upload.AsSpan().SequenceEqual(sent.Bytes));
        await bal.SeeStatus("the connection has ended", s => s.Active == 0);
    }

    [Theory]
    [MemberData(nameof(ModesAndSides))]
    public async Task Half_closed_and_silent_a_connection_lasts_for_the_idle_timeout(string relay, bool clientEnds)
    {
        var ended = new TaskCompletionSource<Received>();
        await using var backend = new TestBackend(async (socket, _) =>
        {
            if (!clientEnds)
                socket.Shutdown(SocketShutdown.Send);
            await socket.Read(1);
            ended.TrySetResult(await socket.ReadToEnd());
            // Silent, until bal gives up.
            await Task.Delay(Timeout.Infinite, CancellationToken.None);
        });
        await using var bal = await BalInstance.Healthy(
            output, BalFile.For(backend).With("connection_idle_timeout_ms", Idle).With("relay", relay));
        using var client = await bal.Connect();
        var clock = Stopwatch.StartNew();
        await client.Write(new byte[1]);
        if (clientEnds)
            client.Shutdown(SocketShutdown.Send);

        // The client's FIN has reached the backend long before; the other direction ends with the connection.
        await bal.SeeStatus("the connection is gone", s => s.Active == 0 && s.Connections == 1);

        Assert.InRange(clock.ElapsedMilliseconds, Idle - 50, 20_000);
        Assert.Equal(Ending.Fin, (await client.ReadToEnd()).Ending);
        Assert.Equal(Ending.Fin, (await ended.Task.WaitAsync(Eventually.Patience)).Ending);
    }

    private static async Task SendAndFinish(Socket socket, byte[] bytes)
    {
        await socket.Write(bytes);
        socket.Shutdown(SocketShutdown.Send);
    }
}
