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
    public bool Resolved { get; set; } = endpoint.Host is Host.Address;
    public bool LookingUp { get; set; }
    public long NextLookup { get; set; } = endpoint.Host is Host.Address ? long.MaxValue : now;
    public List<Outcome> Seen { get; } = [];
    public bool InFlight { get; set; }
    public long NextProbe { get; set; } = now;
    public int FailedClients { get; set; }
    public long CoolsUntil { get; set; }

    /// <summary>Every failure since the last success, or since it went down: each one by itself.</summary>
    public List<BackendHappening.Failed> InARow { get; } = [];
    public NaiveOutage? Outage { get; set; }

    public long CountOf(FailureKind kind) => Seen.LongCount(o => o == Outcome.Failure(kind));
}

/// <summary>When it went down after which failures, and when it came back.</summary>
internal sealed record NaiveOutage(long Since, IReadOnlyList<BackendHappening.Failed> Cause, long? Until);

/// <summary>
/// One service under one tuning, told by lists: health is looked up in the history, protection in the times of all
/// failures. What is removed by a reload is simply no longer here.
/// </summary>
internal sealed class NaiveControl
{
    private readonly Tuning tuning;
    private readonly NaiveProtection protection;
    private int given;

    public NaiveControl(BalConfig config, long now)
    {
        tuning = config.Main.Tuning;
        protection = new NaiveProtection(tuning.Protection);
        Reload(config, now);
    }

    public List<NaiveBackend> Backends { get; private set; } = [];

    /// <summary>Removed, and not yet without connections.</summary>
    public List<int> Leaving { get; } = [];

    public bool Protected => protection.On;

    public bool IsUp(NaiveBackend backend) => NaiveHealth.IsUp(tuning.Health, backend.Seen);

    public void Happened(ControlEvent what, long now)
    {
        switch (what)
        {
            case ControlEvent.Tick:
                foreach (var due in Backends.Where(b => !b.LookingUp && b.NextLookup <= now).ToArray())
                    Named(due.Endpoint.Host).ForEach(b => b.LookingUp = true);
                foreach (var backend in Backends.Where(b => !b.InFlight && b.NextProbe <= now))
                {
                    backend.NextProbe = now + tuning.Health.Interval.Milliseconds;
                    backend.InFlight = backend.Resolved;
                    if (!backend.Resolved && !backend.LookingUp)
                        Failed(backend, FailureKind.Other, 1, Witness.Resolver, now);
                }

                break;
            case ControlEvent.ProbeEnded e when Find(e.Backend) is { InFlight: true } backend:
                backend.InFlight = false;
                e.Outcome.Match(
                    () => Passed(backend, 1, now), kind => Failed(backend, kind, 1, Witness.Probe, now));
                break;
            case ControlEvent.ConnectsSucceeded e when Find(e.Backend) is { } backend:
                Passed(backend, e.Count, now);
                break;
            case ControlEvent.ConnectsFailed e when Find(e.Backend) is { } backend:
                Failed(backend, e.Kind, e.Count, Witness.Client, now);
                break;
            case ControlEvent.ClientExhausted { Service.Value: 1 }:
                protection.Happened(new ProtectionEvent.ClientExhausted(), now);
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
                Leaving.Remove(e.Backend.Value);
                break;
            case ControlEvent.Reloaded e:
                Reload(e.Config, now);
                break;
        }
    }

    private NaiveBackend? Find(BackendId id) => Backends.Find(b => b.Id == id.Value);

    private List<NaiveBackend> Named(Host host) => Backends.FindAll(b => b.Endpoint.Host == host);

    private bool Passed(NaiveBackend backend, int count, long now)
    {
        var wasDown = !IsUp(backend);
        backend.Seen.AddRange(Enumerable.Repeat(Outcome.Success, count));
        backend.InARow.Clear();
        if (wasDown && IsUp(backend))
            backend.Outage = backend.Outage! with { Until = now };
        (backend.FailedClients, backend.CoolsUntil) = (0, 0);
        protection.Happened(new ProtectionEvent.Succeeded(count), now);
        return true;
    }

    private bool Failed(NaiveBackend backend, FailureKind kind, int count, Witness witness, long now)
    {
        var wasUp = IsUp(backend);
        backend.Seen.AddRange(Enumerable.Repeat(Outcome.Failure(kind), count));
        if (kind == FailureKind.Local)
            return false;

        backend.InARow.AddRange(Enumerable.Repeat(new BackendHappening.Failed(witness, kind), count));
        if (wasUp && !IsUp(backend))
        {
            backend.Outage = new NaiveOutage(now, backend.InARow.ToArray(), Until: null);
            backend.InARow.Clear();
        }

        if (witness != Witness.Client)
            return false;

        protection.Happened(
            kind == FailureKind.Other
                ? new ProtectionEvent.ClientConnectsFailedOtherwise()
                : new ProtectionEvent.ClientConnectsFailed(count),
            now);
        backend.FailedClients += count;
        var length = CooldownMachine.Length(tuning.Backoff, Protected, backend.FailedClients).Milliseconds;
        backend.CoolsUntil = Math.Max(backend.CoolsUntil, now + length);
        return true;
    }

    private void Reload(BalConfig config, long now)
    {
        Leaving.AddRange(Backends.Where(b => !config.Main.Endpoints.Contains(b.Endpoint)).Select(b => b.Id));
        Backends = config.Main.Endpoints
            .Select(e => Backends.Find(b => b.Endpoint == e) ?? new NaiveBackend(++given, e, now))
            .ToList();
        foreach (var named in Backends.Where(b => b.Endpoint.Host is Host.Name))
            named.NextLookup = Math.Min(named.NextLookup, now);
    }
}
