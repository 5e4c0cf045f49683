using System.Net;
using Bal.Domain.Backend;
using Bal.Domain.Control;
using Bal.Domain.Primitives;
using Bal.Domain.Simulation;
using LanguageExt;

namespace Bal.Application.Simulation;

/// <summary>The backends as they are, and the names by which they are known.</summary>
internal sealed class VirtualNetwork(VirtualClock clock, Dice dice, Spread usual)
{
    private readonly Dictionary<Endpoint, Standing> faults = [];
    private readonly Dictionary<string, Arr<IPAddress>> names = [];

    /// <summary>From now on a backend answers like this.</summary>
    public void Set(Endpoint backend, Fault fault) => faults[backend] = new(fault, clock.Now);

    /// <summary>From now on a name resolves to these.</summary>
    public void Set(string name, Arr<IPAddress> addresses) => names[name] = addresses;

    /// <summary>What a name resolves to: one address of its own unless the scenario says otherwise.</summary>
    public Arr<IPAddress> Resolve(string name)
    {
        // 198.18.0.0/15 is set aside for tests of network equipment (RFC 2544): no real backend is there.
        if (!names.TryGetValue(name, out var addresses))
            names[name] = addresses = new Arr<IPAddress>(
                [new IPAddress([198, 18, (byte)(names.Count >> 8), (byte)names.Count])]);
        return addresses;
    }

    /// <summary>The answer to a connect that starts now.</summary>
    /// <param name="backend">To whom.</param>
    /// <param name="use">On whose behalf.</param>
    /// <param name="number">Which of those connects it is.</param>
    public ConnectAnswer Answer(Endpoint backend, DiceUse use, long number)
    {
        // The common case, handled without allocating a closure.
        if (!faults.TryGetValue(backend, out var standing) || standing.Fault is Fault.None)
            return new(ConnectFate.Accepted, usual.Pick(dice, use, number));
        return FaultRule.Answer(
            usual, standing.Since, clock.Now, spread => spread.Pick(dice, use, number), standing.Fault);
    }

    /// <summary>What a health check that asks shows of a backend that has accepted it.</summary>
    public Outcome Asked(Endpoint backend) =>
        faults.TryGetValue(backend, out var standing) ? FaultRule.Asked(standing.Fault) : Outcome.Success;

    private sealed record Standing(Fault Fault, Instant Since);
}

/// <summary>Probes and lookups in a simulated world; each ends in exactly one event, as in the real one.</summary>
internal sealed class VirtualProber(VirtualClock clock, VirtualNetwork network, Func<BackendId, Endpoint> endpointOf)
    : IProber
{
    private static readonly Duration LookupTime = new(1);

    private readonly Dictionary<Endpoint, long> probes = [];
    private int life;

    /// <summary>Drops the results of probes that are in flight.</summary>
    public void Reset() => life++;

    public void Start(ControlEffect.StartProbe probe)
    {
        var endpoint = endpointOf(probe.Backend);
        var number = probes[endpoint] = probes.GetValueOrDefault(endpoint) + 1;
        var answer = network.Answer(endpoint, DiceUse.Probe, number);
        // Every address of a backend answers alike, so a probe is as good as its first address.
        var asked = probe.Check.Asks ? network.Asked(endpoint) : Outcome.Success;
        var inTime = answer.Fate != ConnectFate.Silence && answer.After.Milliseconds < probe.Timeout.Milliseconds
            && asked != Outcome.Failure(FailureKind.Timeout);
        var outcome = !inTime ? Outcome.Failure(FailureKind.Timeout)
            : answer.Fate == ConnectFate.Refused ? Outcome.Failure(FailureKind.Refused)
            : asked;
        var ended = new ControlEvent.ProbeEnded(
            probe.Backend, outcome, outcome == Outcome.Success ? probe.Addresses.HeadOrNone() : Option<IPAddress>.None);
        Later(inTime ? answer.After : probe.Timeout, () => ended);
    }

    public void Resolve(string name) => Later(LookupTime, () => new ControlEvent.Resolved(name, network.Resolve(name)));

    private void Later(Duration span, Func<ControlEvent> happened)
    {
        var mine = life;
        clock.After(span, () =>
        {
            if (mine == life)
                clock.Post(happened());
        });
    }
}
