namespace Bal.EndToEnd.Reloading;

/// <summary>A reload loses no connection and nothing that is known; a bad one changes nothing.</summary>
public sealed class ReloadTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    public async Task Reloads_in_a_row_under_load_cost_no_client_its_connection(int threads)
    {
        await using var one = Serving.Echo();
        await using var two = Serving.Echo();
        await using var three = Serving.Echo();
        var all = BalFile.For(one, two, three).With("threads", threads);
        var fewer = all with { Backends = [two.Address, one.Address] };
        await using var bal = await BalInstance.Healthy(output, all);
        using var over = new CancellationTokenSource();
        var served = 0;
        var clients = Enumerable.Range(0, 8).Select(async i =>
        {
            for (var n = 0; !over.IsCancellationRequested; n++)
            {
                using var client = await bal.Connect();
                var sent = Wire.Random(1 + n % 5_000, i);
                await client.Write(sent);
                Assert.Equal(sent, await client.Read(sent.Length));
                Interlocked.Increment(ref served);
            }
        }).ToArray();

        for (var reload = 0; reload < 15; reload++)
        {
            var until = Volatile.Read(ref served) + 20;
            await bal.Reload(reload % 2 == 0 ? fewer : all);
            await Eventually.Holds("clients are served", () =>
                Volatile.Read(ref served) > until || clients.Any(c => c.IsFaulted));
        }

        await over.CancelAsync();
        await Task.WhenAll(clients);
        Assert.Equal(16, (await bal.Status()).ConfigVersion);
        await bal.SeeStatus("the removed one is no longer listed", s => s.Active == 0 && s.Backends.Length == 2);
    }

    [Fact]
    public async Task What_stays_keeps_its_counters_its_health_and_its_cooldown()
    {
        await using var stays = Serving.Echo();
        await using var down = Serving.EchoThatIsDown();
        await using var goes = Serving.Echo();
        // The first probe takes it out, and no second one changes what is compared.
        var file = BalFile.For(stays, down, goes).WithRareProbes().With("health_check_fail_threshold", 1)
            .With("failover_backoff_initial_ms", 60_000).With("failover_backoff_max_ms", 60_000);
        await using var bal = await BalInstance.Started(output, file);
        for (var i = 0; i < 6; i++)
            await bal.Exchange();
        var before = await bal.SeeStatus("counted", s =>
            s.Active == 0 && s.Connections == 6 && s.Of(down.Address).State == "down");

        await bal.Reload(file with { Backends = [down.Address, stays.Address] });

        var after = await bal.SeeStatus("the removed one is gone", s => s.Backends.Length == 2);
        Assert.Equal(before.Of(stays.Address).Total, after.Of(stays.Address).Total);
        Assert.Equal(before.Of(stays.Address).BytesIn, after.Of(stays.Address).BytesIn);
        Assert.Equal("down", after.Of(down.Address).State);
        Assert.Equal(before.Of(down.Address).Refused, after.Of(down.Address).Refused);
    }

    [Fact]
    public async Task A_backend_removed_by_a_reload_drains_until_its_last_connection_ends()
    {
        await using var old = Serving.Named("o");
        await using var young = Serving.Named("y");
        var file = BalFile.For(old);
        await using var bal = await BalInstance.Healthy(output, file);
        using var open = await bal.Connect();
        Assert.Equal("o"u8.ToArray(), await open.Read(1));

        await bal.Reload(file with { Backends = [young.Address] });

        for (var i = 0; i < 3; i++)
        {
            using var client = await bal.Connect();
            Assert.Equal("y"u8.ToArray(), await client.Read(1));
        }

        var status = await bal.Status();
        Assert.Equal("draining", status.Of(old.Address).State);
        Assert.Equal(1, status.Of(old.Address).Active);
        Assert.Equal(1, status.Root.GetProperty("backend_total").GetInt32());
        await open.Write("still there"u8.ToArray());
        Assert.Equal("still there"u8.ToArray(), await open.Read(11));
        open.Dispose();
        await bal.SeeStatus("it is no longer listed", s => s.Backends.Length == 1);
    }

    [Fact]
    public async Task A_bad_file_changes_nothing_and_its_findings_are_told()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));
        await File.WriteAllTextAsync(bal.ConfigPath, "port: 70000\nbackendz: []\n");

        var graceful = (await bal.Run("graceful")).FailsWith(1);

        var told = graceful.Out + graceful.Error;
        Assert.Contains("70000", told, StringComparison.Ordinal);
        Assert.Contains("backendz", told, StringComparison.Ordinal);
        Assert.Contains("what_happened:", told, StringComparison.Ordinal);
        Assert.Equal(1, (await bal.Status()).ConfigVersion);
        await bal.Exchange();

        Posix.Signal(bal.Pid, Posix.HangUp);
        await Eventually.Holds("the refusal is logged", () => bal.LogLines().Count(l =>
            l.Contains("reload_refused", StringComparison.Ordinal)) == 2);
        await bal.Exchange();
    }

    [Fact]
    public async Task A_changed_port_takes_effect_while_the_old_connections_stay()
    {
        await using var backend = Serving.Echo();
        var file = BalFile.For(backend);
        await using var bal = await BalInstance.Healthy(output, file);
        using var old = await bal.Connect();
        await old.Write(new byte[1]);
        await old.Read(1);

        await bal.Reload(file with { Port = Ports.Free() });

        await bal.Exchange();
        Assert.Equal(bal.File.Port, (await bal.Status()).Root.GetProperty("port").GetInt32());
        await old.Write("old"u8.ToArray());
        Assert.Equal("old"u8.ToArray(), await old.Read(3));
        using var late = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await Eventually.See<bool>("the old port is closed", async () =>
        {
            using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                await probe.ConnectAsync(IPAddress.Loopback, file.Port);
                return false;
            }
            catch (SocketException)
            {
                return true;
            }
        }, closed => closed);
    }

    [Fact]
    public async Task A_reload_to_a_port_that_is_taken_is_refused_as_a_whole()
    {
        await using var holder = Serving.Echo();
        await using var backend = Serving.Echo();
        await using var other = Serving.Echo();
        var file = BalFile.For(backend);
        await using var bal = await BalInstance.Healthy(output, file);
        File.WriteAllText(bal.ConfigPath, (new BalFile(holder.Port, other.Address)).ToString());

        var graceful = (await bal.Run("graceful")).FailsWith(1);

        Assert.Contains("what_happened:", graceful.Out + graceful.Error, StringComparison.Ordinal);
        var status = await bal.Status();
        Assert.Equal(1, status.ConfigVersion);
        Assert.Equal(backend.Address, Assert.Single(status.Backends).Address);
        await bal.Exchange();
    }

    [Theory]
    [InlineData("127.0.0.1", "0.0.0.0")]
    [InlineData("0.0.0.0", "127.0.0.1")]
    [InlineData("127.0.0.1", "::")]
    public async Task A_bind_address_may_change_to_one_that_overlaps(string from, string to)
    {
        await using var backend = Serving.Echo();
        var file = BalFile.For(backend) with { Bind = from };
        await using var bal = await BalInstance.Healthy(output, file);
        using var old = await bal.Connect();
        await bal.Reload(file with { Bind = to });
        for (var i = 0; i < 10; i++)
            await bal.Exchange();
        await old.Write(new byte[1]);
        await old.Read(1);
    }
}
