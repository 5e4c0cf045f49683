using Bal.Domain.Backend;
using Bal.Domain.Backoff;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.History;
using Bal.Domain.Primitives;
using Bal.Domain.Protection;
using Bal.Domain.Specs.Backend;
using Bal.Domain.Specs.Protection;

namespace Bal.Domain.Specs.Control;

/// <summary>
/// A backend as docs/behaviour.md describes it: the whole list of what was seen of it, and no running count.
/// </summary>
internal sealed class NaiveBackend(int id, Endpoint endpoint, long now)
{
    public int Id { get; } = id;
    public Endpoint Endpoint { get; } = endpoint;
    public bool Resolved { get; set; } = endpoint.Host is not Host.Name;
    public bool LookingUp { get; set; }
    public long NextLookup { get; set; } = endpoint.Host is not Host.Name ? long.MaxValue : now;
    public List<Outcome> Seen { get; } = [];
    public bool InFlight { get; set; }
    public long NextProbe { get; set; } = now;
    public int FailedClients { get; set; }
    public long CoolsUntil { get; set; }

    /// <summary>Every failure since the last success, or since it went down: each one by itself.</summary>
    public List<BackendHappening.Failed> InARow { get; } = [];
    public NaiveOutage? Outage { get; set; }

    public long CountOf(FailureKind kind) =>
        Seen.LongCount(o => o.Match(() => false, failed => Failures.CountedAs(failed) == kind));
}

/// <summary>When it went down after which failures, and when it came back.</summary>
internal sealed record NaiveOutage(long Since, IReadOnlyList<BackendHappening.Failed> Cause, long? Until);

/// <summary>A service: the backends that the file names, those that drain, and its own protection mode.</summary>
internal sealed class NaiveService(int id, Tuning tuning)
{
    public int Id { get; } = id;
    public string Name { get; set; } = "";
    public Listener? Listener { get; set; }
    public List<NaiveBackend> Backends { get; set; } = [];
    public List<NaiveBackend> Leaving { get; } = [];
    public NaiveProtection Protection { get; } = new(tuning.Protection);
}

/// <summary>
/// Services under one tuning, told by lists: health is looked up in the history, protection in the times of all
/// failures. A service that a reload removed has nothing but backends that drain.
/// </summary>
internal sealed class NaiveControl
{
    private readonly Tuning tuning;
    private int givenServices;
    private int givenBackends;

    public NaiveControl(BalConfig config, long now)
    {
        tuning = config.Services[0].Tuning;
        Reload(config, now);
    }

    /// <summary>Those of the file in its order.</summary>
    public List<NaiveService> Services { get; private set; } = [];

    /// <summary>Those that drain, in the order of their removal.</summary>
    public List<NaiveService> Gone { get; private set; } = [];

    public IEnumerable<NaiveBackend> Backends => Services.SelectMany(s => s.Backends);

    public IEnumerable<NaiveBackend> Leaving => Services.Concat(Gone).SelectMany(s => s.Leaving);

    public bool IsUp(NaiveBackend backend) => NaiveHealth.IsUp(tuning.Health, backend.Seen);

    public void Happened(ControlEvent what, long now)
    {
        switch (what)
        {
            case ControlEvent.Tick:
                foreach (var due in Backends.Where(b => !b.LookingUp && b.NextLookup <= now).ToArray())
                    Named(due.Endpoint.Host).ForEach(b => b.LookingUp = true);
                foreach (var (service, backend) in Pairs()
                    .Where(p => !p.Backend.InFlight && p.Backend.NextProbe <= now))
                {
                    backend.NextProbe = now + tuning.Health.Interval.Milliseconds;
                    backend.InFlight = backend.Resolved;
                    if (!backend.Resolved && !backend.LookingUp)
                        Failed(service, backend, FailureKind.Other, 1, Witness.Resolver, now);
                }

                break;
            case ControlEvent.ProbeEnded e when Leaving.FirstOrDefault(b => b.Id == e.Backend.Value) is { } leaving:
                leaving.InFlight = false;
                break;
            case ControlEvent.ProbeEnded e when Find(e.Backend) is (var service, { InFlight: true } backend):
                backend.InFlight = false;
                e.Outcome.Match(
                    () => Passed(service, backend, 1, Witness.Probe, now),
                    kind => Failed(service, backend, kind, 1, Witness.Probe, now));
                break;
            case ControlEvent.ConnectsSucceeded e when Find(e.Backend) is var (service, backend):
                Passed(service, backend, e.Count, Witness.Client, now);
                break;
            case ControlEvent.ConnectsFailed e when Find(e.Backend) is var (service, backend):
                Failed(service, backend, e.Kind, e.Count, Witness.Client, now);
                break;
            case ControlEvent.ClientExhausted e:
                Services.Find(s => s.Id == e.Service.Value)?.Protection
                    .Happened(new ProtectionEvent.ClientExhausted(), now);
                break;
            case ControlEvent.Resolved e:
                foreach (var backend in Named(new Host.Name(e.Name)))
                {
                    backend.LookingUp = false;
                    backend.NextLookup = now + (e.Addresses.IsEmpty ? 5_000 : 30_000);
                    if (!backend.Resolved && !e.Addresses.IsEmpty)
                        (backend.Resolved, backend.NextProbe) = (true, Math.Min(backend.NextProbe, now));
                }

                break;
            case ControlEvent.BackendIdle e:
                foreach (var service in Services.Concat(Gone))
                    service.Leaving.RemoveAll(b => b.Id == e.Backend.Value);
                Gone.RemoveAll(s => s.Leaving.Count == 0);
                break;
            case ControlEvent.Reloaded e:
                Reload(e.Config, now);
                break;
        }
    }

    private IEnumerable<(NaiveService Service, NaiveBackend Backend)> Pairs() =>
        Services.SelectMany(s => s.Backends.Select(b => (s, b)));

    private (NaiveService Service, NaiveBackend Backend)? Find(BackendId id) => Pairs()
        .Where(p => p.Backend.Id == id.Value).Select(p => ((NaiveService, NaiveBackend)?)p).SingleOrDefault();

    // Whoever uses a name waits for one lookup, one that drains included.
    private List<NaiveBackend> Named(Host host) => [.. Backends.Concat(Leaving).Where(b => b.Endpoint.Host == host)];

    private bool Passed(
        NaiveService service, NaiveBackend backend, int count, Witness witness, long now)
    {
        var wasDown = !IsUp(backend);
        backend.Seen.AddRange(Enumerable.Repeat(Outcome.Success, count));
        // A client's success that changes nothing is not reported: probes that could not be made stay the last
        // failures.
        if (witness != Witness.Client || wasDown || backend.FailedClients > 0
            || backend.InARow.Exists(failed => failed.Kind != FailureKind.Local))
            backend.InARow.Clear();
        if (wasDown && IsUp(backend))
            backend.Outage = backend.Outage! with { Until = now };
        (backend.FailedClients, backend.CoolsUntil) = (0, 0);
        service.Protection.Happened(new ProtectionEvent.Succeeded(count), now);
        return true;
    }

    private bool Failed(
        NaiveService service, NaiveBackend backend, FailureKind kind, int count, Witness witness, long now)
    {
        // The loops do not report it.
        if (kind == FailureKind.Local && witness == Witness.Client)
            return false;

        var wasUp = IsUp(backend);
        backend.Seen.AddRange(Enumerable.Repeat(Outcome.Failure(kind), count));

        backend.InARow.AddRange(Enumerable.Repeat(new BackendHappening.Failed(witness, kind), count));
        if (wasUp && !IsUp(backend))
        {
            backend.Outage = new NaiveOutage(now, backend.InARow.ToArray(), Until: null);
            backend.InARow.Clear();
        }

        if (witness != Witness.Client)
            return false;

        service.Protection.Happened(
            kind is FailureKind.Timeout or FailureKind.Refused
                ? new ProtectionEvent.ClientConnectsFailed(count)
                : new ProtectionEvent.ClientConnectsFailedOtherwise(),
            now);
        backend.FailedClients += count;
        var length = CooldownMachine.Length(tuning.Backoff, service.Protection.On, backend.FailedClients).Milliseconds;
        backend.CoolsUntil = Math.Max(backend.CoolsUntil, now + length);
        return true;
    }

    private void Reload(BalConfig config, long now)
    {
        var (living, drained) = (Services, Gone);
        Services = [];
        foreach (var wanted in config.Services)
        {
            bool IsFree(NaiveService s) => !Services.Contains(s);
            var service = living.Find(s => s.Name == wanted.Name)
                // Renamed: its name is nobody's any more, and its clients come to the same place.
                ?? living.Find(
                    s => IsFree(s) && s.Listener == wanted.Listener && !config.Services.Exists(w => w.Name == s.Name))
                ?? drained.FindLast(s => IsFree(s) && s.Name == wanted.Name)
                ?? new NaiveService(++givenServices, tuning);
            (service.Name, service.Listener) = (wanted.Name, wanted.Listener);
            Keep(service, wanted, now);
            Services.Add(service);
        }

        Gone = [.. drained.Concat(living).Except(Services)];
        foreach (var gone in Gone)
        {
            gone.Leaving.InsertRange(0, gone.Backends);
            gone.Backends = [];
        }
    }

    private void Keep(NaiveService service, Service wanted, long now)
    {
        var before = service.Backends;
        service.Backends =
            [.. wanted.Endpoints.Select(e => before.Find(b => b.Endpoint == e) ?? Back(service, e, now))];
        service.Leaving.InsertRange(0, before.Except(service.Backends));
        foreach (var named in service.Backends.Where(b => b.Endpoint.Host is Host.Name))
            named.NextLookup = Math.Min(named.NextLookup, now);
    }

    // One that drains and comes back is the same, and it is checked at once.
    private NaiveBackend Back(NaiveService service, Endpoint endpoint, long now)
    {
        if (service.Leaving.Find(b => b.Endpoint == endpoint) is not { } same)
            return new NaiveBackend(++givenBackends, endpoint, now);
        service.Leaving.Remove(same);
        same.NextProbe = now;
        return same;
    }
}
