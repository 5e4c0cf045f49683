namespace Bal.Simulation;

/// <summary>Health checks that ask, in virtual time: what accepts is not always what serves.</summary>
public sealed class AskingRunSpecs
{
    private const string Backends = """
        backends:
          - {host: "127.0.0.1", port: 9000}
          - {host: "127.0.0.1", port: 9001}
        """;

    private const string Asking = Backends + "\nhealth_check: {type: http}\n";

    [Theory]
    [InlineData("hang", "timeout")]
    [InlineData("wrong_answer", "wrong_answer")]
    public void A_backend_that_accepts_and_does_not_serve_is_taken_out_by_a_check_that_asks(string fault, string reason)
    {
        var scenario = $$"""
            duration: 2m
            client_rate: 20
            events:
              - {at: 30s, backend: 1, do: {{fault}}}
              - {at: 90s, backend: 1, do: recover}
            """;

        var report = Scenarios.Run(scenario, Asking);
        Assert.Contains(report.Timeline, e => e.Event == "backend_down"
            && e.Text.Contains(reason, StringComparison.Ordinal));
        Assert.InRange(report.Backends[0].LongestOut.Milliseconds, 50_000, 62_000);
        Assert.Equal(0, Scenarios.Run(scenario, Backends).Backends[0].LongestOut.Milliseconds);
    }

    [Fact]
    public void Nobody_is_sent_to_a_backend_that_answers_wrongly_even_where_it_is_the_last()
    {
        var report = Scenarios.Run(
            """
            duration: 1m
            client_rate: 20
            events:
              - {at: 20s, backend: all, do: wrong_answer}
            """,
            Asking);

        // Until both are down they are up.
        Assert.InRange(report.Totals.Served, 400, 400 + (20 * 7));
        Assert.Equal(report.Totals.Clients - report.Totals.Served, report.Totals.Failed);
    }
}
