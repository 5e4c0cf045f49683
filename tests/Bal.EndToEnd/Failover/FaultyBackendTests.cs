using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace Bal.EndToEnd.Failover;

/// <summary>
/// Whatever is wrong with a backend: until a byte was relayed no client notices, and no byte goes out twice.
/// </summary>
public sealed class FaultyBackendTests(ITestOutputHelper output)
{
    public static TheoryData<string> Modes => ["auto", "copy", "splice"];

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task Requests_get_past_refusing_and_silent_backends_whole_and_once(string relay)
    {
        const int Clients = 60;
        using var hole = await BlackHole.Open();
        await using var refusing = Serving.Echo();
        await using var alive = Serving.Hashing();
        // No cooldown to speak of and no verdict of probes, so that many clients meet each of the faults.
        await using var bal = await BalInstance.Started(output,
            new BalFile(Ports.Free(), hole.Address, refusing.Address, alive.Address) { HealthCheck = "tcp_full" }
                .WithRareProbes()
                .With("backend_connect_timeout_ms", 150).With("relay", relay)
                .With("failover_backoff_initial_ms", 1).With("failover_backoff_max_ms", 1)
                    .With("backend_cooldown_ms", 0)
                .With("health_check_fail_threshold", 1_000).With("protection_trigger_threshold", 1_000_000));
        await Eventually.Holds("the one that will refuse was found to be up", () => refusing.Accepted > 0);
        refusing.Refuse();
        var sent = 0L;

        await Parallel.ForAsync(0, Clients, new ParallelOptions { MaxDegreeOfParallelism = 20 }, async (i, _) =>
        {
            var request = Wire.Random(1 + i * i * 50, seed: i);
            using var client = await bal.Connect();
            var reading = client.ReadToEnd();
            await client.Write(request);
            client.Shutdown(SocketShutdown.Send);
            var answer = await reading;
            Assert.Equal(Ending.Fin, answer.Ending);
            Assert.Equal(SHA256.HashData(request), answer.Bytes);
            Interlocked.Add(ref sent, request.Length);
        });

        var status = await bal.SeeStatus("all connections have ended", s => s.Active == 0);
        output.WriteLine($"{Clients} clients met {status.Of(refusing.Address).Refused} refusals and " +
            $"{status.Of(hole.Address).Timeouts} timeouts");
        Assert.True(status.Of(refusing.Address).Refused > 1 && status.Of(hole.Address).Timeouts > 1);
        Assert.Equal(sent, status.Of(alive.Address).BytesIn);
        Assert.Equal(0, status.Of(hole.Address).BytesIn + status.Of(refusing.Address).BytesIn);
        Assert.Equal(Clients, status.Of(alive.Address).Total);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task A_backend_that_accepts_and_closes_or_resets_at_once_is_passed_on_as_it_is(string relay)
    {
        await using var closing = Serving.ClosingAtOnce();
        await using var resetting = new TestBackend((socket, _) =>
        {
            socket.Reset();
            return Task.CompletedTask;
        });
        await using var alive = Serving.Echo();
        await using var bal = await BalInstance.Started(
            output, BalFile.For(closing, resetting, alive).WithRareProbes().With("relay", relay));
        var outcomes = new ConcurrentDictionary<string, int>();
        await Parallel.ForAsync(0, 90, new ParallelOptions { MaxDegreeOfParallelism = 10 }, async (i, _) =>
        {
            var request = Wire.Random(20_000, seed: i);
            var outcome = "reset";
            try
            {
                using var client = await bal.Connect();
                var reading = client.ReadToEnd();
                await client.Write(request);
                client.Shutdown(SocketShutdown.Send);
                var answer = await reading;
                // All of it or nothing of it, and never a part that looks complete.
                outcome = answer.Ending == Ending.Reset ? "reset" : answer.Bytes.Length == 0 ? "closed" : "served";
                Assert.True(outcome != "served" || request.AsSpan().SequenceEqual(answer.Bytes));
            }
            catch (SocketException)
            {
                // The RST came while the request was being written, or before the client knew that it was connected.
            }

            outcomes.AddOrUpdate(outcome, 1, (_, n) => n + 1);
        });

        output.WriteLine(string.Join(", ", outcomes.Select(o => $"{o.Value} {o.Key}")));
        // An RST may overtake the end of bal's own connect; then it is a failed one, and the client gets the next
        // backend.
        Assert.InRange(outcomes["served"], 30, 90);
        var status = await bal.SeeStatus("all connections have ended", s => s.Active == 0);
        Assert.Equal(90, status.Connections);
        Assert.Equal(outcomes["served"], status.Of(alive.Address).Total);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task A_backend_that_never_reads_holds_its_own_clients_and_nobody_else(string relay)
    {
        const int Pairs = 15;
        await using var silent = Serving.Silent();
        await using var alive = Serving.Echo();
        await using var bal = await BalInstance.Started(output, BalFile.For(silent, alive).WithRareProbes()
            .With("connection_idle_timeout_ms", 5_000).With("relay", relay));
        var before = ProcFs.ResidentBytes(bal.Pid);

        // Every other client gets the silent one; the rest notice nothing. Each offers far more than any buffer takes.
        var offered = Wire.Random(12_000_000, seed: 1);
        var clients = Enumerable.Range(0, 2 * Pairs).Select(async i =>
        {
            using var client = await bal.Connect();
            try
            {
                var reading = client.ReadToEnd(TimeSpan.FromSeconds(60));
                await client.Write(offered, TimeSpan.FromSeconds(60));
                client.Shutdown(SocketShutdown.Send);
                return await reading is { Ending: Ending.Fin } answer && offered.AsSpan().SequenceEqual(answer.Bytes);
            }
            catch (SocketException)
            {
                // Bytes that were never delivered must not look like a complete request: the end is an RST.
                return false;
            }
        }).ToArray();

        var served = (await Task.WhenAll(clients)).Count(whole => whole);
        Assert.Equal(Pairs, served);
        Assert.InRange(ProcFs.ResidentBytes(bal.Pid) - before, long.MinValue, 8 * 1024 * 1024);
        var status = await bal.SeeStatus("the idle timeout has ended the others", s => s.Active == 0);
        Assert.Equal(Pairs * (long)offered.Length, status.Of(alive.Address).BytesOut);
    }
}
