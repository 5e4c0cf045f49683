using System.Text.Json;

namespace Bal.EndToEnd.Limits;

/// <summary>A client that was not served is in three places that say why: status, log and counters.</summary>
[Collection(Sequential.Name)]
public sealed class UnservedTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Without_a_descriptor_left()
    {
        await using var backend = Serving.Named("x");
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend).With("threads", 1));
        using var served = await bal.ConnectUnlessReset();
        Assert.NotNull(served);

        // As many as it has now: not one more connection.
        var used = Directory.GetFileSystemEntries($"/proc/{bal.Pid}/fd").Length;
        (await Command.Run("prlimit", "--pid", $"{bal.Pid}", $"--nofile={used - 2}:")).Succeeds();
        for (var i = 0; i < 7; i++)
            Assert.Null(await bal.ConnectUnlessReset());
        // bal answers again: what has been counted stays.
        (await Command.Run("prlimit", "--pid", $"{bal.Pid}", "--nofile=4096:")).Succeeds();

        await IsSaid(bal, "descriptors", 7, "descriptors_exhausted");
    }

    [Fact]
    public async Task Beyond_what_descriptors_allow()
    {
        await using var backend = Serving.Named("x");
        await using var bal = new BalInstance(output, BalFile.For(backend).With("threads", 1));
        (await bal.Shell("ulimit -n 200; exec \"$BAL\" start -d")).Succeeds();
        await bal.SeeStatus("the backend is up", s => s.Reachable == 1);
        var limit = (await bal.Status()).Root.GetProperty("max_concurrent_connections").GetInt32();
        Assert.InRange(limit, 10, 100);
        Assert.Contains($"connection_limit: {limit} in force, 4000 configured", (await bal.Run("status")).Out);
        Assert.Contains(bal.LogLines(), line => line.Contains("\"connections_limited\""));

        var clients = await Task.WhenAll(Enumerable.Range(0, limit + 9).Select(_ => bal.ConnectUnlessReset()));

        // A binary that is not native keeps descriptors of its own open, and then these are what runs out.
        var unserved = clients.Count(c => c is null);
        Assert.InRange(unserved, 9, clients.Length - 5);
        var recent = (await bal.Status()).Root.GetProperty("unserved_last_minute");
        var (byLimit, byDescriptors) =
            (recent.GetProperty("limit").GetInt64(), recent.GetProperty("descriptors").GetInt64());
        Assert.Equal(unserved, byLimit + byDescriptors);
        if (byLimit > 0)
            await IsSaid(bal, "limit", byLimit, "connections_rejected");
        if (byDescriptors > 0)
            await IsSaid(bal, "descriptors", byDescriptors, "descriptors_exhausted");
        foreach (var client in clients)
            client?.Dispose();
    }

    [Fact]
    public async Task The_limit_in_force_follows_a_reload_that_changes_the_backends()
    {
        await using var backend = Serving.Named("x");
        var file = BalFile.For(backend).With("threads", 1).WithRareProbes();
        await using var bal = new BalInstance(output, file);
        (await bal.Shell("ulimit -n 1024; exec \"$BAL\" start -d")).Succeeds();
        var before = (await bal.Status()).Root.GetProperty("max_concurrent_connections").GetInt32();

        // Each of them has a health check in flight now and then.
        await bal.Reload(file with
        {
            Backends = [.. file.Backends, .. Enumerable.Range(1, 100).Select(i => $"127.1.0.{i}:9")],
        });

        var status = (await bal.Status()).Root;
        Assert.InRange(before - status.GetProperty("max_concurrent_connections").GetInt32(), 40, 60);
        Assert.Equal(12_000, status.GetProperty("configured_connections").GetInt32());
    }

    [Fact]
    public async Task Without_a_local_port_left()
    {
        if (!NetworkSpace.CanEnter)
            return;
        await using var network = await NetworkSpace.Open();
        await using var backend = network.Inside(() => Serving.Named("x"));
        // One probe, or the ports that others leave behind would decide.
        await using var bal = new BalInstance(output, BalFile.For(backend).WithRareProbes());
        await network.StartBal(bal);
        await bal.SeeStatus("the backend is up", s => s.Reachable == 1);
        network.Set("ipv4/ip_local_port_range", "40000 40019");

        var clients = new List<Socket>();
        for (var i = 0; i < 40; i++)
        {
            // Each of two addresses of loopback has twenty ports of its own to connect from.
            clients.Add(network.Inside(() => From(2 + i / 20, bal.Endpoint)));
        }

        var unserved = 0;
        foreach (var client in clients)
        {
            unserved += (await client.ReadToReply()) ? 0 : 1;
            client.Dispose();
        }

        Assert.InRange(unserved, 20, 40);
        await IsSaid(bal, "local_ports", unserved, "clients_not_served");
        Assert.Equal("up", (await bal.Status()).Backends[0].State);
    }

    [Fact]
    public async Task With_no_route_to_any_backend()
    {
        if (!NetworkSpace.CanEnter)
            return;
        await using var network = await NetworkSpace.Open();
        await using var bal = new BalInstance(output, new BalFile(Ports.Free(), "192.0.2.1:80"));
        await network.StartBal(bal);

        using var client = network.Inside(() => From(1, bal.Endpoint));
        Assert.False(await client.ReadToReply());

        await IsSaid(bal, "no_route", 1, "clients_not_served");
    }

    [Fact]
    public async Task With_every_backend_down()
    {
        await using var bal = await BalInstance.Started(output, BalFile.For(Ports.Free()));

        Assert.Null(await bal.ConnectUnlessReset());

        await IsSaid(bal, "backends_unavailable", 1, "clients_not_served");
    }

    private static async Task IsSaid(BalInstance bal, string reason, long count, string logged)
    {
        var status = await bal.Status();
        Assert.Equal(count, status.Root.GetProperty("unserved_last_minute").GetProperty(reason).GetInt64());
        Assert.Equal(count, status.Root.GetProperty("rejected").GetProperty(reason).GetInt64());
        Assert.Equal(reason == "limit" ? count : 0, status.Rejected);
        var text = await bal.Run("status", "--exit-code");
        Assert.InRange(text.ExitCode, 1, 2);
        Assert.Contains($"{count} client{(count == 1 ? " was" : "s were")} not served in the last minute ({reason})",
            text.Out);
        Assert.Contains("do_this_now:", text.Out);
        // What is left to say is said within a second.
        await Eventually.See("the log has told of all of them", () => Told(bal, logged), told => told == count);
    }

    private static long Told(BalInstance bal, string logged) => bal.LogLines()
        .Select(line => JsonDocument.Parse(line).RootElement)
        .Where(line => line.GetProperty("event").GetString() == logged)
        .Sum(line => new[] { "rejected", "closed", "count" }.Sum(name =>
            line.GetProperty("fields").TryGetProperty(name, out var number) ? number.GetInt64() : 0));

    private static Socket From(int address, IPEndPoint to)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Parse($"127.0.0.{address}"), 0));
        socket.Connect(to);
        return socket;
    }
}
