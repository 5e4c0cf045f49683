using Bal.EndToEnd.Servers;

namespace Bal.EndToEnd.Clients;

/// <summary>psql and pgbench through bal.</summary>
public sealed class PostgresTests(PostgresServer postgres, ITestOutputHelper output) : IClassFixture<PostgresServer>
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(8)]
    public async Task Pgbench_commits_every_transaction(int threads)
    {
        await using var bal = await BalInstance.Healthy(output, BalFile.For(postgres.Port).With("threads", threads));
        var bench = (await PostgresServer.Client("pgbench", bal.File.Port,
            "--client", "8", "--jobs", "1", "--transactions", "100", "--no-vacuum")).Succeeds();
        Assert.Contains("number of transactions actually processed: 800/800", bench.Out, StringComparison.Ordinal);
        var status = await bal.SeeStatus("all connections have ended", s => s.Active == 0);
        Assert.InRange(status.Backends[0].Total, 8, 10);
    }

    [Fact]
    public async Task Pgbench_may_open_a_connection_for_each_transaction()
    {
        await using var bal = await BalInstance.Healthy(output, BalFile.For(postgres.Port));
        var bench = (await PostgresServer.Client("pgbench", bal.File.Port,
            "--client", "4", "--transactions", "25", "--connect", "--select-only", "--no-vacuum")).Succeeds();
        Assert.Contains("actually processed: 100/100", bench.Out, StringComparison.Ordinal);
        var status = await bal.SeeStatus("all connections have ended", s => s.Active == 0);
        Assert.InRange(status.Backends[0].Total, 100, 110);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public async Task A_limit_below_that_of_the_server_keeps_a_crowd_from_being_turned_away(int threads)
    {
        var crowded = new PostgresServer { MaxConnections = 20 };
        await crowded.InitializeAsync();
        try
        {
            await using var bal = await BalInstance.Healthy(
                output, (BalFile.For(crowded.Port) with { MaxConnections = 15 })
                    .With("threads", threads).With("queue_timeout_ms", 60_000));
            // Without the limit: FATAL: sorry, too many clients already.
            var bench = (await PostgresServer.Client("pgbench", bal.File.Port,
                "--client", "60", "--jobs", "60", "--transactions", "5", "--connect", "--select-only",
                "--no-vacuum")).Succeeds();
            Assert.Contains("actually processed: 300/300", bench.Out, StringComparison.Ordinal);
            Assert.DoesNotContain("too many clients", bench.Out + bench.Error, StringComparison.Ordinal);
            var status = await bal.SeeStatus("all connections have ended", s => s.Active == 0);
            Assert.True(status.Root.GetProperty("queue_waits").GetInt64() > 0, "nobody had to wait");
        }
        finally
        {
            await crowded.DisposeAsync();
        }
    }

    [Fact]
    public async Task Psql_gets_a_large_result_whole()
    {
        await using var bal = await BalInstance.Healthy(output, BalFile.For(postgres.Port));
        const string Query = "SELECT md5(n::text) FROM generate_series(1, 200000) n";
        var direct = (await PostgresServer.Client("psql", postgres.Port, "-At", "-c", Query)).Succeeds();
        var through = (await PostgresServer.Client("psql", bal.File.Port, "-At", "-c", Query)).Succeeds();
        Assert.True(direct.Out == through.Out, "the results differ");
        Assert.InRange((await bal.Status()).Backends[0].BytesOut, 200_000 * 33, long.MaxValue);
    }
}
