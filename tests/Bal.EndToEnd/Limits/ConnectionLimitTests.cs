namespace Bal.EndToEnd.Limits;

/// <summary><c>max_concurrent_connections</c> is exact, whoever races.</summary>
public sealed class ConnectionLimitTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    public async Task Of_racing_clients_exactly_the_limit_is_served_and_the_surplus_is_reset(int threads)
    {
        const int Limit = 50;
        const int Clients = 400;
        await using var backend = Serving.Named("x");
        await using var bal = await BalInstance.Healthy(output,
            BalFile.For(backend).With("threads", threads).With("max_concurrent_connections", Limit));
        var clock = System.Diagnostics.Stopwatch.StartNew();
        for (var round = 1; round <= 3; round++)
        {
            var sockets = new System.Collections.Concurrent.ConcurrentBag<Socket>();
            var reset = 0;
            await Parallel.ForAsync(0, Clients, new ParallelOptions { MaxDegreeOfParallelism = 100 }, async (_, _) =>
            {
                var client = await bal.ConnectUnlessReset();
                if (client is null)
                    Interlocked.Increment(ref reset);
                else
                    sockets.Add(client);
            });

            Assert.Equal(Limit, sockets.Count);
            Assert.Equal(Clients - Limit, reset);
            var status = await bal.Status();
            Assert.Equal(Limit, status.Active);
            Assert.Equal(round * (Clients - Limit), status.Rejected);
            foreach (var socket in sockets)
                socket.Dispose();
            await bal.SeeStatus("every place is free again", s => s.Active == 0);
        }

        // At most one line a second, however many were rejected.
        (await bal.Run("stop")).Succeeds();
        var most = 1 + clock.ElapsedMilliseconds / 1_000;
        Assert.InRange(bal.LogLines().Count(l => l.Contains("reject", StringComparison.Ordinal)), 1, most);
    }

    [Fact]
    public async Task Raising_the_limit_by_a_reload_admits_more_at_once()
    {
        await using var backend = Serving.Named("x");
        var file = BalFile.For(backend).With("max_concurrent_connections", 1);
        await using var bal = await BalInstance.Healthy(output, file);
        using var first = await bal.Connect();
        await first.Read(1);
        Assert.Null(await bal.ConnectUnlessReset());

        await bal.Reload(file.With("max_concurrent_connections", 2));

        using var second = await bal.Connect();
        await second.Read(1);
        Assert.Equal(1, (await bal.Status()).Rejected);
    }
}
