using System.Globalization;
using System.Text.Json;
using Bal.EndToEnd.Servers;

namespace Bal.EndToEnd.Clients;

/// <summary>iperf3 through bal: bulk in both directions, counted to the byte.</summary>
public sealed class Iperf3Tests(ITestOutputHelper output)
{
    /// <summary>What client and server have to tell each other beside the streams, at most.</summary>
    private const long Talk = 1024 * 1024;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(8)]
    public async Task Eight_streams_each_way_are_relayed_and_counted(int threads)
    {
        const long Bytes = 128L * 1024 * 1024;
        await using var iperf = await Iperf3Server.Start();
        // iperf3 serves one run at a time and takes every connection for one: no whole one may come in between.
        await using var bal = await BalInstance.Healthy(output, BalFile.For(iperf.Port).With("threads", threads)
            .With("health_check_interval_ms", 600_000));

        var forward = await Run(bal, Bytes, "forward");
        var once = await bal.SeeStatus("the run has ended", s => s.Active == 0);
        AssertCarried(forward, once.Backends[0].BytesIn);
        Assert.InRange(once.Backends[0].BytesOut, 1, Talk);
        Assert.Equal(9, once.Backends[0].Total);

        var reverse = await Run(bal, Bytes, "reverse", "--reverse");
        var twice = await bal.SeeStatus("the run has ended", s => s.Active == 0);
        AssertCarried(reverse, twice.Backends[0].BytesOut);
        Assert.InRange(twice.Backends[0].BytesIn - once.Backends[0].BytesIn, 1, Talk);
        Assert.Equal(18, twice.Backends[0].Total);
    }

    // The run is over once the sender has sent; what is on the way at that moment is never received.
    private static void AssertCarried(JsonElement run, long carried) => Assert.InRange(carried,
        run.GetProperty("sum_received").GetProperty("bytes").GetInt64(),
        run.GetProperty("sum_sent").GetProperty("bytes").GetInt64() + Talk);

    private async Task<JsonElement> Run(BalInstance bal, long bytes, string direction, params string[] more)
    {
        // The server is busy until it has said good-bye to the client before.
        var run = await Eventually.See($"iperf3 runs {direction}", () => Command.Run("iperf3",
        [
            "--client", "127.0.0.1", "--port", $"{bal.File.Port}", "--parallel", "8",
            "--bytes", bytes.ToString(CultureInfo.InvariantCulture), "--json", .. more,
        ]), end => end.ExitCode == 0 || !end.Out.Contains("busy", StringComparison.Ordinal));
        run.Succeeds();
        var end = JsonDocument.Parse(run.Out).RootElement.GetProperty("end");
        var speed = end.GetProperty("sum_received").GetProperty("bits_per_second").GetDouble();
        output.WriteLine($"{direction}: {speed / 1e9:0.0} Gbit/s");
        return end;
    }
}
