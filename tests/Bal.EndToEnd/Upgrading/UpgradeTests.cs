namespace Bal.EndToEnd.Upgrading;

/// <summary>A new binary takes over: nobody is refused, nothing that is known is lost.</summary>
public sealed class UpgradeTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Upgrades_in_a_row_under_load_refuse_nobody_and_cut_no_connection_whatever_the_number_of_loops()
    {
        await using var one = Serving.Echo();
        await using var two = Serving.Echo();
        using var installed = new InstalledBal();
        var file = BalFile.For(one, two).With("threads", 2);
        await using var bal = await BalInstance.Healthy(output, file, installed.Path);
        await using var load = new Load(bal, coming: 6, staying: 2);
        foreach (var threads in (int[])[4, 1, 3])
        {
            await load.GoesOn();
            var old = bal.Pid;
            bal.Write(file.With("threads", threads));
            installed.Renew();

            (await bal.Run("upgrade")).Succeeds();

            Assert.NotEqual(old, bal.Pid);
            Assert.Equal(bal.Pid, (await bal.Status()).Pid);
            await load.GoesOn();
        }

        await load.End();
        var status = await bal.SeeStatus(
            "every replaced process has ended", s => s.Previous.Length == 0 && s.Active == 0);
        // The two that stayed were counted by the first process, which is gone.
        Assert.Equal(load.Served + 2, status.Connections);
        Assert.Equal(4, status.ConfigVersion);
    }

    [Fact]
    public async Task Health_counters_cooldown_and_protection_are_carried_over()
    {
        await using var up = Serving.Echo();
        await using var down = Serving.Echo();
        using var installed = new InstalledBal();
        var file = BalFile.For(up, down).WithRareProbes()
            .With("health_check_fail_threshold", 100)
            .With("failover_backoff_initial_ms", 300_000).With("failover_backoff_max_ms", 300_000)
            .With("protection_trigger_threshold", 1).With("protection_stable_success_threshold", 1_000);
        await using var bal = await BalInstance.Healthy(output, file, installed.Path);
        down.Refuse();
        await Eventually.See("protection is on", async () =>
        {
            await bal.Exchange();
            return await bal.Status();
        }, s => s.Protected);
        var before = await bal.SeeStatus("counted", s => s.Active == 0);

        (await bal.Run("upgrade")).Succeeds();

        var after = await bal.SeeStatus("the old one has ended", s => s.Previous.Length == 0);
        Assert.True(after.Protected);
        Assert.Equal(before.ProtectionReason, after.ProtectionReason);
        Assert.Equal("cooling", after.Of(down.Address).State);
        foreach (var backend in before.Backends)
        {
            var same = after.Of(backend.Address);
            Assert.Equal(backend.State, same.State);
            Assert.Equal((backend.Total, backend.BytesIn, backend.BytesOut), (same.Total, same.BytesIn, same.BytesOut));
            Assert.Equal(backend.Refused, same.Refused);
        }

        Assert.True(after.Root.GetProperty("uptime_ms").GetInt64() >= before.Root.GetProperty("uptime_ms").GetInt64());
    }

    [Fact]
    public async Task Status_shows_both_while_the_old_one_has_connections_and_sums_what_they_count()
    {
        await using var backend = Serving.Echo();
        using var installed = new InstalledBal();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend), installed.Path);
        using var open = await bal.Connect();
        await open.Write(new byte[10]);
        await open.Read(10);
        var old = bal.Pid;
        (await bal.Run("upgrade")).Succeeds();

        await open.Write(new byte[90]);
        await open.Read(90);
        await bal.Exchange();

        var status = await bal.SeeStatus("only the old connection is open", s => s.Active == 1);
        Assert.Equal([(old, 1L)], status.Previous);
        Assert.Equal((1L, 2L, 104L), (status.Backends[0].Active, status.Backends[0].Total, status.Backends[0].BytesIn));
        Assert.Contains(
            $"draining: old process pid={old} (version ", (await bal.Run("status"))
                .Succeeds().Out, StringComparison.Ordinal);
        open.Dispose();
        await Eventually.Holds("the old process has ended with its last connection", () => !ProcFs.IsAlive(old));
        Assert.Equal(104, (await bal.SeeStatus("it is gone", s => s.Previous.Length == 0)).Backends[0].BytesIn);
    }

    [Fact]
    public async Task The_connection_limit_is_exact_over_both_processes()
    {
        await using var backend = Serving.Named("x");
        using var installed = new InstalledBal();
        var file = BalFile.For(backend).With("max_concurrent_connections", 3);
        await using var bal = await BalInstance.Healthy(output, file, installed.Path);
        var open = new List<Socket>();
        for (var i = 0; i < 3; i++)
            open.Add((await bal.ConnectUnlessReset())!);
        (await bal.Run("upgrade")).Succeeds();

        for (var i = 0; i < 3; i++)
        {
            Assert.Null(await bal.ConnectUnlessReset());
            open[i].Shutdown(SocketShutdown.Send);
            Assert.Equal(Ending.Fin, await open[i].Drain(_ => { }));
            // Whoever has seen its connection end finds its place free, in whichever process it was.
            open.Add(Assert.IsType<Socket>(await bal.ConnectUnlessReset()));
        }

        Assert.Null(await bal.ConnectUnlessReset());
        Assert.Equal(4, (await bal.Status()).Rejected);
        open.ForEach(socket => socket.Dispose());
    }

    [Fact]
    public async Task What_the_file_says_by_then_is_applied_like_a_reload_another_port_included()
    {
        await using var stays = Serving.Echo();
        await using var added = Serving.Echo();
        using var installed = new InstalledBal();
        var file = BalFile.For(stays);
        await using var bal = await BalInstance.Healthy(output, file, installed.Path);
        await bal.Exchange();
        bal.Write(BalFile.For(stays, added));

        (await bal.Run("upgrade")).Succeeds();

        var status = await bal.SeeStatus("both are served", s => s.Backends.Length == 2 && s.Reachable == 2);
        Assert.Equal(1, status.Of(stays.Address).Total);
        await bal.Exchange();
        await Eventually.Holds("nobody listens on the former port any more", () => !Accepts(file.Port));
    }

    private static bool Accepts(int port)
    {
        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            client.Connect(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
        {
            return false;
        }
    }

    [Fact]
    public async Task USR2_upgrades_and_the_round_robin_sequence_goes_on()
    {
        await using var one = Serving.Named("1");
        await using var two = Serving.Named("2");
        using var installed = new InstalledBal();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(one, two), installed.Path);
        Assert.Equal("1", await Name(bal));
        var old = bal.Pid;

        Posix.Signal(old, Posix.Usr2);

        await Eventually.Holds("another process serves", () => File.ReadAllText(bal.PidPath) is { Length: > 1 } pid
            && pid != $"{old}\n");
        Assert.Equal("2", await Name(bal));
        Assert.Equal("1", await Name(bal));
    }

    [Fact]
    public async Task A_foreground_process_is_replaced_by_one_with_the_same_streams()
    {
        await using var backend = Serving.Echo();
        using var installed = new InstalledBal();
        await using var bal = new BalInstance(output, BalFile.For(backend)) { Program = installed.Path };
        await using var foreground = await bal.Foreground();

        (await bal.Run("upgrade")).Succeeds();

        await Eventually.Holds("the old one has ended", () => foreground.HasExited);
        await bal.Exchange();
        Assert.False(File.Exists(bal.LogPath));
        (await bal.Run("stop")).Succeeds();
        var finished = (await foreground.End()).Succeeds();
        Assert.Equal(2, finished.Error.Split('\n').Count(l => l.Contains("\"started\"", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task What_is_started_is_what_the_operators_path_leads_to_by_then()
    {
        await using var backend = Serving.Echo();
        using var before = new InstalledBal();
        using var after = new InstalledBal();
        var home = Directory.CreateTempSubdirectory("bal-link-");
        var link = Path.Combine(home.FullName, "bal");
        File.CreateSymbolicLink(link, before.Path);
        await using (var bal = await BalInstance.Healthy(output, BalFile.For(backend), link))
        {
            File.Delete(link);
            File.CreateSymbolicLink(link, after.Path);

            (await bal.Run("upgrade")).Succeeds();

            Assert.Equal(after.Path, new FileInfo($"/proc/{bal.Pid}/exe").LinkTarget);
        }

        home.Delete(recursive: true);
    }

    private static async Task<string> Name(BalInstance bal)
    {
        using var client = await bal.Connect();
        return System.Text.Encoding.ASCII.GetString(await client.Read(1));
    }
}
