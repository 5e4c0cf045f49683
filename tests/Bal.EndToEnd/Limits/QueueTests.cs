using Bal.EndToEnd.Upgrading;

namespace Bal.EndToEnd.Limits;

/// <summary>Backends with <c>max_connections</c>, and the clients that wait for a place in one.</summary>
public sealed class QueueTests(ITestOutputHelper output)
{
    // The same for both files of a reload.
    private readonly int _port = Ports.Free();

    [Fact]
    public async Task Clients_wait_in_line_and_status_and_explain_say_so_until_a_reload_makes_room()
    {
        await using var backend = Serving.Echo();
        var file = Limited(1, backend);
        await using var bal = await BalInstance.Healthy(output, file);
        using var first = await Held(bal);
        using var second = await bal.Connect();
        await second.Write("2"u8.ToArray());
        var status = await bal.SeeStatus("it waits", s => Waiting(s) == 1);
        Assert.Equal((1, 2), (status.Of(backend.Address).Active, status.Active));
        Assert.Contains("1 client waits for a backend with room", (await bal.Run("status")).Succeeds().Out,
            StringComparison.Ordinal);
        Assert.Contains("1/1 connections, full", (await bal.Run("explain", "backend", "1")).Succeeds().Out,
            StringComparison.Ordinal);

        await bal.Reload(Limited(2, backend));
        Assert.Equal("2"u8.ToArray(), await second.Read(1));
        Assert.Equal(0, Waiting(await bal.Status()));
    }

    [Fact]
    public async Task A_client_that_waits_for_too_long_or_finds_the_line_full_is_reset_and_counted()
    {
        await using var backend = Serving.Echo();
        var file = Limited(1, backend).With("queue_limit", 1);
        await using var bal = await BalInstance.Healthy(output, file);
        using var first = await Held(bal);
        using var waits = await bal.Connect();
        await bal.SeeStatus("it waits", s => Waiting(s) == 1);
        Assert.Null(await bal.ConnectUnlessReset());
        Assert.Equal(1, Rejected(await bal.Status(), "queue_full"));

        waits.Reset();
        await bal.SeeStatus("it is forgotten", s => Waiting(s) == 0);
        await bal.Reload(file.With("queue_timeout_ms", 100));
        Assert.Null(await bal.ConnectUnlessReset());
        var status = await bal.Status();
        Assert.Equal((1, 1), (Rejected(status, "queue_full"), Rejected(status, "queue_timeout")));
        Assert.Equal((0, 1), (Waiting(status), status.Active));
    }

    [Fact]
    public async Task Who_waits_during_an_upgrade_is_served_by_the_old_process_before_those_who_come_to_the_new_one()
    {
        await using var backend = Serving.Echo();
        using var installed = new InstalledBal();
        await using var bal = await BalInstance.Healthy(output, Limited(1, backend), installed.Path);
        var first = await Held(bal);
        using var second = await bal.Connect();
        await second.Write("2"u8.ToArray());
        await bal.SeeStatus("it waits", s => Waiting(s) == 1);

        (await bal.Run("upgrade")).Succeeds();
        using var third = await bal.Connect();
        await third.Write("3"u8.ToArray());
        await bal.SeeStatus("both wait", s => Waiting(s) == 2);
        Assert.Equal(1, (await bal.Status()).Of(backend.Address).Active);

        first.Dispose();
        Assert.Equal("2"u8.ToArray(), await second.Read(1));
        Assert.Equal(1, Waiting(await bal.SeeStatus("one waits", s => Waiting(s) == 1)));
        second.Dispose();
        Assert.Equal("3"u8.ToArray(), await third.Read(1));
    }

    [Fact]
    public async Task The_places_of_a_replaced_process_that_is_killed_are_free()
    {
        await using var backend = Serving.Echo();
        using var installed = new InstalledBal();
        await using var bal = await BalInstance.Healthy(output, Limited(1, backend), installed.Path);
        var old = bal.Pid;
        using var first = await Held(bal);
        (await bal.Run("upgrade")).Succeeds();
        using var second = await bal.Connect();
        await second.Write("2"u8.ToArray());
        await bal.SeeStatus("it waits", s => Waiting(s) == 1);

        (await Command.Run("kill", "-KILL", $"{old}")).Succeeds();
        Assert.Equal("2"u8.ToArray(), await second.Read(1));
    }

    private BalFile Limited(int limit, TestBackend backend) =>
        (BalFile.For(backend) with { Port = _port, MaxConnections = limit })
            .WithRareProbes().With("queue_timeout_ms", 60_000);

    private static async Task<Socket> Held(BalInstance bal)
    {
        var socket = await bal.Connect();
        await socket.Write("x"u8.ToArray());
        _ = await socket.Read(1);
        return socket;
    }

    private static long Waiting(Status status) => status.Root.GetProperty("queue_length").GetInt64();

    private static long Rejected(Status status, string reason) =>
        status.Root.GetProperty("rejected").GetProperty(reason).GetInt64();
}
