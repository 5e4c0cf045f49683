using System.Net;
using Bal.Domain.History;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;
using static Bal.Domain.Control.Decisions;

namespace Bal.Domain.Control;

/// <summary>Names are resolved again and again; the last good answer is kept while that fails.</summary>
internal static class ResolutionTransitions
{
    public static ControlStep StartDue(Instant now, ControlState state)
    {
        var due = Names(state, b => !b.Draining && b.Resolution.NextAt.IsDue(now));
        // A lookup that takes its time is waited for, and a backend that a reload adds waits for the one that is under
        // way already, even if only for a draining one.
        var underWay = Names(state, b => b.Resolution.InFlight);
        return due.Fold(Nothing(state), (step, name) =>
        {
            var waiting = step.Then(s => Nothing(OnName(name, s, b => b with
            {
                Resolution = b.Resolution with { InFlight = true },
            })));
            return underWay.Contains(name) ? waiting : waiting.And(new ControlEffect.Resolve(name));
        });
    }

    public static ControlStep Resolved(ControlEvent.Resolved resolved, Instant now, ControlState state)
    {
        var failed = resolved.Addresses.IsEmpty;
        var next = new Resolution(now.Plus(failed ? Resolution.Retry : Resolution.Refresh), InFlight: false);
        var changed = Names(state, b => NameOf(b) == resolved.Name && Moves(b, resolved.Addresses)).Count > 0;
        var step = Nothing(OnName(resolved.Name, state, b => b with
        {
            Resolution = next,
            Addresses = Moves(b, resolved.Addresses) ? resolved.Addresses : b.Addresses,
            // A backend that has just got an address need not wait for the next turn to be checked.
            Probe = b.Addresses.IsEmpty && !failed ? b.Probe with { NextAt = Instant.Min(b.Probe.NextAt, now) } : b.Probe,
            History = b.Draining ? b.History
                : failed ? b.History.Add(new BackendHappening.NameUnresolved(), now, 1)
                : Moves(b, resolved.Addresses) || b.History.NameFails() ? b.History.Add(new BackendHappening.NameResolved(), now, 1)
                : b.History,
        }));
        return (failed, changed) switch
        {
            (true, _) => step.Say(LogEvent.Warn("resolver", "name_unresolved",
                $"{resolved.Name} does not resolve; {LastKnown(resolved.Name, state)}",
                LogField.Of("name", resolved.Name))),
            (_, true) => step.Say(LogEvent.Info("resolver", "name_resolved",
                $"{resolved.Name} is {string.Join(", ", resolved.Addresses)}",
                LogField.Of("name", resolved.Name),
                LogField.Of("addresses", string.Join(",", resolved.Addresses)))),
            _ => step,
        };
    }

    /// <summary>
    /// When the name of a backend is looked up next; never where it drains, or another process does that.
    /// </summary>
    public static Instant NextLookupOf(BackendState backend, ControlState state) =>
        backend.Draining || backend.Resolution.InFlight || state.Phase.IsHandedOver
            ? Instant.Never
            : backend.Resolution.NextAt;

    private static string LastKnown(string name, ControlState state) =>
        Names(state, b => NameOf(b) == name && !b.Addresses.IsEmpty).IsEmpty
            ? "it is skipped until it does"
            : "its last good address stays in use";

    // Only another set of addresses counts: the order is bal's own, with the one that answered first.
    private static bool Moves(BackendState backend, Arr<IPAddress> answer) =>
        !answer.IsEmpty && !backend.Addresses.ToHashSet().SetEquals(answer);

    private static string NameOf(BackendState backend) => backend.Endpoint.Host.Match(_ => "", name => name);

    private static Arr<string> Names(ControlState state, Func<BackendState, bool> where) =>
        new(state.Services.SelectMany(s => s.Backends).Where(b => NameOf(b).Length > 0 && where(b))
            .Select(NameOf).Distinct());

    private static ControlState OnName(string name, ControlState state, Func<BackendState, BackendState> change) =>
        state with
        {
            Services = state.Services.Map(service => service with
            {
                Backends = service.Backends.Map(b => NameOf(b) == name ? change(b) : b),
            }),
        };
}
