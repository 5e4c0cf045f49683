using Bal.Domain.Backend;
using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Simulation;
using LanguageExt;

namespace Bal.Application.Simulation;

/// <summary>Writes down what happens in a simulated world, in bounded memory, for the report.</summary>
internal sealed class Chronicle(Scenario scenario, VirtualClock clock) : ILogSink
{
    private readonly Dictionary<Endpoint, BackendNotes> notes = [];
    private readonly List<Endpoint> order = [];
    private readonly EntryList entries = new();
    private readonly PartCounts trouble = new(scenario.Length);
    private readonly SpanList<bool> protection = new(false);
    private readonly SpanList<bool> absence = new(false);
    private readonly ProtectionCounts counts = new();
    private readonly Dictionary<long, long> lost = [];
    private ControlState? latest;
    private Option<string> said;
    private long clients, served, failed, retried, rejected, cut, failedOver, steps;
    private int maxOpen, maxTries;

    public BackendNotes NotesOf(Endpoint endpoint)
    {
        if (!notes.TryGetValue(endpoint, out var found))
        {
            notes[endpoint] = found = new BackendNotes(endpoint, scenario.Length);
            order.Add(endpoint);
        }

        return found;
    }

    /// <summary>Looks on while the core decides.</summary>
    public ControlStep Observe(ControlEvent happened, Instant now, ControlState before, ControlStep step)
    {
        steps++;
        said = counts.Observe(happened, now, before, step.State);
        if (latest is null || step.Effects.Exists(effect => effect is ControlEffect.Publish))
            Look(now, step.State);
        latest = step.State;
        return step;
    }

    /// <inheritdoc/>
    public void Write(LogEvent line)
    {
        if (line.Level < LogLevel.Info)
            return;
        var text = line.Event is "protection_on" or "protection_off" ? said.IfNone(line.Message) : line.Message;
        entries.Add(clock.Now, TimelineKind.Decision, line.Event, text);
    }

    /// <summary>The scenario did something.</summary>
    public void Scene(string name, string text) => entries.Add(clock.Now, TimelineKind.Scenario, name, text);

    /// <summary>From now on no bal is running.</summary>
    public void BalGone()
    {
        absence.Become(true, clock.Now);
        protection.Become(false, clock.Now);
        counts.Reset();
        latest = null;
        foreach (var backend in notes.Values)
            backend.IsIn(LaneState.Absent, clock.Now);
    }

    /// <summary>From now on one is.</summary>
    public void BalBack() => absence.Become(false, clock.Now);

    public void Came() => clients++;

    public void Opened(int open) => maxOpen = Math.Max(maxOpen, open);

    public void Served(BackendNotes backend, Duration late, int failures)
    {
        served++;
        backend.Served();
        maxTries = Math.Max(maxTries, failures + 1);
        if (failures == 0)
            return;
        failedOver++;
        lost[late.Milliseconds] = lost.GetValueOrDefault(late.Milliseconds) + 1;
    }

    public void ConnectFailed(BackendNotes backend, FailureKind kind)
    {
        backend.ConnectFailed(kind, clock.Now);
        entries.Burst(clock.Now, "connects_failed",
            $"client connect(s) to {backend.Endpoint} {(kind == FailureKind.Refused ? "were refused" : "timed out")}");
    }

    public void Exhausted(int tries) => maxTries = Math.Max(maxTries, tries);

    public void Failed(string why)
    {
        failed++;
        trouble.Add(clock.Now);
        entries.Burst(clock.Now, "clients_failed", $"client(s) got no backend: {why}");
    }

    public void Retried() => retried++;

    public void Rejected() => rejected++;

    /// <summary>A connection ended because bal did.</summary>
    public void Cut(bool waiting)
    {
        cut++;
        if (waiting)
            Failed("bal ended meanwhile");
    }

    /// <summary>The report of the run up to <paramref name="end"/>.</summary>
    public SimulationReport ToReport(string configName, string scenarioName, BalConfig config, Instant end)
    {
        var (timeline, leftOut) = entries.Until(end);
        return new(
            configName, scenarioName, config, scenario,
            new SimulationTotals(
                clients, served, failed, retried, rejected, cut, failedOver,
                Percentile(50), Percentile(99), Percentile(100), maxOpen, maxTries, steps),
            new Arr<BackendHistory>(order.Select(endpoint => notes[endpoint].ToHistory(end))),
            timeline, leftOut,
            On(protection, end), On(absence, end), trouble.ToBursts());
    }

    private void Look(Instant now, ControlState state)
    {
        var service = state.InOrder[0];
        protection.Become(service.Protection.IsOn, now);
        foreach (var (endpoint, note) in notes)
        {
            var seen = LaneState.Absent;
            foreach (var backend in service.Backends.Values)
            {
                // One that was removed and added again is two for a while; what matters is the one in use.
                if (backend.Endpoint == endpoint && (seen == LaneState.Absent || !backend.Draining))
                    seen = StateOf(backend);
            }

            note.IsIn(seen, now);
        }
    }

    private static LaneState StateOf(BackendState backend) =>
        backend.Draining ? LaneState.Draining
        : backend.Addresses.IsEmpty ? LaneState.Down
        : backend.Tier switch
        {
            Tier.Up => LaneState.Up,
            Tier.Cooling => LaneState.Cooling,
            _ => LaneState.Down,
        };

    private static Arr<Period> On(SpanList<bool> flag, Instant end) =>
        flag.Until(end).Filter(s => s.Value).Map(s => s.During);

    // Nearest rank.
    private Option<Duration> Percentile(int percent)
    {
        var rank = (failedOver * percent + 99) / 100;
        foreach (var (ms, count) in lost.OrderBy(l => l.Key))
        {
            rank -= count;
            if (rank <= 0)
                return new Duration(ms);
        }

        return Option<Duration>.None;
    }
}
