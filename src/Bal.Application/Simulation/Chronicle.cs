using Bal.Domain.Admission;
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
    private readonly OrderedDictionary<BackendKey, BackendNotes> backends = [];
    private readonly OrderedDictionary<string, ServiceNotes> services = [];
    private readonly Dictionary<Endpoint, TimedFault> faults = [];
    private readonly EntryList entries = new();
    private readonly PartCounts trouble = new(scenario.Length);
    private readonly SpanList<bool> absence = new(false);
    private readonly Dictionary<int, ProtectionCounts> counts = [];
    private readonly Dictionary<long, long> lost = [];
    private ControlState? latest;
    private Option<string> said;
    private long clients, served, failed, retried, rejected, cut, failedOver, steps;
    private int maxOpen, maxTries;

    /// <summary>A service of this configuration may be there from now on.</summary>
    public void Knows(BalConfig config)
    {
        foreach (var service in config.Services)
        {
            foreach (var endpoint in service.Endpoints)
                _ = NotesOf(service.Name, endpoint);
        }
    }

    public BackendNotes NotesOf(string service, Endpoint endpoint)
    {
        if (backends.TryGetValue(new(service, endpoint), out var found))
            return found;
        backends[new(service, endpoint)] = found = new BackendNotes(NotesOf(service), endpoint, scenario.Length);
        if (faults.TryGetValue(endpoint, out var fault))
            found.Suffers(fault.Fault, fault.Since);
        return found;
    }

    /// <summary>From now on a backend answers like this, in whatever services it is.</summary>
    public void Suffers(Endpoint endpoint, Fault fault)
    {
        faults[endpoint] = new(fault, clock.Now);
        foreach (var (key, note) in backends)
        {
            if (key.Endpoint == endpoint)
                note.Suffers(fault, clock.Now);
        }
    }

    /// <summary>Where a backend of the running bal is.</summary>
    public Endpoint EndpointOf(BackendId id) => latest!.Index.Find(id)
        .Map(home => latest.Services[home.Service.Value].Backends[home.Place].Endpoint)
        .IfNone(() => throw new SimulationStuckException($"backend {id.Value} is probed and not known"));

    /// <summary>Looks on while the core decides.</summary>
    public ControlStep Observe(ControlEvent happened, Instant now, ControlState before, ControlStep step)
    {
        steps++;
        said = ConcernedBy(happened, before).Bind(id =>
            before.Services.Find(id.Value).Bind(was => step.State.Services.Find(id.Value).Bind(becomes =>
                CountsOf(id).Observe(happened, now, was, becomes))));
        if (latest is null
            || step.Effects.Exists(effect => effect is ControlEffect.Publish or ControlEffect.ForgetService))
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
        var service = line.Fields.Find(field => field.Name == "service")
            .Bind(field => field.Value is LogValue.Text name ? Option<string>.Some(name.Value) : Option<string>.None);
        entries.Add(
            clock.Now, TimelineKind.Decision, line.Event, service.Match(name => Of(name) + text, () => text));
    }

    /// <summary>The scenario did something.</summary>
    public void Scene(string name, string text) => entries.Add(clock.Now, TimelineKind.Scenario, name, text);

    /// <summary>From now on no bal is running.</summary>
    public void BalGone()
    {
        absence.Become(true, clock.Now);
        counts.Clear();
        latest = null;
        foreach (var service in services.Values)
            service.IsProtected(false, clock.Now);
        foreach (var backend in backends.Values)
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
        var (one, several) = kind == FailureKind.Refused ? ("was refused", "were refused") : ("timed out", "timed out");
        var name = services.Count > 1 ? $"{backend.Service.Name}/{backend.Endpoint}" : backend.Endpoint.ToString();
        entries.Burst(
            clock.Now, "connects_failed", $"1 client connect to {name} {one}", $"client connects to {name} {several}");
    }

    public void Exhausted(int tries) => maxTries = Math.Max(maxTries, tries);

    public void Failed(string service, string why)
    {
        failed++;
        NotesOf(service).Failed++;
        trouble.Add(clock.Now);
        var whose = services.Count > 1 ? $" of {service}" : "";
        entries.Burst(
            clock.Now, "clients_failed", $"1 client{whose} got no backend: {why}",
                $"clients{whose} got no backend: {why}");
    }

    public void Retried() => retried++;

    public void Rejected(string service)
    {
        rejected++;
        NotesOf(service).Rejected++;
    }

    /// <summary>A client waits for a place in a backend, and so many with it.</summary>
    public void Waits(string service, int length) => NotesOf(service).Queue.Waits(length);

    /// <summary>It has waited for so long, whatever comes next.</summary>
    public void Waited(string service, Duration span) => NotesOf(service).Queue.Waited(span);

    /// <summary>It was turned away.</summary>
    public void Refused(string service, Refusal reason) => NotesOf(service).Queue.Refused(reason);

    /// <summary>A connection ended because bal did.</summary>
    public void Cut(string service, bool waiting)
    {
        cut++;
        if (waiting)
            Failed(service, "bal ended meanwhile");
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
            new Arr<ServiceHistory>(services.Values.Select(service => service.ToHistory(end))),
            new Arr<BackendHistory>(backends.Values.Select(backend => backend.ToHistory(end))),
            timeline, leftOut,
            On(absence, end), trouble.ToBursts());
    }

    private void Look(Instant now, ControlState state)
    {
        var on = new System.Collections.Generic.HashSet<string>();
        var lanes = new Dictionary<BackendKey, LaneState>();
        foreach (var service in state.Services.Values)
        {
            if (service.Protection.IsOn)
                on.Add(service.Config.Name);
            // Where two have been one at different times, what matters is the one in use.
            foreach (var backend in service.Backends.Values)
            {
                var key = new BackendKey(service.Config.Name, backend.Endpoint);
                if (!backend.Draining || !lanes.ContainsKey(key))
                    lanes[key] = StateOf(backend);
            }
        }

        foreach (var service in services.Values)
            service.IsProtected(on.Contains(service.Name), now);
        foreach (var (key, backend) in backends)
            backend.IsIn(lanes.GetValueOrDefault(key, LaneState.Absent), now);
    }

    private ServiceNotes NotesOf(string service) => services.TryGetValue(service, out var found)
        ? found
        : services[service] = new ServiceNotes(service);

    private ProtectionCounts CountsOf(ServiceId service) => counts.TryGetValue(service.Value, out var found)
        ? found
        : counts[service.Value] = new ProtectionCounts();

    // Only these events turn protection mode on or off.
    private static Option<ServiceId> ConcernedBy(ControlEvent happened, ControlState state) => happened switch
    {
        ControlEvent.ConnectsFailed e => state.Index.Find(e.Backend).Map(home => home.Service),
        ControlEvent.ConnectsSucceeded e => state.Index.Find(e.Backend).Map(home => home.Service),
        ControlEvent.ProbeEnded e => state.Index.Find(e.Backend).Map(home => home.Service),
        ControlEvent.ClientExhausted e => e.Service,
        _ => Option<ServiceId>.None,
    };

    private string Of(string service) => services.Count > 1 ? $"service {service}: " : "";

    private static LaneState StateOf(BackendState backend) =>
        backend.Draining || backend.IsDrained ? LaneState.Draining
        : !backend.IsPlaced ? LaneState.Down
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

    private readonly record struct BackendKey(string Service, Endpoint Endpoint);

    private sealed record TimedFault(Fault Fault, Instant Since);
}
