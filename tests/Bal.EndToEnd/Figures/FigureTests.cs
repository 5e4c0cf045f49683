using System.Diagnostics;

namespace Bal.EndToEnd.Figures;

/// <summary>What bal promises to cost. Times are asserted with room for a busy machine, and printed.</summary>
[Collection(Sequential.Name)]
public sealed class FigureTests(ITestOutputHelper output)
{
    private const int Megabyte = 1024 * 1024;

    [Fact]
    public void The_binary_has_at_most_14_MiB()
    {
        var length = new FileInfo(BalBinary.Path).Length;
        output.WriteLine($"binary: {length / 1e6:0.00} MB");
        Assert.InRange(length, 1, 14 * Megabyte);
    }

    [Fact]
    public async Task The_first_connection_is_accepted_soon_after_exec()
    {
        await using var backend = Serving.Echo();
        await using var bal = new BalInstance(output, BalFile.For(backend));
        var took = new List<double>();
        for (var i = 0; i < 5; i++)
        {
            var clock = Stopwatch.StartNew();
            var process = bal.StartForeground();
            while (!TryConnect(bal.Endpoint))
                Assert.InRange(clock.ElapsedMilliseconds, 0, 20_000);
            took.Add(clock.Elapsed.TotalMilliseconds);
            await bal.SeeStatus("it is up", s => s.Running);
            Posix.Signal(process.Pid, Posix.Terminate);
            (await process.End()).Succeeds();
        }

        took.Sort();
        var all = string.Join(", ", took.Select(t => $"{t:0.0}"));
        output.WriteLine($"first connection after exec: median {took[2]:0.0} ms of {all} (goal: 50 ms)");
        Assert.InRange(took[2], 0, 1_000);
    }

    [Fact]
    public async Task Idle_it_takes_about_15_MB_and_has_no_periodic_tick()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend)
            .With("health_check_interval_ms", 5_000).With("health_check_timeout_ms", 1_000));
        for (var i = 0; i < 100; i++)
            await bal.Exchange();
        await bal.SeeStatus("idle", s => s.Active == 0);
        var resident = ProcFs.ResidentBytes(bal.Pid);
        var cpu = ProcFs.CpuTime(bal.Pid);
        var switches = ProcFs.VoluntarySwitches(bal.Pid);
        var clock = Stopwatch.StartNew();
        // A window to observe, in which nothing is expected to happen.
        await Task.Delay(TimeSpan.FromSeconds(5));
        var rate = (ProcFs.VoluntarySwitches(bal.Pid) - switches) / clock.Elapsed.TotalSeconds;
        output.WriteLine($"idle: {resident / (double)Megabyte:0.0} MiB resident, " +
            $"{rate:0.0} voluntary context switches/s, " +
            $"{(ProcFs.CpuTime(bal.Pid) - cpu).TotalMilliseconds:0} ms CPU in {clock.ElapsedMilliseconds} ms");
        // The goal is 15 MB (14.3 MiB), which 0.1.0 met; it was 17.4 MiB. How much of the program's file a fault maps
        // is the kernel's choice: room for others.
        Assert.InRange(resident, 1, 20 * Megabyte);
        Assert.InRange(rate, 0, 12);
    }

    [Fact]
    public async Task Open_connections_cost_under_2_KiB_of_user_memory_each()
    {
        // Each takes two descriptors of bal and two of this process, and 20,000 is a usual hard limit.
        const int Connections = 9_500;
        var limit = ProcFs.DescriptorLimit(Environment.ProcessId);
        Assert.True(limit >= 20_000, $"the hard limit of open files is {limit}; this test needs 20000 ('ulimit -Hn')");
        await using var backend = Serving.Silent();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend)
            .With("max_concurrent_connections", Connections + 100).With("health_check_interval_ms", 60_000)
            .With("tcp_backlog", 4_096));
        var before = ProcFs.ResidentBytes(bal.Pid);
        var clients = new List<Socket>(Connections);
        try
        {
            for (var i = 0; i < Connections; i++)
            {
                var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                clients.Add(client);
                client.Connect(bal.Endpoint);
                // Bytes have gone through each of them.
                client.Send("x"u8);
            }

            await bal.SeeStatus("all are relayed", s =>
                s.Active == Connections && s.Backends[0].BytesIn == Connections);
            var each = (ProcFs.ResidentBytes(bal.Pid) - before) / (double)Connections;
            output.WriteLine(
                $"{Connections} open connections: {each:0} bytes each on {before / (double)Megabyte:0.0} MiB");
            Assert.InRange(each, double.MinValue, 2_048);
        }
        finally
        {
            foreach (var client in clients)
                client.Reset();
        }

        await bal.SeeStatus("none is left", s => s.Active == 0);
    }

    private static bool TryConnect(IPEndPoint endpoint)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Connect(endpoint);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
