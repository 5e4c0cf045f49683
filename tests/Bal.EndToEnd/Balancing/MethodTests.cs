namespace Bal.EndToEnd.Balancing;

/// <summary>Which backend clients get by each method, weights included, on real connections.</summary>
public sealed class MethodTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Weighted_turns_are_exact_and_a_reload_changes_them()
    {
        await using var one = Serving.Echo();
        await using var two = Serving.Echo();
        var file = BalFile.For(one, two).WithRareProbes() with { Weights = [3, 1] };
        await using var bal = await BalInstance.Healthy(output, file);
        for (var i = 0; i < 40; i++)
            _ = await bal.Exchange();
        var status = await bal.Status();
        Assert.Equal((30, 10), (status.Of(one.Address).Total, status.Of(two.Address).Total));

        await bal.Reload(file with { Weights = [0, 1] });
        for (var i = 0; i < 10; i++)
            _ = await bal.Exchange();
        status = await bal.Status();
        Assert.Equal((30, 20), (status.Of(one.Address).Total, status.Of(two.Address).Total));
    }

    [Fact]
    public async Task Least_connections_fills_up_the_backend_that_has_fewer()
    {
        await using var one = Serving.Echo();
        await using var two = Serving.Echo();
        await using var bal = await BalInstance.Healthy(
            output, BalFile.For(one, two).WithRareProbes() with { Method = "round_robin" });
        var held = new List<Socket>();
        for (var i = 0; i < 6; i++)
            held.Add(await Held(bal));

        // Those of the first backend leave, and a busy one is left: the next clients go where there is room.
        await bal.Reload(bal.File with { Method = "least_connections" });
        for (var i = 0; i < held.Count; i += 2)
            held[i].Dispose();
        var open = await bal.SeeStatus("three are left", s => s.Of(one.Address).Active + s.Of(two.Address).Active == 3);
        var (empty, full) = open.Of(one.Address).Active == 0 ? (one, two) : (two, one);
        Assert.Equal(3, open.Of(full.Address).Active);
        for (var i = 0; i < 3; i++)
            held.Add(await Held(bal));
        Assert.Equal(3, (await bal.Status()).Of(empty.Address).Active);
        held.ForEach(socket => socket.Dispose());
    }

    [Fact]
    public async Task A_client_address_meets_the_same_backend_whatever_the_order_of_the_file()
    {
        await using var one = Serving.Echo();
        await using var two = Serving.Echo();
        await using var three = Serving.Echo();
        TestBackend[] backends = [one, two, three];
        var file = BalFile.For(backends).WithRareProbes() with { Method = "source_hash" };
        await using var bal = await BalInstance.Healthy(output, file);
        var before = await Choices(bal, backends);
        Assert.True(before.Distinct().Count() > 1, "all clients got the same backend");

        await bal.Reload(file with { Backends = [.. file.Backends.Reverse()] });
        Assert.Equal(before, await Choices(bal, backends));
    }

    // A connection that has been answered, so that it is counted with its backend.
    private static async Task<Socket> Held(BalInstance bal)
    {
        var socket = await bal.Connect();
        await socket.Write("x"u8.ToArray());
        _ = await socket.Read(1);
        return socket;
    }

    /// <summary>The backend that each of some client addresses gets.</summary>
    private static async Task<int[]> Choices(BalInstance bal, TestBackend[] backends)
    {
        var choices = new List<int>();
        var counts = Totals(await bal.Status(), backends);
        for (var i = 1; i <= 12; i++)
        {
            using (var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp))
            {
                socket.Bind(new IPEndPoint(new IPAddress([127, 0, 1, (byte)i]), 0));
                await socket.ConnectAsync(bal.Endpoint);
                await socket.Write("x"u8.ToArray());
                _ = await socket.Read(1);
            }

            var now = Totals(await bal.Status(), backends);
            choices.Add(Enumerable.Range(0, now.Length).Single(b => now[b] > counts[b]));
            counts = now;
        }

        return [.. choices];
    }

    private static long[] Totals(Status status, TestBackend[] backends) =>
        [.. backends.Select(backend => (long)status.Of(backend.Address).Total)];
}
