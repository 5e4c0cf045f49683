using Bal.Application.Simulation;
using Bal.Domain.Backend;
using Bal.Domain.Control;

namespace Bal.Simulation;

/// <summary>A whole run with a backend that comes back slowly: the share of its clients follows the line.</summary>
public sealed class SlowStartSpecs
{
    private const int OverMs = 90_000;

    private const string Scenario = """
        seed: 11
        duration: 6m
        client_rate: 200
        connection_length: 50ms
        events:
          - {at: 1m, backend: 1, do: refuse}
          - {at: 2m, backend: 1, do: recover}
        """;

    [Theory]
    [InlineData("round_robin", 0.02)]
    [InlineData("random_two", 0.25)]
    public void The_share_of_who_comes_back_follows_the_line(string method, double tolerance)
    {
        var (came, chosen) = Run(method);
        // In tenths of the time, since that is how far a share may be from the line.
        for (var tenth = 0; tenth < 12; tenth++)
        {
            var (from, to) = (came + (tenth * OverMs / 10), came + ((tenth + 1) * OverMs / 10));
            var within = chosen.Where(c => c.At >= from && c.At < to).ToArray();
            var ratio = within.Count(c => c.Backend == 1) / (double)within.Count(c => c.Backend == 2);
            var (least, most) = (Line(tenth / 10.0), Line((tenth + 1) / 10.0));

            Assert.InRange(ratio, least - 0.1 - tolerance, most + 0.1 + tolerance);
        }
    }

    [Fact]
    public void Until_it_goes_down_it_has_all_of_its_share()
    {
        var (_, chosen) = Run("round_robin");
        var before = chosen.Where(c => c.At < 60_000).ToArray();

        Assert.InRange(before.Count(c => c.Backend == 1) - before.Count(c => c.Backend == 2), -1, 1);
    }

    [Fact]
    public void With_source_hash_its_clients_are_all_back_at_once()
    {
        var (came, chosen) = Run("source_hash");
        double Share(long from, long to) => chosen.Count(c => c.At >= from && c.At < to && c.Backend == 1)
            / (double)chosen.Count(c => c.At >= from && c.At < to);

        Assert.InRange(Share(came, came + (OverMs / 10)), Share(0, 60_000) - 0.05, Share(0, 60_000) + 0.05);
    }

    private static double Line(double part) => 0.1 + (0.9 * Math.Min(1, part));

    private static (long Came, List<(long At, int Backend)> Chosen) Run(string method)
    {
        var (now, came, chosen) = (0L, 0L, new List<(long At, int Backend)>());
        var config = $"method: {method}\n{Scenarios.TwoBackends}\n"
            + $"runtime: {{slow_start_ms: {OverMs}, health_check_interval_ms: 100, health_check_timeout_ms: 100}}";
        var rules = new SimulationRules
        {
            Decide = (happened, at, before) =>
            {
                var step = ControlMachine.Step(happened, at, before);
                now = at.Milliseconds;
                if (Health(before) is { Up: false } && Health(step.State) is { Up: true })
                    came = now;
                return step;
            },
            Select = (selector, attempt) =>
            {
                var next = selector.Next(attempt);
                if (attempt.Tried.IsEmpty)
                    next.IfSome(candidate => chosen.Add((now, candidate.Route.Id.Value)));
                return next;
            },
        };
        var scenario = Scenarios.Read(Scenario, config).Scenario.IfNone(
            () => throw new InvalidOperationException("the scenario is not valid"));
        var report = SimulationRun.Of(Scenarios.Config(config), "config.yaml", scenario, "scenario.yaml", rules);
        Assert.Equal(report.Totals.Clients, report.Totals.Served);
        Assert.InRange(came, 120_000, 121_000);
        return (came, chosen);
    }

    private static Health Health(ControlState state) =>
        state.InOrder[0].InOrder.First(backend => backend.Id == new BackendId(1)).Health;
}
