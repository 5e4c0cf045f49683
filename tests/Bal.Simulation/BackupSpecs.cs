namespace Bal.Simulation;

/// <summary>Backups in virtual time, by the decisions of production.</summary>
public sealed class BackupSpecs
{
    private const string Config = """
        on_backend_down: FATE
        on_primary_up: FATE
        backends:
          - {host: "127.0.0.1", port: 9000}
          - {host: "127.0.0.1", port: 9001, backup: true}
        """;

    [Theory]
    [InlineData("keep")]
    [InlineData("reset")]
    public void A_backup_serves_from_the_end_of_the_primary_until_it_is_back(string fate)
    {
        var report = Scenarios.Run(
            """
            duration: 2m
            client_rate: 20
            connection_length: 5s
            events:
              - {at: 30s, backend: 1, do: blackhole}
              - {at: 60s, backend: 1, do: recover}
            """,
            Config.Replace("FATE", fate, StringComparison.Ordinal));

        Assert.Equal(report.Totals.Clients, report.Totals.Served + report.Totals.Failed);
        // From a moment after the primary is silent until it has answered a probe: some 30 s of 20 clients each.
        Assert.InRange(report.Backends[1].Served, 500, 620);
        var begins = report.Timeline.First(e => e.Event == "backups_in_use").At;
        var ends = report.Timeline.Last(e => e.Event == "backups_not_in_use").At;
        Assert.InRange(begins.Milliseconds, 30_000, 33_000);
        Assert.InRange(ends.Milliseconds, 60_000, 62_000);
        // Nobody is refused a backend but in the seconds in which the primary is dead and not yet down.
        Assert.InRange(report.Totals.Failed, 0, 60);
    }

    [Fact]
    public void A_primary_that_only_cools_down_sends_nobody_to_the_backup()
    {
        var report = Scenarios.Run(
            """
            duration: 1m
            client_rate: 20
            events:
              - {at: 30s, backend: 1, do: refuse}
              - {at: 30100ms, backend: 1, do: recover}
            """,
            Config.Replace("FATE", "reset", StringComparison.Ordinal)
                + "\nruntime: {health_check_fail_threshold: 1000, health_check_interval_ms: 10000}");

        Assert.Equal(0, report.Backends[1].Served);
        Assert.Equal(0, report.Backends[1].LongestOut.Milliseconds);
    }
}
