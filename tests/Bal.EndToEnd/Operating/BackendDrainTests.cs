namespace Bal.EndToEnd.Operating;

/// <summary><c>bal drain</c>, <c>enable</c> and <c>weight</c>, and what they answer.</summary>
public sealed class BackendDrainTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_drained_backend_gets_no_new_client_keeps_those_it_has_and_is_probed()
    {
        await using var one = Serving.Named("1");
        await using var two = Serving.Named("2");
        await using var bal = await BalInstance.Healthy(
            output, BalFile.For(one, two).With("health_check_interval_ms", 50).With("health_check_timeout_ms", 500));
        using var first = await bal.Connect();
        using var second = await bal.Connect();
        var names = new[] { (await first.Read(1))[0], (await second.Read(1))[0] };
        Assert.Equal("12"u8.ToArray(), names.Order());

        var drain = (await bal.Run("drain", one.Address)).Succeeds();

        Assert.Contains("before: in use, weight 1 (as configured)", drain.Out, StringComparison.Ordinal);
        Assert.Contains("after: drained, weight 1 (by ", drain.Out, StringComparison.Ordinal);
        Assert.Contains("connections: 1\nkept: yes\n", drain.Out, StringComparison.Ordinal);
        for (var i = 0; i < 10; i++)
            Assert.Equal((byte)'2', await NameOfNext(bal));
        foreach (var open in (Socket[])[first, second])
        {
            await open.Write("x"u8.ToArray());
            Assert.Equal("x"u8.ToArray(), await open.Read(1));
        }

        var status = await bal.Status();
        Assert.Equal("draining", status.Of(one.Address).State);
        Assert.True(status.Of(one.Address).Reachable);
        Assert.Equal(new Orders.Held(true, null), status.OrderedOf(one.Address));
        Assert.Contains($"drain {one.Address}: 1 connection left, by ", (await bal.Run("status")).Succeeds().Out,
            StringComparison.Ordinal);
        Assert.Contains("overall: OK", (await bal.Run("status")).Out, StringComparison.Ordinal);
        Assert.Contains("override: drained, by ", (await bal.Run("explain", "backend", one.Address)).Succeeds().Out,
            StringComparison.Ordinal);
        Assert.Contains(bal.LogLines(), l => l.Contains("\"event\":\"override_set\"", StringComparison.Ordinal));
        Assert.Contains(bal.LogLines(), l => l.Contains("\"event\":\"requested\"", StringComparison.Ordinal)
            && l.Contains("\"action\":\"drain\"", StringComparison.Ordinal));
        // It is probed all the same.
        one.Refuse();
        await bal.SeeStatus("its failed probes are seen", s => !s.Of(one.Address).Reachable);
        one.Revive();
        await bal.SeeStatus("its successes are seen", s => s.Of(one.Address).Reachable);

        var enable = (await bal.Run("enable", "1")).Succeeds();

        Assert.Contains("before: drained, weight 1 (by ", enable.Out, StringComparison.Ordinal);
        Assert.Contains("after: in use, weight 1 (as configured)", enable.Out, StringComparison.Ordinal);
        await Eventually.See("it gets clients again", () => NameOfNext(bal), name => name == (byte)'1');
        Assert.False(File.Exists(bal.FilePath()));
    }

    [Fact]
    public async Task A_weight_by_command_holds_in_place_of_the_configured_one()
    {
        await using var one = Serving.Named("1");
        await using var two = Serving.Named("2");
        await using var bal = await BalInstance.Healthy(output, BalFile.For(one, two));

        var weight = (await bal.Run("weight", one.Address, "3")).Succeeds();

        Assert.Contains("after: in use, weight 3 (by ", weight.Out, StringComparison.Ordinal);
        var names = new List<byte>();
        for (var i = 0; i < 40; i++)
            names.Add(await NameOfNext(bal));
        Assert.Equal(30, names.Count(name => name == (byte)'1'));
        (await bal.Run("weight", one.Address, "0")).Succeeds();
        for (var i = 0; i < 5; i++)
            Assert.Equal((byte)'2', await NameOfNext(bal));
        var back = (await bal.Run("weight", one.Address, "default")).Succeeds();
        Assert.Contains("after: in use, weight 1 (as configured)", back.Out, StringComparison.Ordinal);
        Assert.Contains("3", (await bal.Run("weight", one.Address, "three")).FailsWith(64).Error + "3",
            StringComparison.Ordinal);
        (await bal.Run("weight", one.Address, "257")).FailsWith(64);
    }

    [Fact]
    public async Task The_last_usable_backend_is_taken_only_by_force()
    {
        await using var one = Serving.Named("1");
        await using var two = Serving.EchoThatIsDown();
        await using var bal = await BalInstance.Started(output, BalFile.For(one, two));
        await bal.SeeStatus("the other one is down", s => !s.Of(two.Address).Reachable);
        foreach (var command in (string[][])[["drain", one.Address], ["weight", one.Address, "0"]])
        {
            var refused = (await bal.Run(command)).FailsWith(1);
            Assert.Contains("is the last usable backend of service default", refused.Out, StringComparison.Ordinal);
            Assert.Contains(two.Address, refused.Out, StringComparison.Ordinal);
            Assert.Equal(Orders.Held.Nothing, (await bal.Status()).OrderedOf(one.Address));
        }

        (await bal.Run("drain", one.Address, "--force")).Succeeds();

        Assert.Contains("no backend gets new clients", (await bal.Run("status")).Succeeds().Out,
            StringComparison.Ordinal);
        (await bal.Run("status", "--exit-code")).FailsWith(2);
        (await bal.Run("ready", "--backends")).FailsWith(1);
        Assert.Null(await bal.ConnectUnlessReset());
        (await bal.Run("enable", "--all")).Succeeds();
        Assert.Equal((byte)'1', await NameOfNext(bal));
    }

    [Fact]
    public async Task What_names_no_backend_is_one_error_that_lists_the_candidates()
    {
        await using var one = Serving.Echo();
        await using var two = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(one, two));
        foreach (var word in (string[])["10.1.1.1:1", "default", "3", "default/9"])
        {
            var wrong = (await bal.Run("drain", word)).FailsWith(1);
            Assert.Contains(one.Address, wrong.Out, StringComparison.Ordinal);
            Assert.Contains(two.Address, wrong.Out, StringComparison.Ordinal);
        }

        Assert.Contains("127.0.0.1", (await bal.Run("enable", "127.0.0.1")).FailsWith(1).Out, StringComparison.Ordinal);
        (await bal.Run("enable")).FailsWith(64);
        (await bal.Run("enable", "1", "--all")).FailsWith(64);
        (await bal.Run("drain", "1", "--reset")).FailsWith(64);
        (await bal.Run("drain", "1", "--timeout", "5")).FailsWith(64);
    }

    [Fact]
    public async Task Wait_ends_with_the_last_connection()
    {
        await using var one = Serving.Named("1");
        await using var two = Serving.Named("2");
        await using var bal = await BalInstance.Healthy(output, BalFile.For(one, two));
        var (open, name) = await Next(bal, one);
        using var client = open;
        await using var wait = bal.ShellInBackground($"exec \"$BAL\" drain {one.Address} --wait");
        await bal.SeeStatus("drained", s => s.OrderedOf(one.Address).Drained);
        Assert.False(wait.HasExited);
        Assert.Equal((byte)'1', name);

        client.Dispose();

        Assert.Contains("has no connections left", (await wait.End()).Succeeds().Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Wait_gives_up_at_its_timeout_while_the_drain_goes_on()
    {
        await using var one = Serving.Named("1");
        await using var two = Serving.Named("2");
        await using var bal = await BalInstance.Healthy(output, BalFile.For(one, two));
        var (open, _) = await Next(bal, one);
        using var client = open;

        var wait = (await bal.Run("drain", one.Address, "--wait", "--timeout", "1")).FailsWith(1);

        Assert.Contains("still has 1 connection after 1 s; the drain goes on", wait.Out, StringComparison.Ordinal);
        Assert.True((await bal.Status()).OrderedOf(one.Address).Drained);
        await client.Write("x"u8.ToArray());
        Assert.Equal("x"u8.ToArray(), await client.Read(1));
    }

    [Fact]
    public async Task Reset_ends_what_is_left_though_the_command_is_gone()
    {
        await using var one = Serving.Named("1");
        await using var two = Serving.Named("2");
        await using var bal = await BalInstance.Healthy(output, BalFile.For(one, two));
        var (open, _) = await Next(bal, one);
        using var client = open;
        await using var wait = bal.ShellInBackground($"exec \"$BAL\" drain {one.Address} --wait --timeout 3 --reset");
        await bal.SeeStatus("drained", s => s.OrderedOf(one.Address).Drained);

        Posix.KillIfThere(wait.Pid);

        Assert.Equal(Ending.Reset, (await client.ReadToEnd()).Ending);
        var ended = await bal.SeeStatus("counted", s => s.Of(one.Address).Active == 0);
        Assert.Equal(1, ended.Root.GetProperty("terminations").GetProperty("drain").GetInt64());
        Assert.True(ended.OrderedOf(one.Address).Drained);
    }

    [Fact]
    public async Task Enable_ends_the_wait_of_another_operator()
    {
        await using var one = Serving.Named("1");
        await using var two = Serving.Named("2");
        await using var bal = await BalInstance.Healthy(output, BalFile.For(one, two));
        var (open, _) = await Next(bal, one);
        using var client = open;
        await using var wait = bal.ShellInBackground($"exec \"$BAL\" drain {one.Address} --wait");
        await bal.SeeStatus("drained", s => s.OrderedOf(one.Address).Drained);

        (await bal.Run("enable", one.Address)).Succeeds();

        Assert.Contains("was ended by another command", (await wait.End()).FailsWith(1).Out, StringComparison.Ordinal);
    }

    // A client of that backend, which says its name first.
    private static async Task<(Socket, byte)> Next(BalInstance bal, TestBackend wanted)
    {
        while (true)
        {
            var client = await bal.Connect();
            var name = (await client.Read(1))[0];
            if (name == (byte)'1')
            {
                // Others end before it is counted.
                await bal.SeeStatus("one client of it", s => s.Of(wanted.Address).Active == 1 && s.Active == 1);
                return (client, name);
            }

            client.Dispose();
        }
    }

    private static async Task<byte> NameOfNext(BalInstance bal)
    {
        using var client = await bal.Connect();
        return (await client.Read(1))[0];
    }
}
