using System.Globalization;
using System.Text.Json;
using Bal.EndToEnd.Servers;

namespace Bal.EndToEnd.Clients;

/// <summary>iperf3 through bal: bulk in both directions, counted to the byte.</summary>
public sealed class Iperf3Tests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(8)]
    public async Task Eight_streams_each_way_are_relayed_and_counted(int threads)
    {
        const long Bytes = 128L * 1024 * 1024;
        await using var iperf = await Iperf3Server.Start();
        // iperf3 serves one run at a time and takes every connection for one: no probe may come in between.
        await using var bal = await BalInstance.Healthy(output, BalFile.For(iperf.Port).With("threads", threads)
            .With("health_check_interval_ms", 600_000));

        await Run(bal, Bytes, "forward");
        var forward = await bal.SeeStatus("the run has ended", s => s.Active == 0);
        Assert.InRange(forward.Backends[0].BytesIn, Bytes, Bytes + Bytes / 2);
        Assert.InRange(forward.Backends[0].BytesOut, 1, 1024 * 1024);
        Assert.Equal(9, forward.Backends[0].Total);

        await Run(bal, Bytes, "reverse", "--reverse");
        var both = await bal.SeeStatus("the run has ended", s => s.Active == 0);
        Assert.InRange(both.Backends[0].BytesOut, Bytes, Bytes + Bytes / 2);
        Assert.Equal(18, both.Backends[0].Total);
    }

    private async Task Run(BalInstance bal, long bytes, string direction, params string[] more)
    {
        // The server is busy until it has said good-bye to the client before; bal's first probe is such a client.
        var run = await Eventually.See($"iperf3 runs {direction}", () => Command.Run("iperf3",
        [
            "--client", "127.0.0.1", "--port", $"{bal.File.Port}", "--parallel", "8",
            "--bytes", bytes.ToString(CultureInfo.InvariantCulture), "--json", .. more,
        ]), end => end.ExitCode == 0 || !end.Out.Contains("busy", StringComparison.Ordinal));
        run.Succeeds();
        var sent = JsonDocument.Parse(run.Out).RootElement.GetProperty("end").GetProperty("sum_received");
        output.WriteLine($"{direction}: {sent.GetProperty("bits_per_second").GetDouble() / 1e9:0.0} Gbit/s");
        Assert.True(sent.GetProperty("bytes").GetInt64() > 0);
    }
}
