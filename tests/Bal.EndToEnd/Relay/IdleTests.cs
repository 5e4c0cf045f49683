using System.Diagnostics;

namespace Bal.EndToEnd.Relay;

/// <summary>The idle timeout bounds silence, never the life of a session.</summary>
public sealed class IdleTests(ITestOutputHelper output)
{
    // Far longer than a busy machine keeps a client from sending in time.
    private const int Idle = 2_000;

    [Fact]
    public async Task A_silent_connection_is_closed_after_the_idle_timeout()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, File(backend));
        using var client = await bal.Connect();
        var clock = Stopwatch.StartNew();

        await client.ReadToEnd();

        Assert.InRange(clock.ElapsedMilliseconds, Idle - 50, long.MaxValue);
        await bal.SeeStatus("the connection is gone", s => s.Active == 0);
        await Eventually.Holds("the backend has lost it, too", () => backend.Open == 0);
        await Eventually.Holds("the log says so", () => bal.LogLines().Any(line =>
            line.Contains("\"connections_ended\"") && line.Contains("\"idle_timeout\"")));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(600)]
    public async Task A_pause_of_bal_ends_nobody_who_was_sending(int clients)
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, File(backend).With("threads", 1).WithRareProbes());
        var open = new Socket[clients];
        for (var i = 0; i < clients; i++)
        {
            open[i] = await bal.Connect();
            // However slowly the clients come, none of them falls silent before the pause.
            if (i % 50 == 49 || i == clients - 1)
                foreach (var client in open[..(i + 1)])
                {
                    await client.Write(new byte[1]);
                    await client.Read(1);
                }
        }

        var (pid, clock, sent) = (bal.Pid, Stopwatch.StartNew(), 0);
        Posix.Signal(pid, Posix.Stop);
        // Longer than the idle timeout, in which every client sends again and again.
        for (; clock.ElapsedMilliseconds < 2 * Idle; sent++)
        {
            foreach (var client in open)
                await client.Write(new byte[1]);
            await Task.Delay(Idle / 10);
        }

        Posix.Signal(pid, Posix.Continue);

        foreach (var client in open)
        {
            await client.Read(sent);
            client.Dispose();
        }
    }

    [Fact]
    public async Task Once_a_side_has_sent_its_FIN_the_half_closed_timeout_counts()
    {
        await using var backend = Serving.Silent();
        await using var bal = await BalInstance.Healthy(
            output, BalFile.For(backend).With("half_closed_timeout_ms", 1_000));
        using var other = await bal.Connect();
        using var client = await bal.Connect();
        client.Shutdown(SocketShutdown.Send);
        var clock = Stopwatch.StartNew();

        await client.ReadToEnd();

        Assert.InRange(clock.ElapsedMilliseconds, 950, long.MaxValue);
        var status = await bal.SeeStatus("the other one stays", s => s.Active == 1);
        Assert.Equal(1, status.Root.GetProperty("terminations").GetProperty("half_closed_timeout").GetInt64());
        await Eventually.Holds("the log says so", () => bal.LogLines().Any(line =>
            line.Contains("\"connections_ended\"") && line.Contains("\"half_closed_timeout\"")));
    }

    [Fact]
    public async Task Without_an_idle_timeout_the_half_closed_timeout_stands_alone()
    {
        await using var backend = Serving.Silent();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend)
            .With("connection_idle_timeout_ms", 0).With("tcp_keepalive_ms", 0).With("half_closed_timeout_ms", 1_000));
        using var other = await bal.Connect();
        using var client = await bal.Connect();
        client.Shutdown(SocketShutdown.Send);

        await client.ReadToEnd();

        Assert.Equal(1, (await bal.SeeStatus("the other one stays", s => s.Active == 1)).Active);
    }

    [Fact]
    public async Task A_session_that_keeps_sending_outlives_many_idle_timeouts()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, File(backend));
        using var client = await bal.Connect();
        var clock = Stopwatch.StartNew();
        while (clock.ElapsedMilliseconds < 2.5 * Idle)
        {
            await client.Write(new byte[1]);
            await client.Read(1);
            // The pace of this client, well below the idle timeout; nothing is being waited for.
            await Task.Delay(Idle / 10);
        }
    }

    [Theory]
    [InlineData("copy")]
    [InlineData("splice")]
    public async Task A_bulk_transfer_that_stalls_for_less_than_the_timeout_goes_on(string relay)
    {
        var sent = Wire.Random(6_000_000, seed: 31);
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, File(backend).With("relay", relay));
        using var client = await bal.Connect();
        var writing = client.Write(sent);
        for (var at = 0; at < sent.Length; at += 500_000)
        {
            // A reader that takes a piece now and then; between two pieces every buffer on the way is full.
            await Task.Delay(Idle / 8);
            var got = await client.Read(500_000);
            Assert.True(sent.AsSpan(at, 500_000).SequenceEqual(got), $"different after {at} bytes");
        }

        await writing;
    }

    [Fact]
    public async Task Bytes_in_one_direction_alone_keep_a_session_alive()
    {
        await using var backend = new TestBackend(async (socket, ended) =>
        {
            for (; ; await Task.Delay(Idle / 10, ended))
                await socket.SendAsync(new byte[1], ended);
        });
        await using var bal = await BalInstance.Healthy(output, File(backend));
        using var client = await bal.Connect();
        await client.Read(30);
    }

    [Fact]
    public async Task A_half_closed_and_silent_connection_is_closed_after_the_idle_timeout()
    {
        await using var backend = Serving.Silent();
        await using var bal = await BalInstance.Healthy(output, File(backend));
        using var client = await bal.Connect();
        client.Shutdown(SocketShutdown.Send);
        var clock = Stopwatch.StartNew();

        await client.ReadToEnd();

        Assert.InRange(clock.ElapsedMilliseconds, Idle - 50, long.MaxValue);
        await bal.SeeStatus("the connection is gone", s => s.Active == 0);
    }

    [Fact]
    public async Task A_shorter_timeout_set_by_a_reload_holds_for_connections_that_are_open()
    {
        await using var backend = Serving.Echo();
        var file = BalFile.For(backend);
        await using var bal = await BalInstance.Healthy(output, file);
        using var client = await bal.Connect();
        await client.Write(new byte[1]);
        await client.Read(1);

        await bal.Reload(file.With("connection_idle_timeout_ms", Idle));

        await client.ReadToEnd();
    }

    private static BalFile File(TestBackend backend) => BalFile.For(backend).With("connection_idle_timeout_ms", Idle);
}
