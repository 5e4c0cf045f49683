using Bal.Domain.Config;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Simulation;

/// <summary>What a simulated run showed.</summary>
/// <param name="ConfigName">The configuration that bal started with.</param>
/// <param name="ScenarioName">The scenario.</param>
/// <param name="Config">That configuration.</param>
/// <param name="Scenario">That scenario.</param>
/// <param name="Totals">The whole run in numbers.</param>
/// <param name="Services">Each service that was ever configured, in the order in which it appeared.</param>
/// <param name="Backends">Each backend that was ever configured, in the order in which it appeared.</param>
/// <param name="Timeline">What happened, in order.</param>
/// <param name="LeftOut">Happenings beyond <see cref="MaxEntries"/>, which are only counted.</param>
/// <param name="Absences">When no bal was running.</param>
/// <param name="Trouble">Clients without a backend, by time.</param>
public sealed record SimulationReport(
    string ConfigName,
    string ScenarioName,
    BalConfig Config,
    Scenario Scenario,
    SimulationTotals Totals,
    Arr<ServiceHistory> Services,
    Arr<BackendHistory> Backends,
    Arr<TimelineEntry> Timeline,
    long LeftOut,
    Arr<Period> Absences,
    Arr<Burst> Trouble)
{
    /// <summary>Happenings that are kept one by one.</summary>
    public const int MaxEntries = 5_000;

    /// <summary>Into how many parts a run is divided where only sums are kept.</summary>
    public const int Parts = 500;

    /// <summary>When protection mode of a service was on, of all services by their beginning.</summary>
    public Arr<Period> Protection =>
        new(Services.SelectMany(service => service.Protection).OrderBy(period => period.From.Milliseconds));

    /// <summary>The history of the backend that <paramref name="backend"/> means.</summary>
    public Option<BackendHistory> HistoryOf(BackendRef backend)
    {
        var service = backend is BackendRef.Position ? backend.ServiceIn(Config).Map(s => s.Name) : backend.Service;
        return backend.In(Config) is [var endpoint]
            ? Backends.Find(b => b.Endpoint == endpoint && service.ForAll(name => b.Service == name))
            : Option<BackendHistory>.None;
    }

    /// <summary>How a backend is called in this run: with its service where there are several.</summary>
    public string NameOf(BackendHistory backend) =>
        Services.Count > 1 ? $"{backend.Service}/{backend.Endpoint}" : backend.Endpoint.ToString();

    /// <summary>What became of the expectations, in the order of the scenario.</summary>
    public Arr<Verdict> Verdicts => Scenario.Expected.Map(e => ExpectationRule.Judge(e, this));

    /// <summary>Whether every expectation holds.</summary>
    public bool Passed => Verdicts.ForAll(v => v.Holds);
}

/// <summary>A run in numbers.</summary>
/// <param name="Clients">Clients that came.</param>
/// <param name="Served">Of those, the ones that got a backend.</param>
/// <param name="Failed">Of those, the ones that got none, retries included.</param>
/// <param name="Retried">Connections that were made because an earlier one failed.</param>
/// <param name="Rejected">Connections turned away by <c>max_concurrent_connections</c>.</param>
/// <param name="Cut">Connections that ended because bal did.</param>
/// <param name="FailedOver">Clients that got a backend after another one had failed them.</param>
/// <param name="FailoverP50">What half of those lost by it at most; none where nobody failed over.</param>
/// <param name="FailoverP99">What 99 in 100 lost at most.</param>
/// <param name="FailoverMax">What the slowest lost.</param>
/// <param name="MaxOpen">The most connections open at once.</param>
/// <param name="MaxTries">The most backends that were tried for one client.</param>
/// <param name="Steps">Decisions that the core made.</param>
public sealed record SimulationTotals(
    long Clients, long Served, long Failed, long Retried, long Rejected, long Cut, long FailedOver,
    Option<Duration> FailoverP50, Option<Duration> FailoverP99, Option<Duration> FailoverMax,
    int MaxOpen, int MaxTries, long Steps);

/// <summary>What became of the clients of a service.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Served">Clients that got a backend.</param>
/// <param name="Failed">Clients that got none, retries included.</param>
/// <param name="Rejected">Connections turned away by its <c>max_concurrent_connections</c>.</param>
/// <param name="Protection">When its protection mode was on.</param>
public sealed record ServiceHistory(string Name, long Served, long Failed, long Rejected, Arr<Period> Protection)
{
    /// <summary>What became of those who had to wait for a place in a backend.</summary>
    public QueueHistory Queue { get; init; } = QueueHistory.Empty;
}

/// <summary>What became of the clients of a service while every usable backend had its max_connections.</summary>
/// <param name="Longest">The most that waited at once.</param>
/// <param name="Waited">Clients that waited.</param>
/// <param name="MeanWait">How long, on average.</param>
/// <param name="LongestWait">How long at most.</param>
/// <param name="Full">Clients turned away because as many waited as may.</param>
/// <param name="TimedOut">Clients turned away because they had waited for as long as they may.</param>
public sealed record QueueHistory(
    int Longest, long Waited, Duration MeanWait, Duration LongestWait, long Full, long TimedOut)
{
    /// <summary>Nobody had to wait.</summary>
    public static readonly QueueHistory Empty = new(0, 0, Duration.Zero, Duration.Zero, 0, 0);
}

/// <summary>What a simulated backend looked like from bal's side, and what was wrong with it.</summary>
/// <param name="Service">The name of its service.</param>
/// <param name="Endpoint">As configured.</param>
/// <param name="Served">Connections that it took.</param>
/// <param name="Refused">Client connects that it refused.</param>
/// <param name="TimedOut">Client connects that it did not answer in time.</param>
/// <param name="Lane">Its states, without a gap from the beginning to the end.</param>
/// <param name="Faults">What the scenario did to it; empty while it was well.</param>
/// <param name="Failures">Client connects to it that failed, by time.</param>
public sealed record BackendHistory(
    string Service, Endpoint Endpoint, long Served, long Refused, long TimedOut, Arr<LaneSpan> Lane,
        Arr<FaultSpan> Faults,
    Arr<Burst> Failures)
{
    /// <summary>Its state at <paramref name="at"/>.</summary>
    public LaneState StateAt(Instant at)
    {
        foreach (var span in Lane)
        {
            if (at.Milliseconds < span.During.To.Milliseconds)
                return span.State;
        }

        return Lane.IsEmpty ? LaneState.Absent : Lane[Lane.Count - 1].State;
    }

    /// <summary>The longest time that bal kept it out of rotation in one piece: cooling or down.</summary>
    public Duration LongestOut
    {
        get
        {
            var (longest, since) = (0L, -1L);
            foreach (var span in Lane)
            {
                var isOut = span.State is LaneState.Cooling or LaneState.Down;
                since = !isOut ? -1 : since < 0 ? span.During.From.Milliseconds : since;
                if (isOut)
                    longest = Math.Max(longest, span.During.To.Milliseconds - since);
            }

            return new(longest);
        }
    }

    /// <summary>How long it was in rotation in all.</summary>
    public Duration InRotation => new(Lane.Filter(s => s.State == LaneState.Up).Sum(s => s.During.Length.Milliseconds));
}

/// <summary>A backend's state as bal sees it.</summary>
public enum LaneState
{
    /// <summary>Not configured, or no bal is running.</summary>
    Absent,

    /// <summary>In rotation.</summary>
    Up,

    /// <summary>In rotation, but its client connects have just failed.</summary>
    Cooling,

    /// <summary>Out of rotation.</summary>
    Down,

    /// <summary>Removed by a reload, with connections left.</summary>
    Draining,
}

/// <summary>From one moment to another, the end not included.</summary>
/// <param name="From">The beginning.</param>
/// <param name="To">The end; not before the beginning.</param>
public sealed record Period(Instant From, Instant To)
{
    /// <summary>How long it is.</summary>
    public Duration Length => To.Since(From);

    /// <summary>Whether <paramref name="at"/> lies within.</summary>
    public bool Covers(Instant at) => From.IsDue(at) && !To.IsDue(at);
}

/// <summary>A state of a backend for a while.</summary>
/// <param name="During">When.</param>
/// <param name="State">Which.</param>
public sealed record LaneSpan(Period During, LaneState State);

/// <summary>A fault of a backend for a while.</summary>
/// <param name="During">When.</param>
/// <param name="Fault">Which.</param>
public sealed record FaultSpan(Period During, Fault Fault);

/// <summary>How often something happened in one of the <see cref="SimulationReport.Parts"/>.</summary>
/// <param name="At">The beginning of the part.</param>
/// <param name="Count">How often, above zero.</param>
public sealed record Burst(Instant At, long Count);

/// <summary>What a line of the timeline is about.</summary>
public enum TimelineKind
{
    /// <summary>The scenario did something.</summary>
    Scenario,

    /// <summary>bal decided something.</summary>
    Decision,

    /// <summary>Something happened to clients.</summary>
    Clients,
}

/// <summary>A line of the timeline.</summary>
/// <param name="At">When.</param>
/// <param name="Kind">What it is about.</param>
/// <param name="Event">A stable snake_case name, such as <c>backend_down</c>.</param>
/// <param name="Text">What happened, for a person.</param>
public sealed record TimelineEntry(Instant At, TimelineKind Kind, string Event, string Text);
