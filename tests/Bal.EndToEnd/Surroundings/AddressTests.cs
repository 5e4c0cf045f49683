using System.Collections.Concurrent;
using System.Text.Json;
using Bal.EndToEnd.Upgrading;

namespace Bal.EndToEnd.Surroundings;

/// <summary>Addresses that come and go, and addresses to connect from (docs/behaviour.md, Addresses).</summary>
public sealed class AddressTests(ITestOutputHelper output)
{
    private const int NoPort = 24;

    [Theory]
    [InlineData("192.0.2.10", "192.0.2.11")]
    [InlineData("2001:db8::10", "2001:db8::11")]
    public async Task A_virtual_address_is_listened_on_while_this_machine_does_not_have_it(string address, string next)
    {
        if (!NetworkSpace.CanEnter)
            return;
        await using var space = await NetworkSpace.Open();
        await using var backend = space.Inside(() => Serving.Named("x"));
        using var installed = new InstalledBal();
        var file = BalFile.For(backend) with { Bind = address };
        await using var bal = new BalInstance(output, file) { Program = installed.Path };

        var without = (await In(space, bal, "start -d")).FailsWith(1);
        Assert.Contains("set 'freebind: true'", without.Error, StringComparison.Ordinal);
        bal.Write(file with { More = "freebind: true" });
        Assert.Contains("is free", (await In(space, bal, "doctor --verbose")).Out, StringComparison.Ordinal);
        await space.StartBal(bal);
        (await bal.Run("ready")).Succeeds();
        Assert.Contains("(freebind)", (await bal.Run("explain")).Succeeds().Out, StringComparison.Ordinal);

        // It comes, goes, and comes again, an upgrade between.
        await Serves(space, bal, address);
        (await bal.Run("upgrade")).Succeeds();
        await Serves(space, bal, address);

        await bal.Reload(bal.File with { Bind = next });
        await Serves(space, bal, next);
        bal.Write(file);
        Assert.Contains("set 'freebind: true'", (await bal.Run("graceful")).FailsWith(1).Error);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Each_source_address_has_local_ports_of_its_own(int sources)
    {
        if (!NetworkSpace.CanEnter)
            return;
        await using var space = await NetworkSpace.Open();
        await using var backend = space.Inside(() => Serving.Named("x"));
        await using var bal = new BalInstance(output, BalFile.For(backend).WithRareProbes() with
        {
            More = $"source_addresses: [{string.Join(", ", new[] { "127.0.0.2", "127.0.0.3" }.Take(sources))}]",
        });
        await space.StartBal(bal);
        // A backend starts up, and its first check needs a port, too.
        await bal.SeeStatus("the backend has been checked", s => s.Reachable == 1
            && s.Root.GetProperty("backends")[0].GetProperty("last_check_time").ValueKind == JsonValueKind.String);
        space.Set("ipv4/ip_local_port_range", "40000 40019");

        // Twenty from each of three addresses.
        var clients = Enumerable.Range(0, 60)
            .Select(i => space.Inside(() => From($"127.0.0.{10 + i / 20}", bal.Endpoint))).ToArray();
        var served = 0;
        foreach (var client in clients)
            served += await client.ReadToReply() ? 1 : 0;

        Assert.Equal(20 * sources, served);
        var status = await bal.Status();
        Assert.Equal(60 - served, status.Root.GetProperty("rejected").GetProperty("local_ports").GetInt64());
        Assert.Equal("up", status.Backends[0].State);
        Assert.Contains("or add source_addresses or backends", (await bal.Run("status")).Out);
        Assert.Contains($"from {sources} source address", (await In(space, bal, "doctor")).Out);
        await Eventually.Holds("the log says so", () => bal.LogLines().Any(line =>
            line.Contains("clients_not_served", StringComparison.Ordinal)
            && line.Contains("no local port was left", StringComparison.Ordinal)));

        // As soon as ports are free, clients are served, without any order.
        foreach (var client in clients)
            client.Reset();
        await Eventually.See("a client is served again", async () =>
        {
            using var client = space.Inside(() => From("127.0.0.20", bal.Endpoint));
            return await client.ReadToReply();
        }, served => served);
    }

    [Fact]
    public async Task Each_backend_is_connected_to_from_all_of_them_by_turns()
    {
        await using var one = Serving.Named("x");
        await using var other = Serving.Named("y");
        await using var bal = await BalInstance.Healthy(output, BalFile.For(one, other).With("threads", 1) with
        {
            More = "source_addresses: [127.0.0.2, 127.0.0.3]",
        });

        var clients = new List<Socket?>();
        for (var i = 0; i < 8; i++)
            clients.Add(await bal.ConnectUnlessReset());

        var sessions = JsonDocument.Parse((await bal.Run("sessions", "--json")).Succeeds().Out).RootElement;
        var pairs = sessions.GetProperty("sessions").EnumerateArray().Select(s => s.GetProperty("backend").GetString()
            + " from " + s.GetProperty("backend_source").GetString()!.Split(':')[0]);
        Assert.Equal([2, 2, 2, 2], pairs.CountBy(pair => pair).Select(pair => pair.Value));
        clients.ForEach(client => client?.Dispose());
    }

    [Fact]
    public async Task Health_checks_come_from_all_of_them()
    {
        var seen = new ConcurrentDictionary<string, bool>();
        await using var backend = new TestBackend((socket, _) =>
        {
            seen[$"{((IPEndPoint)socket.RemoteEndPoint!).Address}"] = true;
            return Task.CompletedTask;
        });
        await using var bal = await BalInstance.Started(
            output, BalFile.For(backend).With("health_check_interval_ms", 10) with
            {
                HealthCheck = "tcp_full",
                More = "source_addresses: [127.0.0.2, 127.0.0.3]",
            });

        await Eventually.Holds("it was checked from both", () => seen.Count == 2);
        Assert.Equal(["127.0.0.2", "127.0.0.3"], seen.Keys.Order());
    }

    [Fact]
    public async Task Of_a_name_an_address_of_a_family_without_a_source_is_as_one_without_a_route()
    {
        await using var space = await NetworkSpace.Open("::1 db\n", "true");
        await using var bal = new BalInstance(output, new BalFile(Ports.Free(), $"db:{Ports.Free()}")
        {
            More = "source_addresses: 127.0.0.2",
        });
        await space.StartBal(bal);

        var status = await bal.SeeStatus("it is down", s => s.Backends[0].State == "down");

        Assert.Equal("no_route", status.Backends[0].LastFailure);
        Assert.Contains("source_addresses: 127.0.0.2", (await bal.Run("explain")).Succeeds().Out);
    }

    [Fact]
    public async Task One_that_this_machine_does_not_have_costs_nothing_while_another_one_serves()
    {
        await using var backend = Serving.Named("x");
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend) with
        {
            More = "source_addresses: [192.0.2.77, 127.0.0.3]",
        });

        for (var i = 0; i < 10; i++)
        {
            using var client = await bal.ConnectUnlessReset();
            Assert.NotNull(client);
        }

        Assert.Contains("source_address_not_local", (await bal.Run("check", "--json")).Succeeds().Out);
        // It connects as clients' connections do.
        (await bal.Run("doctor")).Succeeds();
    }

    private static Task<Finished> In(NetworkSpace space, BalInstance bal, string arguments) =>
        bal.Shell($"exec {string.Join(' ', space.Enter)} \"$BAL\" {arguments}");

    private static async Task Serves(NetworkSpace space, BalInstance bal, string address)
    {
        var (own, bits) = address.Contains(':') ? ("-6", "128 nodad") : ("-4", "32");
        (await space.Run("bash", "-c", $"ip {own} address add {address}/{bits} dev lo")).Succeeds();
        // The kernel makes the route to an IPv6 address usable some time later.
        var client = await Eventually.See(
            "there is a route to it",
            () => space.Inside(() => Routed(new IPEndPoint(IPAddress.Parse(address), bal.File.Port))),
            socket => socket is not null);
        using (client)
            Assert.True(await client!.ReadToReply());
        (await space.Run("ip", own, "address", "del", $"{address}/{bits.Split(' ')[0]}", "dev", "lo")).Succeeds();
    }

    private static Socket? Routed(IPEndPoint to)
    {
        try
        {
            return From(null, to);
        }
        catch (SocketException e) when (
            e.SocketErrorCode is SocketError.NetworkUnreachable or SocketError.HostUnreachable)
        {
            return null;
        }
    }

    // Without a port of its own before the connect, as bal does it.
    private static Socket From(string? address, IPEndPoint to)
    {
        var socket = new Socket(to.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        if (address is not null)
        {
            socket.SetRawSocketOption(0, NoPort, BitConverter.GetBytes(1));
            socket.Bind(new IPEndPoint(IPAddress.Parse(address), 0));
        }

        socket.Connect(to);
        return socket;
    }
}
