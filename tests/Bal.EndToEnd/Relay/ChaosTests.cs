namespace Bal.EndToEnd.Relay;

/// <summary>Whatever clients do, nothing of them stays behind.</summary>
public sealed class ChaosTests(ITestOutputHelper output)
{
    private const int IdlePipes = 16;

    [Theory]
    [InlineData(1, "auto")]
    [InlineData(2, "splice")]
    [InlineData(8, "copy")]
    public async Task Random_clients_leave_no_connection_no_descriptor_and_no_count_behind(int threads, string relay)
    {
        await using var one = Serving.Echo();
        await using var two = Serving.SendsThenResets(Wire.Random(50_000, seed: 1));
        await using var three = Serving.ClosingAtOnce();
        await using var bal = await BalInstance.Healthy(output,
            BalFile.For(one, two, three).With("threads", threads).With("relay", relay));
        // A first connection, for what is only made when it is needed.
        using (var first = await bal.Connect())
        {
            await first.Write(new byte[1]);
            await first.Read(1);
        }

        await bal.SeeStatus("the first connection has ended", s => s.Active == 0);
        var sockets = ProcFs.Descriptors(bal.Pid, "socket:");
        var others = ProcFs.Descriptors(bal.Pid, "anon_inode:");
        var pipes = ProcFs.Descriptors(bal.Pid, "pipe:");

        await Parallel.ForAsync(0, 1_500, new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (i, _) =>
        {
            var random = new Random(i);
            var client = await bal.Connect();
            try
            {
                // Every third stays until it has a backend; of the others a slow bal may find nothing but a grave.
                if (i % 3 == 0)
                {
                    await client.Write(new byte[1]);
                    using var bound = new CancellationTokenSource(Eventually.Patience);
                    await client.ReceiveAsync(new byte[1].AsMemory(), bound.Token);
                }

                for (var steps = random.Next(6); steps > 0; steps--)
                    await Act(client, random);
            }
            catch (SocketException)
            {
                // Two of the three backends end connections.
            }

            if (random.Next(2) == 0)
                client.Reset();
            else
                client.Dispose();
        });

        await bal.SeeStatus("no connection is left", s => s.Active == 0 && s.Backends.All(b => b.Active == 0));
        // Probes come and go; what leaks never comes back.
        await Eventually.See("no socket is left", () => ProcFs.Descriptors(bal.Pid, "socket:"), n => n <= sockets);
        Assert.Equal(others, ProcFs.Descriptors(bal.Pid, "anon_inode:"));
        // Each loop keeps a few pipes for the next bulk transfer.
        Assert.InRange(ProcFs.Descriptors(bal.Pid, "pipe:"), 0, pipes + IdlePipes * 2 * threads);
        await Eventually.Holds("the backend has none left, either", () => one.Open == 0);
        // A client that is gone before it got a backend was never a backend's connection.
        var status = await bal.Status();
        Assert.InRange(status.Connections, 500, 1_501);
        Assert.Equal(0, status.Rejected);
    }

    private static async Task Act(Socket client, Random random)
    {
        switch (random.Next(4))
        {
            case 0:
                await client.Write(new byte[random.Next(1, 100_000)], TimeSpan.FromSeconds(5));
                break;
            case 1:
                await client.Write(new byte[1]);
                break;
            case 2:
                client.Shutdown(SocketShutdown.Send);
                break;
            default:
                await Task.Yield();
                break;
        }
    }
}
