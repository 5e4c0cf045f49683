using System.Text;

namespace Bal.EndToEnd.Failover;

/// <summary>Backends that go and come while clients are served.</summary>
public sealed class AvailabilityTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(8)]
    public async Task A_backend_killed_and_revived_in_the_middle_costs_no_new_client_an_error(int threads)
    {
        const int Clients = 8;
        await using var one = Serving.Echo();
        await using var two = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output,
            BalFile.For(one, two).With("health_check_interval_ms", 50).With("threads", threads));
        using var over = new CancellationTokenSource();
        var served = 0;
        // What waits in the queue of a listener that is closed is reset by the kernel, with or without bal. So nobody
        // may be in between at that moment; the next ones meet a backend that refuses and is believed to be up.
        using var between = new SemaphoreSlim(Clients);
        var clients = Enumerable.Range(0, Clients).Select(async _ =>
        {
            while (!over.IsCancellationRequested)
            {
                await between.WaitAsync();
                await bal.Exchange();
                between.Release();
                Interlocked.Increment(ref served);
            }
        }).ToArray();

        for (var round = 0; round < 3; round++)
        {
            await Passed(300);
            for (var i = 0; i < Clients; i++)
                await between.WaitAsync().WaitAsync(Eventually.Patience);
            one.Refuse();
            between.Release(Clients);
            await bal.SeeStatus("the first backend is out", s => s.Of(one.Address).State == "down");
            await Passed(300);
            one.Revive();
            await bal.SeeStatus("the first backend is back", s => s.Of(one.Address).State == "up");
        }

        await Passed(300);
        await over.CancelAsync();
        await Task.WhenAll(clients);
        var status = await bal.SeeStatus("all connections have ended", s => s.Active == 0);
        Assert.Equal(served, status.Connections);
        Assert.True(status.Of(one.Address).Total > 0);

        async Task Passed(int more)
        {
            var until = Volatile.Read(ref served) + more;
            await Eventually.Holds($"{more} more clients are served", () => Volatile.Read(ref served) >= until
                || clients.Any(c => c.IsFaulted));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    public async Task Round_robin_is_exact_over_the_whole_process(int threads)
    {
        await using var a = Serving.Named("a");
        await using var b = Serving.Named("b");
        await using var c = Serving.Named("c");
        await using var bal = await BalInstance.Healthy(output, BalFile.For(a, b, c).With("threads", threads));

        var order = new StringBuilder();
        for (var i = 0; i < 12; i++)
        {
            using var client = await bal.Connect();
            order.Append(Encoding.ASCII.GetString(await client.Read(1)));
        }

        Assert.Equal("abcabcabcabc", order.ToString());
        await Parallel.ForAsync(0, 588, new ParallelOptions { MaxDegreeOfParallelism = 40 }, async (_, _) =>
        {
            using var client = await bal.Connect();
            await client.Read(1);
        });
        var status = await bal.SeeStatus("all connections have ended", s => s.Active == 0);
        Assert.All(status.Backends, backend => Assert.Equal(200, backend.Total));
    }

    [Fact]
    public async Task With_every_backend_down_bal_starts_resets_its_clients_and_recovers_when_one_comes()
    {
        await using var one = Serving.EchoThatIsDown();
        await using var two = Serving.EchoThatIsDown();
        await using var bal = await BalInstance.Started(output, BalFile.For(one, two)
            .With("health_check_interval_ms", 50).With("protection_stable_success_threshold", 3));

        Assert.Null(await bal.ConnectUnlessReset());
        var failed = await bal.SeeStatus("protection is on", s => s.Protected && s.Reachable == 0);
        Assert.Equal("all_backends_unavailable", failed.ProtectionReason);
        Assert.Equal(0, failed.Rejected);
        Assert.Contains("protection_mode: on (all_backends_unavailable)", (await bal.Run("status")).Out,
            StringComparison.Ordinal);
        (await bal.Run("status", "--exit-code")).FailsWith(2);

        two.Revive();
        await bal.Exchange();
        await bal.SeeStatus("the revived one is up and protection is off", s =>
            s.Of(two.Address).State == "up" && !s.Protected && s.Reachable == 1);
        (await bal.Run("status", "--exit-code")).FailsWith(1);
    }

    [Fact]
    public async Task Reload_is_possible_while_every_backend_is_down()
    {
        await using var backend = Serving.EchoThatIsDown();
        var file = BalFile.For(backend).With("health_check_interval_ms", 50);
        await using var bal = await BalInstance.Started(output, file);
        await bal.SeeStatus("the backend is out", s => s.Reachable == 0);
        await bal.Reload(file.With("tcp_backlog", 77));
        backend.Revive();
        await bal.SeeStatus("it is back", s => s.Reachable == 1);
        await bal.Exchange();
    }

    [Fact]
    public async Task A_storm_of_refusals_turns_protection_on_and_successes_turn_it_off()
    {
        await using var refusing = Serving.Echo();
        await using var alive = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(refusing, alive)
            .With("failover_backoff_initial_ms", 1).With("failover_backoff_max_ms", 1).With("backend_cooldown_ms", 0)
            .With("health_check_interval_ms", 600_000).With("health_check_fail_threshold", 1_000_000)
            .With("protection_trigger_threshold", 5).With("protection_stable_success_threshold", 20));
        refusing.Refuse();
        var status = await Eventually.See("protection is on", async () =>
        {
            await bal.Exchange();
            return await bal.Status();
        }, s => s.Protected);
        Assert.Equal("timeout_or_refused_storm", status.ProtectionReason);
        Assert.NotNull(status.Root.GetProperty("protection_mode").GetProperty("since").GetString());

        refusing.Revive();
        await Eventually.See("protection is off", async () =>
        {
            await bal.Exchange();
            return await bal.Status();
        }, s => !s.Protected);
        Assert.Equal(2, (await bal.Status()).Reachable);
    }

    [Fact]
    public async Task A_backend_that_refuses_a_client_cools_down_and_is_left_alone_meanwhile()
    {
        await using var refusing = Serving.Echo();
        await using var alive = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, CoolingFor(600_000, refusing, alive));
        refusing.Refuse();
        // The first of them tell bal; how many that are depends on how fast the word gets around.
        var status = await Eventually.See("it cools down", async () =>
        {
            await bal.Exchange();
            return await bal.Status();
        }, s => s.Of(refusing.Address).State == "cooling");

        for (var i = 0; i < 10; i++)
            await bal.Exchange();

        var until = status.Root.GetProperty("backends")[0].GetProperty("cooldown_until").GetString()!;
        Assert.EndsWith("Z", until, StringComparison.Ordinal);
        var after = await bal.Status();
        Assert.Equal(status.Of(refusing.Address).Refused, after.Of(refusing.Address).Refused);
        Assert.Equal(status.Of(alive.Address).Total + 10, after.Of(alive.Address).Total);
    }

    [Fact]
    public async Task Time_alone_ends_a_cooldown()
    {
        await using var refusing = Serving.Echo();
        await using var alive = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, CoolingFor(1_500, refusing, alive));
        refusing.Refuse();
        await Eventually.See("it cools down", async () =>
        {
            await bal.Exchange();
            return bal.LogLines();
        }, lines => lines.Any(l => l.Contains("backend_cooling", StringComparison.Ordinal)));

        // No probe, no success, no other event.
        refusing.Revive();
        await bal.SeeStatus("the cooldown is over", s => s.Of(refusing.Address).State == "up");
        for (var i = 0; i < 4; i++)
            await bal.Exchange();
        Assert.Equal(2, (await bal.Status()).Of(refusing.Address).Total);
    }

    private static BalFile CoolingFor(int milliseconds, params TestBackend[] backends) => BalFile.For(backends)
        .WithRareProbes().With("health_check_fail_threshold", 1_000_000)
        .With("failover_backoff_initial_ms", milliseconds).With("failover_backoff_max_ms", milliseconds);

    [Fact]
    public async Task A_large_request_reaches_the_second_backend_whole_and_once_when_the_first_refuses()
    {
        await using var refusing = Serving.EchoThatIsDown();
        await using var alive = Serving.Echo();
        await using var bal = await BalInstance.Started(output,
            BalFile.For(refusing, alive).With("health_check_interval_ms", 600_000));
        var request = Wire.Random(500_000, seed: 9);
        using var client = await bal.Connect();
        var reading = client.ReadToEnd();
        await client.Write(request);
        client.Shutdown(SocketShutdown.Send);
        var answer = await reading;
        Assert.True(request.AsSpan().SequenceEqual(answer.Bytes));
    }
}
