using System.Collections.Concurrent;

namespace Bal.EndToEnd.Limits;

/// <summary>
/// What one client may do, by <c>max_connections_per_client</c> and <c>max_connection_rate_per_client</c>.
/// </summary>
public sealed class ClientLimitTests(ITestOutputHelper output)
{
    private const string One = "127.0.0.2";
    private const string Other = "127.0.0.3";

    [Fact]
    public async Task Of_racing_connections_each_client_gets_exactly_its_limit_before_and_after_a_reload()
    {
        await using var backend = Serving.Echo();
        var file = Limited(backend, "max_connections_per_client: 7");
        await using var bal = await BalInstance.Healthy(output, file);
        var (one, other) = await Race(bal, 60);
        Assert.Equal((7, 7), (one.Count, other.Count));
        var status = await bal.Status();
        Assert.Equal(2 * 53, Rejected(status, "client_limit"));
        Assert.Equal(2 * 53, status.Root.GetProperty("terminations").GetProperty("rejected_client_limit").GetInt64());
        Assert.Equal(0, status.Rejected);
        (await bal.Run("status", "--exit-code")).Succeeds();
        Assert.Equal((2, false), Known(status));
        Assert.Contains(
            "clients: at most 7 connections for each client; 2 clients known",
            (await bal.Run("status", "--verbose")).Succeeds().Out, StringComparison.Ordinal);
        Assert.Contains(
            "client_limits: at most 7 connections for each client; 2 clients known",
            (await bal.Run("explain")).Succeeds().Out, StringComparison.Ordinal);
        await Eventually.Holds("the log says it", () =>
            bal.LogLines().Any(line => line.Contains("\"client_limit\"", StringComparison.Ordinal)));

        // Those who are connected go on, and count.
        await bal.Reload(file with { More = "max_connections_per_client: 9" });
        var (more, others) = await Race(bal, 20);
        Assert.Equal((2, 2), (more.Count, others.Count));
        foreach (var open in one)
            Assert.True(await Answers(open));
        foreach (var open in one.Concat(other).Concat(more).Concat(others))
            open.Dispose();
        await bal.SeeStatus("all have ended", s => s.Active == 0);
        (one, _) = await Race(bal, 20);
        Assert.Equal(9, one.Count);
    }

    [Fact]
    public async Task Connections_that_replaced_processes_have_count_until_they_end_or_are_killed()
    {
        await using var backend = Serving.Echo();
        using var installed = new Upgrading.InstalledBal();
        await using var bal = await BalInstance.Healthy(
            output, Limited(backend, "max_connections_per_client: 4"), installed.Path);
        var oldest = bal.Pid;
        var open = new List<Socket> { await Served(bal, One), await Served(bal, One) };
        (await bal.Run("upgrade")).Succeeds();
        var older = bal.Pid;
        open.Add(await Served(bal, One));
        (await bal.Run("upgrade")).Succeeds();

        var (one, other) = await Race(bal, 20);
        Assert.Equal((1, 4), (one.Count, other.Count));
        Assert.Equal((2, false), Known(await bal.Status()));
        // One of the oldest process ends by itself.
        open[0].Dispose();
        await bal.SeeStatus("one has ended", s => s.Active == 7);
        one.Add(await Served(bal, One));
        Assert.Null(await ServedOrNot(bal, One));

        // The others are killed with their processes.
        Posix.Signal(oldest, Posix.Kill);
        Posix.Signal(older, Posix.Kill);
        await bal.SeeStatus("both are gone", s => s.Previous.Length == 0);
        one.Add(await Served(bal, One));
        one.Add(await Served(bal, One));
        Assert.Null(await ServedOrNot(bal, One));
        Assert.Null(await ServedOrNot(bal, Other));
        Assert.Equal(4, one.Count);

        // And whoever comes after them counts for itself alone.
        (await bal.Run("upgrade")).Succeeds();
        Assert.Null(await ServedOrNot(bal, One));
        one[0].Dispose();
        await bal.SeeStatus("it has ended", s => s.Active == 7);
        Assert.NotNull(await ServedOrNot(bal, One));
    }

    [Fact]
    public async Task An_upgrade_that_fails_leaves_the_counts_as_they_are()
    {
        await using var backend = Serving.Echo();
        using var installed = new Upgrading.InstalledBal();
        await using var bal = await BalInstance.Healthy(
            output, Limited(backend, "max_connections_per_client: 2"), installed.Path);
        using var open = await Served(bal, One);
        File.WriteAllText(bal.ConfigPath, "port: nonsense\n");
        (await bal.Run("upgrade")).FailsWith(1);

        using var second = await Served(bal, One);
        Assert.Null(await ServedOrNot(bal, One));
    }

    [Fact]
    public async Task The_rate_is_one_bucket_for_all_loops_and_processes()
    {
        const int Rate = 20;
        await using var backend = Serving.Echo();
        using var installed = new Upgrading.InstalledBal();
        await using var bal = await BalInstance.Healthy(
            output, Limited(backend, $"max_connection_rate_per_client: {Rate}"), installed.Path);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        var (one, other) = await Race(bal, 200);
        var most = Rate + (int)(clock.Elapsed.TotalSeconds * Rate) + 1;
        Assert.InRange(one.Count, Rate, most);
        Assert.InRange(other.Count, Rate, most);
        Assert.Equal(400 - one.Count - other.Count, Rejected(await bal.Status(), "client_rate"));

        // An upgrade gives nobody a new bucket: counted from the beginning it is still what one bucket gives.
        (await bal.Run("upgrade")).Succeeds();
        var (more, _) = await Race(bal, 200);
        most = Rate + (int)(clock.Elapsed.TotalSeconds * Rate) + 1;
        Assert.InRange(one.Count + more.Count, Rate, most);

        // Whoever rests may come again.
        using var again = await Eventually.See<Socket?>(
            "a token is back", () => ServedOrNot(bal, One), it => it is not null);
    }

    [Fact]
    public async Task Where_no_service_has_limits_nothing_is_known_of_clients()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));
        using var open = await Served(bal, One);
        Assert.DoesNotContain("bal-clients", Maps(bal), StringComparison.Ordinal);
        Assert.Equal(
            System.Text.Json.JsonValueKind.Null,
            (await bal.Status()).Root.GetProperty("services")[0].GetProperty("clients").ValueKind);

        await bal.Reload(bal.File with { More = "max_connections_per_client: 1" });
        Assert.Contains("bal-clients", Maps(bal), StringComparison.Ordinal);
        // What was open before counts.
        Assert.Null(await ServedOrNot(bal, One));
        using var other = await Served(bal, Other);
    }

    private static BalFile Limited(TestBackend backend, string more) =>
        BalFile.For(backend).WithRareProbes().With("threads", 2) with { More = more };

    private static long Rejected(Status status, string reason) =>
        status.Root.GetProperty("rejected").GetProperty(reason).GetInt64();

    private static string Maps(BalInstance bal) => File.ReadAllText($"/proc/{bal.Pid}/maps");

    private static (int, bool) Known(Status status)
    {
        var clients = status.Root.GetProperty("services")[0].GetProperty("clients");
        return (clients.GetProperty("known").GetInt32(), clients.GetProperty("newcomers_share").GetBoolean());
    }

    /// <summary>Two clients connect at once, each so many times; the connections that are served.</summary>
    private static async Task<(List<Socket> One, List<Socket> Other)> Race(BalInstance bal, int each)
    {
        var served = new ConcurrentBag<(bool IsOne, Socket Client)>();
        await Parallel.ForAsync(0, 2 * each, new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (i, _) =>
        {
            if (await ServedOrNot(bal, i % 2 == 0 ? One : Other) is { } client)
                served.Add((i % 2 == 0, client));
        });
        return ([.. served.Where(s => s.IsOne).Select(s => s.Client)],
            [.. served.Where(s => !s.IsOne).Select(s => s.Client)]);
    }

    private static async Task<Socket> Served(BalInstance bal, string address) =>
        await ServedOrNot(bal, address) ?? throw new InvalidOperationException($"{address} was reset");

    // An RST may come while the client still connects.
    private static async Task<Socket?> ServedOrNot(BalInstance bal, string address)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Parse(address), 0));
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, bal.File.Port));
            if (await Answers(socket))
                return socket;
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown)
        {
        }

        socket.Dispose();
        return null;
    }

    private static async Task<bool> Answers(Socket socket)
    {
        await socket.Write("x"u8.ToArray());
        return (await socket.Read(1)).Length == 1;
    }
}
