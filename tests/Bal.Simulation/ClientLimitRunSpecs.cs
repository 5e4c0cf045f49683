namespace Bal.Simulation;

/// <summary>Limits for each client in a simulated world.</summary>
public sealed class ClientLimitRunSpecs
{
    private const string Four = "duration: 1m\nclient_rate: 8\nconnect_latency: 1ms\nclient_addresses: 10.0.0.0/30\n";

    [Fact]
    public void Each_client_has_as_many_connections_as_it_may()
    {
        // Each of four comes twice a second and stays for two: it could have four connections, and may have one.
        var report = Scenarios.Run(
            $"{Four}connection_length: 1900ms", $"max_connections_per_client: 1\n{Scenarios.TwoBackends}");

        Assert.Equal(480, report.Totals.Clients);
        Assert.InRange(report.Totals.Served, 115, 125);
        Assert.Equal(480, report.Totals.Served + report.Totals.Failed);
        Assert.InRange(report.Totals.MaxOpen, 1, 4);
        Assert.Contains(
            report.Timeline, e => e.Text.Contains("has as many connections as it may", StringComparison.Ordinal));
        Assert.Contains(report.Timeline, e => e.Event == "clients_not_served");
    }

    [Fact]
    public void Each_client_comes_as_often_as_it_may()
    {
        var report = Scenarios.Run(
            $"{Four}connection_length: 100ms", $"max_connection_rate_per_client: 1\n{Scenarios.TwoBackends}");

        Assert.InRange(report.Totals.Served, 150, 4 * 61);
        Assert.Equal(480, report.Totals.Served + report.Totals.Failed);
        Assert.Contains(report.Timeline, e => e.Text.Contains("more often than it may", StringComparison.Ordinal));
    }

    [Fact]
    public void Clients_with_addresses_of_their_own_do_not_keep_each_other_out()
    {
        var report = Scenarios.Run(
            "duration: 1m\nclient_rate: 8\nconnect_latency: 1ms\nconnection_length: 2s",
            $"max_connections_per_client: 1\nmax_connection_rate_per_client: 1\n{Scenarios.TwoBackends}");

        Assert.Equal((480, 480), (report.Totals.Clients, report.Totals.Served));
    }

    [Fact]
    public void Whoever_is_kept_out_and_retries_gets_in_once_there_is_room()
    {
        var report = Scenarios.Run(
            "duration: 1m\nclient_rate: 1\nconnect_latency: 1ms\nconnection_length: 1100ms\nretries: 5\n"
            + "retry_after: 300ms\nclient_addresses: 10.0.0.0/32",
            $"max_connections_per_client: 1\n{Scenarios.TwoBackends}");

        Assert.True(report.Totals.Retried > 0);
        Assert.InRange(report.Totals.Served, 40, 60);
    }
}
