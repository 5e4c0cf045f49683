using System.Net;
using Bal.Domain.Backend;
using Bal.Domain.History;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;
using static Bal.Domain.Control.Decisions;

namespace Bal.Domain.Control;

/// <summary>Names are resolved again and again; the last good answer is kept while that fails.</summary>
internal static class ResolutionTransitions
{
    /// <summary>
    /// Starts the lookup of a backend's name if it is due; one lookup serves all backends of that name.
    /// </summary>
    public static ControlStep StartDue(BackendId id, Instant now, ControlState state)
    {
        var name = state.Index.Find(id)
            .Match(home => NameDue(state.Services[home.Service.Value].Backends[home.Place], now), () => "");
        if (name.Length == 0)
            return Nothing(state);
        // A lookup that takes its time is waited for, and a backend that a reload adds waits for the one that is under
        // way already, even if only for a draining one.
        var users = state.Index.Named(name);
        var underWay = users.Exists(user => Backend(user, state).Exists(b => b.Resolution.InFlight));
        var waiting = users.Fold(Nothing(state), (step, user) => step.Then(s => s.OnBackend(user, (service, b) =>
            ServiceStep.Of(b with { Resolution = b.Resolution with { InFlight = true } }, service))));
        return underWay ? waiting : waiting.And(new ControlEffect.Resolve(name));
    }

    public static ControlStep Resolved(ControlEvent.Resolved resolved, Instant now, ControlState state)
    {
        var failed = resolved.Addresses.IsEmpty;
        var next = new Resolution(now.Plus(failed ? Resolution.Retry : Resolution.Refresh), InFlight: false)
        {
            Failing = failed,
        };
        var users = state.Index.Named(resolved.Name);
        var known = new Arr<BackendState>(users.Choose(user => Backend(user, state)));
        var failedBefore = known.Exists(b => b.Resolution.Failing);
        var moved = known.Find(b => Moves(b, resolved.Addresses));
        var step = users.Fold(Nothing(state), (soFar, user) => soFar.Then(s => s.OnBackend(user, (service, b) =>
            ServiceStep.Of(
                b with
                {
                    Resolution = next,
                    Addresses = InUse(b.Addresses, resolved.Addresses),
                    // A backend that has just got an address need not wait for the next turn to be checked.
                    Probe = b.Addresses.IsEmpty && !failed
                        ? b.Probe with { NextAt = Instant.Min(b.Probe.NextAt, now) }
                        : b.Probe,
                    History = b.Draining ? b.History
                        : failed ? b.History.Add(new BackendHappening.NameUnresolved(), now, 1)
                        : Moves(b, resolved.Addresses) || b.Resolution.Failing
                            ? b.History.Add(new BackendHappening.NameResolved(), now, 1)
                        : b.History,
                },
                service))));
        if (known.IsEmpty || (failed && failedBefore) || (!failed && !failedBefore && moved.IsNone))
            return step;
        var inUse = InUse(moved.Match(b => b, () => known[0]).Addresses, resolved.Addresses);
        return step.Say(failed
            ? LogEvent.Warn("resolver", "name_unresolved",
                $"{resolved.Name} does not resolve; {LastKnown(users, state)}",
                LogField.Of("name", resolved.Name))
            : LogEvent.Info("resolver", "name_resolved",
                $"{resolved.Name} {(failedBefore ? "resolves again: it is" : "is")} {string.Join(", ", inUse)}",
                LogField.Of("name", resolved.Name),
                LogField.Of("addresses", string.Join(",", inUse))));
    }

    /// <summary>
    /// The addresses to use after an answer, at most <see cref="Resolution.MostAddresses"/>. Those in use that are
    /// still in the answer stay, so that an answer with more than that, in another order each time, changes nothing. As
    /// long as the same ones stay, so does their order, which is bal's own: the one that answered first.
    /// </summary>
    public static Arr<IPAddress> InUse(Arr<IPAddress> before, Arr<IPAddress> answer)
    {
        if (answer.IsEmpty)
            return before;
        var had = before.ToHashSet();
        var chosen = answer.Distinct().OrderBy(address => !had.Contains(address)).Take(Resolution.MostAddresses)
            .ToHashSet();
        return chosen.SetEquals(had) ? before : new(answer.Distinct().Where(chosen.Contains));
    }

    /// <summary>
    /// When the name of a backend is looked up next; never where it drains, or another process does that.
    /// </summary>
    public static Instant NextLookupOf(BackendState backend, ControlState state) =>
        backend.Draining || backend.Resolution.InFlight || state.Phase.IsHandedOver
            ? Instant.Never
            : backend.Resolution.NextAt;

    private static string LastKnown(Arr<BackendId> users, ControlState state) =>
        users.Exists(user => Backend(user, state).Exists(b => !b.Addresses.IsEmpty))
            ? "its last good addresses stay in use"
            : "it is skipped until it does";

    private static bool Moves(BackendState backend, Arr<IPAddress> answer) =>
        !InUse(backend.Addresses, answer).Equals(backend.Addresses);

    private static string NameDue(BackendState backend, Instant now) =>
        !backend.Draining && !backend.Resolution.InFlight && backend.Resolution.NextAt.IsDue(now)
            ? StateIndex.NameOf(backend)
            : "";

    private static Option<BackendState> Backend(BackendId id, ControlState state) =>
        state.Index.Find(id).Map(home => state.Services[home.Service.Value].Backends[home.Place]);
}
