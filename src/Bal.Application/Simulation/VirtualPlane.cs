using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Counting;
using Bal.Domain.Messages;
using Bal.Domain.Simulation;
using LanguageExt;

namespace Bal.Application.Simulation;

/// <summary>
/// The event loops in a simulated world: clients are admitted, connected, failed over and counted by the rules of the
/// core that the real loops use. No byte is relayed; an established connection lasts as long as the dice say.
/// </summary>
internal sealed partial class VirtualPlane(
    VirtualClock clock, VirtualNetwork network, Scenario scenario, SimulationRules rules, Chronicle chronicle)
        : IDataPlane
{
    private static readonly Duration RejectionReports = new(100);

    private readonly Dice dice = new(scenario.Seed);
    private readonly Dictionary<int, Ledger> ledgers = [];
    private readonly List<VirtualClient> open = [];
    private readonly Stack<VirtualClient> unused = [];
    private readonly Dictionary<int, VirtualService> services = [];
    private readonly Dictionary<string, VirtualService> listeners = [];
    private CutShare carried = CutShare.None;
    private string prepared = "";
    private string first = "";
    private bool listening;
    private bool stopping;
    private int connecting;

    /// <summary>Whether some client still waits for a backend, or for its next try.</summary>
    public bool Busy => connecting > 0 || Returning > 0;

    /// <summary>Clients that will retry.</summary>
    public int Returning { get; private set; }

    /// <summary>Set at the end of a run: clients that fail now do not retry.</summary>
    public bool Closing { get; set; }

    /// <summary>Connections open now.</summary>
    public int Open => open.Count;

    public Either<Problem, Unit> Prepare(BalConfig config)
    {
        prepared = config.Services[0].Name;
        return Unit.Default;
    }

    public void Commit()
    {
        first = prepared;
        listening = !stopping;
    }

    public void Abandon() { }

    public void Publish(RoutingTable table)
    {
        var published = rules.Hear(table);
        if (!services.TryGetValue(published.Id.Value, out var service))
            services[published.Id.Value] = service = new VirtualService();
        service.Publish(published);
        if (!published.Removed)
            listeners[published.Service.Name] = service;
        foreach (var route in published.All)
        {
            if (!ledgers.TryGetValue(route.Id.Value, out var ledger))
                ledgers[route.Id.Value] = ledger =
                    new Ledger(chronicle.NotesOf(published.Service.Name, route.Endpoint));
            // One that drained may have come back.
            if (ledger.Draining && !published.Draining.Contains(route.Id))
                (ledger.Draining, ledger.SaidIdle) = (false, false);
        }

        foreach (var id in published.Draining)
        {
            // One that never had an address was never used.
            if (!ledgers.TryGetValue(id.Value, out var ledger))
                clock.Post(new ControlEvent.BackendIdle(id));
            else if (!ledger.Draining)
            {
                ledger.Draining = true;
                TellIfIdle(id.Value, ledger);
            }
        }

        Serve(service);
    }

    public void Forget(BackendId backend)
    {
        if (ledgers.Remove(backend.Value, out var ledger) && ledger.Active != 0)
            throw new SimulationStuckException($"backend {ledger.Notes.Endpoint} was forgotten with connections left");
    }

    public void ForgetService(ServiceId service)
    {
        if (services.Remove(service.Value, out var gone) && gone.Open != 0)
            throw new SimulationStuckException(
                $"service {gone.Table.Service.Name} was forgotten with connections left");
    }

    public void StopAccepting()
    {
        listening = false;
        stopping = true;
        TellIfAllIdle();
    }

    public void Cut(int oneOf)
    {
        var step = CutShares.Next(oneOf, open.Count, carried);
        carried = step.Carried;
        for (var i = 0; i < step.Cut; i++)
            CutOne(open[0]);
    }

    public void Reset(BackendId backend, TerminationReason reason)
    {
        foreach (var client in open.Where(c => c.Backend == backend.Value).ToArray())
        {
            if (client.State == ClientState.Established)
                CutOne(client);
            else if (client.Service is { } service)
                GoOnElsewhere(client, service);
        }
    }

    // The answer that it waits for is still to come and finds nobody: another one goes on in its place.
    private void GoOnElsewhere(VirtualClient client, VirtualService service)
    {
        var other = unused.Count > 0 ? unused.Pop() : new VirtualClient(Woken);
        other.GoOnAs(client);
        open[other.Place] = other;
        (client.State, client.Service, client.Backend) = (ClientState.Outside, null, 0);
        other.Tried.Add(other.Backend);
        Release(other);
        ConnectNext(other, service);
    }

    public Traffic Measure() => Traffic.None with
    {
        Services = new Arr<ServiceTraffic>(services.Select(s =>
            (ServiceTraffic.NoneOf(new ServiceId(s.Key)) with { Active = s.Value.Open })
                .With(ServiceCounters.Of(Refusal.Limit), s.Value.Rejected))),
        Backends = new Arr<BackendTraffic>(ledgers.Select(l =>
            new BackendTraffic(new BackendId(l.Key), l.Value.Active, l.Value.Total, 0, 0))),
    };

    /// <summary>The process has ended, and with it everything that it held.</summary>
    public void Crash()
    {
        stopping = true;
        foreach (var service in services.Values)
            service.Line.Clear();
        while (open.Count > 0)
            CutOne(open[^1]);
        listening = stopping = false;
        carried = CutShare.None;
        services.Clear();
        listeners.Clear();
        ledgers.Clear();
    }

    /// <summary>A client of a stream comes, or comes again.</summary>
    public void Arrive(int stream, long number, int retriesLeft, int connects, bool again)
    {
        if (again)
            Returning--;
        var name = scenario.Clients[stream].Service.IfNone(first);
        if (!listening)
        {
            Miss(name, stream, number, retriesLeft, connects, "bal is not running");
            return;
        }

        // Renamed, or removed: nobody listens under that name.
        if (!listeners.TryGetValue(name, out var service) || service.Table.Removed
            || service.Table.Service.Name != name)
        {
            Miss(name, stream, number, retriesLeft, connects, "there is no such service");
            return;
        }

        var key = KeyOf(stream, number);
        if (EnterClient(key, service).Case is Refusal refusal)
        {
            Miss(name, stream, number, retriesLeft, connects, TurnAway(service, refusal));
            return;
        }

        if (!rules.Admits(service.Open, service.Table.Service.Tuning.MaxConcurrentConnections))
        {
            if (service.Table.Service.ClientLimits.Asks)
                LeaveClient(key, service);
            service.Rejected++;
            chronicle.Rejected(name);
            ReportRejections(service);
            Miss(name, stream, number, retriesLeft, connects, "the connection limit is reached");
            return;
        }

        var client = unused.Count > 0 ? unused.Pop() : new VirtualClient(Woken);
        client.State = ClientState.Connecting;
        (client.Stream, client.Service) = (stream, service);
        (client.Number, client.RetriesLeft, client.Connects) = (number, retriesLeft, connects);
        (client.CameAt, client.Turn, client.LastResorts, client.Backend) = (clock.Now, service.Turns++, 0, 0);
        client.Counts = service.Table.Service.ClientLimits.Asks;
        client.Tried.Clear();
        client.Place = open.Count;
        open.Add(client);
        service.Open++;
        connecting++;
        chronicle.Opened(open.Count);
        ConnectNext(client, service);
    }

    private ulong SourceOf(VirtualClient client) => scenario.Clients[client.Stream].From.Match(
        network => Hash.OfClient(network.AddressOf(client.Number)), () => Hash.Mix((ulong)client.Number));

    private void ConnectNext(VirtualClient client, VirtualService service, bool hasWaited = false)
    {
        var attempt = AttemptOf(client, service);
        var mustWait = service.HasLimits && !hasWaited && service.Line.Count > 0;
        var next = mustWait ? Option<Candidate>.None : rules.Select(service.Selector, attempt);
        if (!next.IsSome && (mustWait || service.Selector.AwaitsRoom(attempt)))
        {
            Wait(client, service);
            Serve(service);
            return;
        }

        if (!next.IsSome)
        {
            clock.Post(new ControlEvent.ClientExhausted(service.Table.Id));
            Fail(client, service, client.Tried.Count == 0 ? "there is no backend" : "every backend failed");
            return;
        }

        var candidate = (Candidate)next;
        if (candidate.Tier != Tier.Up)
            client.LastResorts++;
        client.Backend = candidate.Route.Id.Value;
        client.AddressIndex = 0;
        ledgers[client.Backend].Active++;
        Connect(client, service);
    }

    private void Connect(VirtualClient client, VirtualService service)
    {
        var timeout = service.Table.Service.Tuning.ConnectTimeout;
        client.ConnectingSince = clock.Now;
        var answer = network.Answer(
            ledgers[client.Backend].Notes.Endpoint, DiceUse.Connect, client.Number * 64 + client.Connects++ % 64);
        var inTime = answer.Fate != ConnectFate.Silence
            && answer.After.Milliseconds < timeout.Milliseconds;
        client.Answer = !inTime ? ConnectFate.Silence : answer.Fate;
        clock.After(inTime ? answer.After : timeout, client.Wake);
    }

    private void Woken(VirtualClient client)
    {
        switch (client)
        {
            case { State: ClientState.Outside } or { Service: null }:
                unused.Push(client);
                break;
            case { State: ClientState.Established }:
                Leave(client);
                unused.Push(client);
                break;
            case { Answer: ConnectFate.Accepted, Service: var service }:
                Establish(client, service);
                break;
            default:
                TryElsewhere(client, client.Service, client.Answer == ConnectFate.Refused
                    ? FailureKind.Refused : FailureKind.Timeout);
                break;
        }
    }

    private void Establish(VirtualClient client, VirtualService service)
    {
        var ledger = ledgers[client.Backend];
        ledger.Total++;
        connecting--;
        client.State = ClientState.Established;
        chronicle.Served(ledger.Notes, client.ConnectingSince.Since(client.CameAt), client.Tried.Count);
        if (service.Find(client.Backend).Exists(route => route.WantsSuccess))
            clock.Post(new ControlEvent.ConnectsSucceeded(new BackendId(client.Backend), 1));
        clock.After(
            scenario.Clients[client.Stream].ConnectionLength.Pick(dice, DiceUse.Length, client.Number), client.Wake);
    }

    /// <summary>The current address has failed: on to the next one, or to the next backend.</summary>
    private void TryElsewhere(VirtualClient client, VirtualService service, FailureKind kind)
    {
        client.AddressIndex++;
        if (client.AddressIndex < service.Find(client.Backend).Match(route => route.Addresses.Count, () => 0))
        {
            Connect(client, service);
            return;
        }

        var ledger = ledgers[client.Backend];
        chronicle.ConnectFailed(ledger.Notes, kind);
        clock.Post(new ControlEvent.ConnectsFailed(new BackendId(client.Backend), kind, 1));
        client.Tried.Add(client.Backend);
        Release(client);
        Serve(service);
        ConnectNext(client, service);
    }

    private void Fail(VirtualClient client, VirtualService service, string why)
    {
        chronicle.Exhausted(client.Tried.Count);
        Leave(client);
        Miss(service.Table.Service.Name, client.Stream, client.Number, client.RetriesLeft, client.Connects, why);
        unused.Push(client);
    }

    private void Miss(string service, int stream, long number, int retriesLeft, int connects, string why)
    {
        if (retriesLeft == 0 || Closing)
        {
            chronicle.Failed(service, why);
            return;
        }

        chronicle.Retried();
        Returning++;
        clock.After(
            scenario.Clients[stream].RetryAfter, () => Arrive(stream, number, retriesLeft - 1, connects, again: true));
    }

    private void ReportRejections(VirtualService service)
    {
        if (service.RejectionSaid)
            return;
        service.RejectionSaid = true;
        clock.After(RejectionReports, () =>
        {
            service.RejectionSaid = false;
            // A process that was killed in the meantime reports nothing.
            if (services.GetValueOrDefault(service.Table.Id.Value) == service)
                clock.Post(new ControlEvent.ClientsRefused(service.Table.Id, Refusal.Limit, service.Rejected));
        });
    }

    private sealed class Ledger(BackendNotes notes)
    {
        public BackendNotes Notes { get; } = notes;

        public int Active { get; set; }

        public long Total { get; set; }

        public bool Draining { get; set; }

        public bool SaidIdle { get; set; }
    }
}
