namespace Bal.Simulation;

/// <summary>Backends with max_connections in a simulated world.</summary>
public sealed class QueueRunSpecs
{
    private const string Limited = "backends: [{host: 10.0.0.1, port: 9000, max_connections: LIMIT}]\nruntime:\n";

    [Fact]
    public void Clients_wait_for_a_place_and_are_all_served_where_they_may_wait_for_long_enough()
    {
        var report = Scenarios.Run(
            "duration: 1m\nclient_rate: 3\nconnection_length: 500ms\nconnect_latency: 1ms",
            $"{Limited.Replace("LIMIT", "1", StringComparison.Ordinal)}  queue_timeout_ms: 60000");
        var queue = report.Services[0].Queue;

        Assert.Equal((180, 180, 0), (report.Totals.Clients, report.Totals.Served, report.Totals.Failed));
        // 2 a second are served of 3 that come.
        Assert.InRange(queue.Longest, 50, 70);
        Assert.InRange(queue.Waited, 170, 180);
        Assert.InRange(queue.LongestWait.Milliseconds, 25_000, 35_000);
        Assert.InRange(queue.MeanWait.Milliseconds, 10_000, 20_000);
        Assert.Equal((0, 0), (queue.Full, queue.TimedOut));
        Assert.Contains(" waited, at most ", Domain.Simulation.SimulationText.Of(report), StringComparison.Ordinal);
    }

    [Fact]
    public void Those_for_whom_there_is_no_room_in_the_queue_or_no_place_in_time_are_turned_away()
    {
        var report = Scenarios.Run(
            "duration: 1m\nclient_rate: 10\nconnection_length: 1s\nconnect_latency: 1ms",
            $"{Limited.Replace("LIMIT", "2", StringComparison.Ordinal)}  queue_limit: 3\n  queue_timeout_ms: 900");
        var queue = report.Services[0].Queue;

        Assert.Equal(3, queue.Longest);
        Assert.True(queue.Full > 0 && queue.TimedOut > 0);
        Assert.InRange(queue.LongestWait.Milliseconds, 800, 900);
        Assert.Equal(report.Totals.Failed, queue.Full + queue.TimedOut);
        Assert.Equal(report.Totals.Clients, report.Totals.Served + report.Totals.Failed);
        Assert.InRange(report.Totals.Served, 110, 130);
        Assert.Contains(report.Timeline, e => e.Event == "clients_not_served");
    }
}
