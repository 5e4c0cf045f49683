namespace Bal.EndToEnd.Limits;

/// <summary>Bursts of clients up to what the process may open, and beyond.</summary>
public sealed class BurstTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(1, "splice")]
    [InlineData(2, "auto")]
    [InlineData(8, "copy")]
    public async Task In_every_burst_to_the_descriptor_limit_each_client_is_served_or_reset(int threads, string relay)
    {
        const int Clients = 400;
        await using var backend = Serving.Named("x");
        await using var bal =
            new BalInstance(output, BalFile.For(backend).With("threads", threads).With("relay", relay));
        (await bal.Shell("ulimit -n 512; exec \"$BAL\" start -d")).Succeeds();
        await bal.SeeStatus("the backend is up", s => s.Reachable == 1);
        var counts = new List<int>();
        for (var burst = 0; burst < 3; burst++)
        {
            var clients = await Task.WhenAll(Enumerable.Range(0, Clients).Select(_ => bal.ConnectUnlessReset()));
            var served = clients.OfType<Socket>().ToArray();
            counts.Add(served.Length);
            // Those who were served are served to the end, without a pipe where there is none to be had.
            await Parallel.ForEachAsync(served.Take(20), async (client, _) =>
            {
                var sent = Wire.Random(300_000, seed: burst);
                var reading = client.ReadToEnd();
                await client.Write(sent, Eventually.Patience);
                client.Shutdown(SocketShutdown.Send);
                var answer = await reading;
                Assert.True(sent.AsSpan().SequenceEqual(answer.Bytes));
            });
            foreach (var client in served)
                client.Dispose();
            await bal.SeeStatus("no connection is left", s => s.Active == 0);
        }

        output.WriteLine($"of {Clients} clients in each burst were served: {string.Join(", ", counts)}");
        // Two descriptors for a connection, four more where it splices; nothing is lost from burst to burst.
        Assert.All(counts, served => Assert.InRange(served, 512 / 8, 512 / 2));
        var status = await bal.Status();
        Assert.Equal("up", status.Backends[0].State);
        Assert.False(status.Protected);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    public async Task However_clients_come_and_go_a_backend_never_sees_more_than_the_limit(int threads)
    {
        const int Limit = 20;
        var (open, most) = (0, 0);
        await using var backend = new TestBackend(async (socket, ended) =>
        {
            await socket.Read(1);
            var now = Interlocked.Increment(ref open);
            InterlockedMax(ref most, now);
            await socket.SendAsync(new byte[1], ended);
            await socket.ReadToEnd();
            // Before it closes, so that the place is given back here before it is taken again there.
            Interlocked.Decrement(ref open);
        });
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend)
            .With("threads", threads).With("max_concurrent_connections", Limit));
        var (served, reset) = (0, 0);

        await Parallel.ForAsync(0, 1_500, new ParallelOptions { MaxDegreeOfParallelism = 60 }, async (i, _) =>
        {
            try
            {
                using var client = await bal.Connect();
                await client.Write(new byte[1]);
                await client.Read(1);
                Interlocked.Increment(ref served);
                client.Shutdown(SocketShutdown.Send);
                await client.ReadToEnd();
            }
            catch (SocketException)
            {
                Interlocked.Increment(ref reset);
            }
        });

        output.WriteLine($"{served} served, {reset} reset, at most {most} at a time");
        Assert.InRange(most, 1, Limit);
        var status = await bal.SeeStatus("every place is free again", s => s.Active == 0);
        Assert.Equal(reset, status.Rejected);
        Assert.Equal(served, status.Connections);
    }

    private static void InterlockedMax(ref int most, int now)
    {
        for (int seen; (seen = Volatile.Read(ref most)) < now
            && Interlocked.CompareExchange(ref most, now, seen) != seen;)
        {
        }
    }
}
