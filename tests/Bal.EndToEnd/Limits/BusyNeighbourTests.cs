using System.Diagnostics;

namespace Bal.EndToEnd.Limits;

/// <summary>
/// What idle clients and dead backends cost those who are served: CPU time of bal for one exchange, with and without
/// them, in the same run, which is what would delay others; the figures are printed.
/// </summary>
[Collection(Sequential.Name)]
public sealed class BusyNeighbourTests(ITestOutputHelper output)
{
    private const int Exchanges = 1_500;

    [Fact]
    public async Task Thousands_of_idle_connections_do_not_slow_the_busy_ones()
    {
        const int Idle = 4_000;
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend)
            .With("max_concurrent_connections", Idle + 100).With("tcp_backlog", 4_096)
            .With("health_check_interval_ms", 60_000));
        var alone = await CostOfExchange(bal);
        var slow = new List<Socket>(Idle);
        for (var i = 0; i < Idle; i++)
        {
            slow.Add(new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
            slow[i].Connect(bal.Endpoint);
            // Half a request, of which the rest never comes.
            slow[i].Send("GET / HT"u8);
        }

        await bal.SeeStatus("all are there", s => s.Active == Idle && s.Backends[0].BytesOut >= 8L * Idle);
        var beside = await CostOfExchange(bal);
        foreach (var socket in slow)
            socket.Reset();

        output.WriteLine(
            $"CPU time of one exchange: {alone:0.0} us alone, {beside:0.0} us beside {Idle} idle connections");
        Assert.InRange(beside / alone, 0, 2.5);
    }

    [Fact]
    public async Task A_storm_of_failing_probes_does_not_delay_the_relaying()
    {
        const int Dead = 100;
        await using var backend = Serving.Echo();
        var dead = Enumerable.Range(0, Dead).Select(_ => $"127.0.0.1:{Ports.Free()}").ToArray();
        var calm = BalFile.For(backend).With("health_check_interval_ms", 60_000);
        await using var bal = await BalInstance.Healthy(output, calm);
        var (alone, directAlone) = (await MedianOfExchange(bal), await Median(() => Direct(backend)));

        await bal.Reload(
            calm with { Backends = [backend.Address, .. dead], Runtime = new Dictionary<string, object>() });
        await bal.Reload(bal.File.With("health_check_interval_ms", 20).With("health_check_timeout_ms", 20));
        await bal.SeeStatus("all the dead are known", s => s.Reachable == 1);
        var failures = (await bal.Status()).Backends.Sum(b => b.Refused);
        var clock = Stopwatch.StartNew();
        var beside = await MedianOfExchange(bal);
        var elapsed = clock.Elapsed;
        var direct = await Median(() => Direct(backend));
        var status = await bal.Status();
        var rate = (status.Backends.Sum(b => b.Refused) - failures) / elapsed.TotalSeconds;

        output.WriteLine($"median of an exchange: {alone.TotalMilliseconds:0.00} ms alone, " +
            $"{beside.TotalMilliseconds:0.00} ms beside {rate:0} failing probes a second");
        Assert.True(rate > 100, $"only {rate:0} probes a second: that is no storm");
        // Far below the interval and timeout of a probe; what else the machine is busy with delays who does without
        // bal, too.
        Assert.InRange(beside / alone / Math.Max(1, direct / directAlone), 0, 10);
        Assert.True((await bal.Status()).Of(backend.Address).Reachable);
    }

    /// <summary>CPU time of bal for one exchange, in microseconds.</summary>
    private static async Task<double> CostOfExchange(BalInstance bal)
    {
        for (var i = 0; i < 100; i++)
            await bal.Exchange();
        var before = ProcFs.RunTime(bal.Pid);
        for (var i = 0; i < Exchanges; i++)
            await bal.Exchange();
        return (ProcFs.RunTime(bal.Pid) - before).TotalMicroseconds / Exchanges;
    }

    private static Task<TimeSpan> MedianOfExchange(BalInstance bal) => Median(bal.Exchange);

    private static async Task<TimeSpan> Median(Func<Task<TimeSpan>> exchange)
    {
        var took = new List<TimeSpan>();
        for (var i = 0; i < Exchanges; i++)
            took.Add(await exchange());
        took.Sort();
        return took[Exchanges / 2];
    }

    /// <summary>The same exchange without bal.</summary>
    private static async Task<TimeSpan> Direct(TestBackend backend)
    {
        var clock = Stopwatch.StartNew();
        using var client =
            new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await client.ConnectAsync(IPAddress.Loopback, backend.Port);
        await client.Write("ping"u8.ToArray());
        Assert.Equal("ping"u8.ToArray(), await client.Read(4));
        return clock.Elapsed;
    }
}
