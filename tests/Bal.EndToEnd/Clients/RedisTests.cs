using System.Globalization;
using Bal.EndToEnd.Servers;

namespace Bal.EndToEnd.Clients;

/// <summary>redis-benchmark and redis-cli through bal.</summary>
public sealed class RedisTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(8)]
    public async Task Redis_benchmark_runs_to_its_end_and_every_request_arrives(int threads)
    {
        const int Requests = 20_000;
        await using var redis = await RedisServer.Start();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(redis.Port).With("threads", threads));

        var benchmark = (await Command.Run("redis-benchmark", "-h", "127.0.0.1", "-p", $"{bal.File.Port}",
            "-c", "50", "-n", $"{Requests}", "-d", "100", "-t", "set,get", "--csv")).Succeeds();
        output.WriteLine(benchmark.Out);
        Assert.Contains("\"SET\"", benchmark.Out, StringComparison.Ordinal);
        Assert.Contains("\"GET\"", benchmark.Out, StringComparison.Ordinal);

        var status = await bal.SeeStatus("all connections have ended", s => s.Active == 0);
        Assert.InRange(status.Backends[0].Total, 50, 300);
        Assert.Equal(0, status.Rejected);
        // Every SET carries its hundred bytes, every GET brings them back.
        Assert.InRange(status.Backends[0].BytesIn, Requests * 100L, Requests * 400L);
        Assert.InRange(status.Backends[0].BytesOut, Requests * 100L, Requests * 400L);
        var told = (await RedisServer.Cli(redis.Port, "INFO", "commandstats")).Succeeds().Out;
        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"cmdstat_set:calls={Requests},"), told,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pipelined_benchmark_with_a_new_connection_for_each_request_loses_none()
    {
        await using var redis = await RedisServer.Start();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(redis.Port).With("threads", 2));
        (await Command.Run("redis-benchmark", "-h", "127.0.0.1", "-p", $"{bal.File.Port}",
            "-c", "20", "-n", "3000", "-k", "0", "-t", "ping_mbulk", "--csv")).Succeeds();
        (await Command.Run("redis-benchmark", "-h", "127.0.0.1", "-p", $"{bal.File.Port}",
            "-c", "20", "-n", "50000", "-P", "64", "-t", "incr", "--csv")).Succeeds();
        // Each client sends whole pipelines, so that the last ones go beyond the number asked for.
        var counted = (await RedisServer.Cli(bal.File.Port, "GET", "counter:__rand_int__")).Succeeds().Out;
        Assert.InRange(int.Parse(counted, CultureInfo.InvariantCulture), 50_000, 50_000 + 20 * 64);
    }

    [Fact]
    public async Task Redis_cli_notices_nothing_of_one_of_two_servers_that_is_killed_and_comes_back()
    {
        await using var stays = await RedisServer.Start();
        await using var dies = await RedisServer.Start();
        await using var bal = await BalInstance.Healthy(output,
            BalFile.For(stays.Port, dies.Port).With("health_check_interval_ms", 100));
        for (var i = 0; i < 60; i++)
        {
            if (i == 20)
                await dies.Kill();
            if (i == 40)
                await dies.Revive();
            Assert.Equal("PONG\n", (await RedisServer.Cli(bal.File.Port, "PING")).Succeeds().Out);
        }

        var status = await bal.SeeStatus("both are up again", s => s.Reachable == 2 && s.Active == 0);
        Assert.Equal(60, status.Connections);
    }
}
