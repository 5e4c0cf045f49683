using Bal.Domain.Admission;
using Bal.Domain.Control;
using LanguageExt;

namespace Bal.Application.Simulation;

/// <summary>Limits for each client, in one thread and without the bound on how many are known.</summary>
internal sealed partial class VirtualPlane
{
    private const long NanosecondsPerMs = 1_000_000;

    private ulong KeyOf(int stream, long number) => scenario.Clients[stream].From.Match(
        network => ClientKey.Of(network.AddressOf(number)), () => (ulong)stream << 48 ^ (ulong)number);

    // Counts it among the connections of its client, or says why it may not come in.
    private Option<Refusal> EnterClient(ulong key, VirtualService service)
    {
        var limits = service.Table.Service.ClientLimits;
        if (!limits.Asks)
            return Option<Refusal>.None;
        var now = clock.Now.Milliseconds * NanosecondsPerMs;
        var known = service.Clients.GetValueOrDefault(key);
        if (limits.Connections.Exists(most => !ClientLimits.Admits(known.Open, 0, most)))
            return Refusal.ClientLimit;
        var step = limits.Rate.Match(
            rate => ConnectionRate.Take(known.FullAt, now, rate), () => new RateStep(true, known.FullAt));
        if (!step.Admits)
            return Refusal.ClientRate;
        service.Clients[key] = new(known.Open + 1, step.FullAt);
        return Option<Refusal>.None;
    }

    private void LeaveClient(ulong key, VirtualService service)
    {
        var known = service.Clients[key];
        known = known with { Open = known.Open - 1 };
        if (ForgetRule.Of(known.Open, known.FullAt, clock.Now.Milliseconds * NanosecondsPerMs) == Forgettable.First)
            service.Clients.Remove(key);
        else
            service.Clients[key] = known;
    }

    private string TurnAway(VirtualService service, Refusal reason)
    {
        var total = service.Refused[reason] = service.Refused.GetValueOrDefault(reason) + 1;
        clock.After(RejectionReports, () =>
        {
            if (services.GetValueOrDefault(service.Table.Id.Value) == service)
                clock.Post(new ControlEvent.ClientsRefused(service.Table.Id, reason, total));
        });
        return reason == Refusal.ClientLimit
            ? "the client has as many connections as it may" : "the client connects more often than it may";
    }
}

/// <summary>What is known of a simulated client.</summary>
/// <param name="Open">Its connections.</param>
/// <param name="FullAt">Its bucket (<see cref="ConnectionRate"/>).</param>
internal readonly record struct VirtualClientCount(int Open, long FullAt);
