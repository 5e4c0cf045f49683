namespace Bal.EndToEnd.Failover;

/// <summary>
/// Whose failure it was, and what status, log and explain say of it, in a network and with an /etc/hosts of its own.
/// </summary>
public sealed class WhoseFailureTests(ITestOutputHelper output)
{
    private const string Elsewhere = "10.7.7.7 self\n";

    [Fact]
    public async Task A_backend_that_this_machine_may_not_or_cannot_reach_is_down_with_that_reason()
    {
        await using var space = await NetworkSpace.Open(
            "127.0.0.1 localhost\n", "ip route add prohibit 10.7.7.7/32; ip route add unreachable 10.7.7.8/32");
        await using var bal = new BalInstance(
            output, new BalFile(Ports.Free(), "10.7.7.7:5432", "10.7.7.8:5432"));
        await space.StartBal(bal);

        await bal.SeeStatus("both are down", s => s.Backends.All(b => b.State == "down"));

        var text = (await bal.Run("status")).Succeeds().Out;
        Assert.Contains("this machine does not permit the connection", text, StringComparison.Ordinal);
        Assert.Contains("this machine has no route", text, StringComparison.Ordinal);
        Assert.Equal(
            ["not_permitted", "no_route"],
            (await bal.Status()).Backends.Select(b => b.LastFailure));
        foreach (var reason in new[] { "not_permitted", "no_route" })
            Assert.Single(bal.LogLines(), line => line.Contains("\"backend_down\"", StringComparison.Ordinal)
                && line.Contains($"\"{reason}\"", StringComparison.Ordinal));
        Assert.Contains(
            "(probe not permitted)", (await bal.Run("explain", "10.7.7.7:5432")).Succeeds().Out,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_refusal_is_not_hidden_by_an_address_of_a_family_that_is_switched_off()
    {
        await using var space = await NetworkSpace.Open(
            "127.0.0.1 db\n::1 db\n", "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6");
        await using var bal = new BalInstance(output, new BalFile(Ports.Free(), $"db:{Ports.Free()}"));
        await space.StartBal(bal);

        var status = await bal.SeeStatus("it is down", s => s.Backends[0].State == "down");

        Assert.Equal("refused", status.Backends[0].LastFailure);
    }

    [Fact]
    public async Task A_name_that_stops_resolving_is_a_warning_and_two_lines_in_the_log()
    {
        await using var space = await NetworkSpace.Open("127.0.0.1 db\n", "true");
        // The backend is in the same network: bal itself, of another home.
        await using var behind = new BalInstance(output, new BalFile(Ports.Free(), $"127.0.0.1:{Ports.Free()}"));
        await space.StartBal(behind);
        await using var bal = new BalInstance(output, new BalFile(Ports.Free(), $"db:{behind.File.Port}"));
        await space.StartBal(bal);
        await bal.SeeStatus("it is up", s => s.Reachable == 1);

        await space.Hosts("127.0.0.1 localhost\n");
        for (var i = 0; i < 3; i++)
        {
            var lookups = Failures(await Explain(bal));
            (await bal.Run("graceful")).Succeeds();
            await Eventually.See("one more lookup has failed", () => Explain(bal), e => Failures(e) > lookups);
        }

        var text = (await bal.Run("status")).Succeeds().Out;
        Assert.StartsWith("overall: WARN", text, StringComparison.Ordinal);
        Assert.Contains("1 backend name does not resolve: db:", text, StringComparison.Ordinal);
        await space.Hosts("127.0.0.1 db\n");
        (await bal.Run("graceful")).Succeeds();
        await Eventually.See("all is well", () => bal.Run("status"), s => s.Out.StartsWith("overall: OK"));
        Assert.Single(bal.LogLines(), line => line.Contains("name_unresolved", StringComparison.Ordinal));
        Assert.Single(bal.LogLines(), line => line.Contains("resolves again", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("0.0.0.0", "127.0.0.1")]
    [InlineData("0.0.0.0", "10.9.9.9")]
    [InlineData("::", "10.9.9.9")]
    [InlineData("127.0.0.1", "127.0.0.1")]
    public async Task A_name_that_comes_to_lead_to_bal_itself_is_neither_probed_nor_used(string bind, string own)
    {
        await using var space = await NetworkSpace.Open(
            Elsewhere, "ip address add 10.9.9.9/32 dev lo; ip route add unreachable 10.7.7.7/32");
        var port = Ports.Free();
        await using var bal = new BalInstance(output, new BalFile(port, $"self:{port}") { Bind = bind });
        await space.StartBal(bal);
        await space.Hosts($"{own} self\n");
        (await bal.Run("graceful")).Succeeds();

        var status = await bal.SeeStatus("it is found out", s => s.Backends[0].LastFailure == "own_listener");
        Assert.Equal("down", status.Backends[0].State);
        var before = status.Connections;
        // A client is reset, and nobody goes round in circles for it.
        await space.Run("bash", "-c", $"exec 3<>/dev/tcp/{own}/{port} && cat <&3");
        await bal.SeeStatus("nothing is open", s => s.Active == 0);
        Assert.Equal(before, (await bal.Status()).Connections);

        Assert.Contains("leads to an address that bal itself listens on",
            (await bal.Run("status")).Succeeds().Out, StringComparison.Ordinal);
        Assert.Single(bal.LogLines(), line => line.Contains("backend_is_own_listener", StringComparison.Ordinal));
        var doctor = await bal.Shell($"exec {string.Join(' ', space.Enter)} \"$BAL\" doctor");
        Assert.Contains("leads to an address that bal itself listens on", doctor.Out, StringComparison.Ordinal);

        await space.Hosts(Elsewhere);
        (await bal.Run("graceful")).Succeeds();
        await bal.SeeStatus("it is probed again", s => s.Backends[0].LastFailure == "no_route");
    }

    [Fact]
    public async Task Two_that_point_at_each_other_come_to_their_limits_for_a_client_and_to_nothing_without_one()
    {
        var (one, other) = (Ports.Free(), Ports.Free());
        await using var a = await BalInstance.Started(output, Facing(one, other));
        await using var b = await BalInstance.Started(output, Facing(other, one));
        var seen = new HashSet<string>();
        await a.SeeStatus("ten probes have ended, and it is up", s =>
            seen.Add(s.Root.GetProperty("last_check_time").GetString()!) && seen.Count >= 10 && s.Reachable == 1);
        Assert.Equal((0, 0), ((await a.Status()).Connections, (await b.Status()).Connections));

        using (var client = await a.ConnectUnlessReset())
        {
            await Eventually.See("one of them says that it is full",
                async () => (await a.Status()).Rejected + (await b.Status()).Rejected, rejected => rejected > 0);
        }

        await a.SeeStatus("the circle is gone", s => s.Active == 0);
        await b.SeeStatus("the circle is gone", s => s.Active == 0);
        Assert.Contains(a.LogLines().Concat(b.LogLines()),
            line => line.Contains("connections_rejected", StringComparison.Ordinal));
    }

    private static BalFile Facing(int port, int other) => new BalFile(port, $"127.0.0.1:{other}")
        .With("max_concurrent_connections", 50).With("health_check_interval_ms", 20);

    private static async Task<System.Text.Json.JsonElement> Explain(BalInstance bal) =>
        System.Text.Json.JsonDocument.Parse((await bal.Run("explain", "1", "--json")).Succeeds().Out).RootElement;

    // How often a lookup has failed, as the history says.
    private static int Failures(System.Text.Json.JsonElement explanation) => explanation.GetRawText()
        .Split("\"name_unresolved\"").Skip(1)
        .Sum(rest => int.Parse(System.Text.RegularExpressions.Regex.Match(rest, "\"count\": ?([0-9]+)").Groups[1].Value,
            System.Globalization.CultureInfo.InvariantCulture));
}
