using Bal.Domain.Backend;
using Bal.Domain.Control;
using Bal.Domain.Primitives;
using Bal.Domain.Protection;
using LanguageExt;

namespace Bal.Application.Simulation;

/// <summary>
/// Which failures turned protection mode of a service on, and which successes off: the core keeps only how many, the
/// timeline says whose.
/// </summary>
internal sealed class ProtectionCounts
{
    private readonly Queue<Failure> failures = new();
    private long probes;
    private long clients;

    /// <summary>
    /// Counts an event that concerns the service; the sentence about protection mode if it has just turned on or off.
    /// </summary>
    public Option<string> Observe(ControlEvent happened, Instant now, ServiceState before, ServiceState after)
    {
        Count(happened, now, before);
        return (before.Protection, after.Protection) switch
        {
            (ProtectionState.Off off, ProtectionState.On on) => TurnedOn(happened, off, on, now, before),
            (ProtectionState.On on, ProtectionState.Off) => TurnedOff(on, now, before),
            _ => Option<string>.None,
        };
    }

    private void Count(ControlEvent happened, Instant now, ServiceState before)
    {
        switch (happened)
        {
            case ControlEvent.ConnectsFailed e when e.Kind != FailureKind.Local:
                (probes, clients) = (0, 0);
                if (e.Kind is FailureKind.Timeout or FailureKind.Refused)
                    Remember(e, now, before);
                break;
            case ControlEvent.ClientExhausted:
                (probes, clients) = (0, 0);
                break;
            case ControlEvent.ConnectsSucceeded e:
                clients += e.Count;
                break;
            case ControlEvent.ProbeEnded { Outcome: Outcome.Passed } e
                when before.Backends.Values.Exists(b => b.Id == e.Backend && b.Probe.InFlight && !b.Draining):
                probes++;
                break;
            default:
                break;
        }
    }

    private void Remember(ControlEvent.ConnectsFailed e, Instant now, ServiceState before)
    {
        foreach (var backend in before.Backends.Values.Where(b => b.Id == e.Backend && !b.Draining))
            failures.Enqueue(new(now, backend.Endpoint, e.Kind, e.Count));
        while (failures.Count > ProtectionMachine.MaxMarks)
            failures.Dequeue();
    }

    private string TurnedOn(
        ControlEvent happened, ProtectionState.Off off, ProtectionState.On on, Instant now, ServiceState service)
    {
        var policy = service.Config.Tuning.Protection;
        var counted = ProtectionMachine.CountWithin(policy, now, off)
            + (happened is ControlEvent.ConnectsFailed e ? e.Count : 0);
        while (failures.TryPeek(out var first) && now.Since(first.At).Milliseconds >= policy.Window.Milliseconds)
            failures.Dequeue();
        var whose = string.Join(", ", failures
            .GroupBy(f => new { f.Backend, f.Kind })
            .Select(g => $"{g.Key.Backend} {Word(g.Key.Kind)} {g.Sum(f => f.Count)}"));
        var within = $"{counted} of {policy.TriggerThreshold} failed client connects within {policy.Window.ToText()}";
        var cause = on.Reason == ProtectionReason.AllBackendsUnavailable
            ? $"every backend failed for one client ({within}{(whose.Length > 0 ? $": {whose}" : "")})"
            : $"{within} ({whose})";
        // A new period counts from nothing, in the core as here.
        failures.Clear();
        (probes, clients) = (0, 0);
        return $"protection mode is on: {cause}; it ends after {policy.StableSuccessThreshold} successes in a row";
    }

    private string TurnedOff(ProtectionState.On on, Instant now, ServiceState service)
    {
        failures.Clear();
        return $"protection mode is off after {now.Since(on.Since).ToText()}: {probes + clients} of " +
            $"{service.Config.Tuning.Protection.StableSuccessThreshold} successes in a row ({probes} of probes, "
            + $"{clients} of clients)";
    }

    private static string Word(FailureKind kind) => kind == FailureKind.Refused ? "refused" : "timed out";

    private sealed record Failure(Instant At, Endpoint Backend, FailureKind Kind, int Count);
}
