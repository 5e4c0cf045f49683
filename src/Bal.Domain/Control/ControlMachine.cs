using Bal.Domain.Admission;
using Bal.Domain.Config;
using Bal.Domain.Primitives;
using LanguageExt;
using static Bal.Domain.Control.Decisions;

namespace Bal.Domain.Control;

/// <summary>A transition of <see cref="ControlState"/>.</summary>
/// <param name="State">The state after the event.</param>
/// <param name="Effects">What is to be done, in order.</param>
public sealed record ControlStep(ControlState State, Arr<ControlEffect> Effects);

/// <summary>
/// The composed machine: every decision of bal that is not about the bytes of one connection is made here, by the same
/// function in production, in the tests and in simulation. It cannot fail, and same inputs give the same step.
/// </summary>
public static class ControlMachine
{
    /// <summary>The state and effects with which bal starts: every backend up, every table published, nothing probed yet.</summary>
    public static ControlStep Start(BalConfig config, Instant now)
    {
        var empty = new ControlState(
            config, 1, Arr<ServiceState>.Empty, NextBackendId: 1, Phase.Serving, Notice.None, Notice.None,
            Notice.None, Option<RefusedReload>.None);
        var state = config.Services.Fold(empty, (s, service) => ServiceTransitions.AddService(service, now, s));
        return Publishing.Finish(now, Nothing(state));
    }

    /// <summary>The state and effects after <paramref name="happened"/> at <paramref name="now"/>.</summary>
    public static ControlStep Step(ControlEvent happened, Instant now, ControlState state) =>
        state.Phase is Phase.Ended
            ? Nothing(state)
            : Publishing.Finish(now, happened.Match(
                tick: () => Tick(now, state),
                probeEnded: e => BackendTransitions.ProbeEnded(e, now, state),
                resolved: e => ResolutionTransitions.Resolved(e, now, state),
                connectsFailed: e => BackendTransitions.ConnectsFailed(e, now, state),
                connectsSucceeded: e => BackendTransitions.ConnectsSucceeded(e, now, state),
                clientExhausted: e => ServiceTransitions.ClientExhausted(e, now, state),
                clientsRejected: e => ServiceTransitions.Rejected(e.Total, now, state),
                descriptorsExhausted: e => ServiceTransitions.Exhausted(e.Total, now, state),
                reportsLost: e => ServiceTransitions.Lost(e.Total, now, state),
                backendIdle: e => ServiceTransitions.BackendIdle(e.Backend, state),
                reloaded: e => ReloadTransitions.Apply(e.Config, now, state),
                reloadRefused: e => ReloadTransitions.Refuse(e.Problem, now, state),
                stopRequested: () => DrainTransitions.Stop(now, state),
                allIdle: () => DrainTransitions.AllIdle(now, state),
                handedOver: e => DrainTransitions.HandOver(e.Pid, now, state)));

    /// <summary>
    /// The state and effects with which a process goes on where another one has stopped: everything known is kept, every
    /// table is published, and what the other one had in flight is started again.
    /// </summary>
    /// <param name="now">The clock of both, which is the same: monotonic times keep their meaning until the next boot.</param>
    /// <param name="carried">The other one's state.</param>
    public static ControlStep Adopt(Instant now, ControlState carried) =>
        Publishing.Again(now, carried with
        {
            Phase = Phase.Serving,
            Services = carried.Services.Map(service => service with
            {
                Backends = service.Backends.Map(backend => BackendTransitions.Restarted(now, backend)),
            }),
        });

    /// <summary>
    /// When a <see cref="ControlEvent.Tick"/> is due at the latest; <see cref="Instant.Never"/> where nothing is pending.
    /// A due time in the past means now.
    /// </summary>
    public static Instant NextDue(Instant now, ControlState state)
    {
        // A probe that was due when bal ended never starts any more: a shell that waited for it would spin.
        if (state.Phase is Phase.Ended)
            return Instant.Never;

        var due = Instant.Min(DrainTransitions.DueAt(state.Phase), state.Overload.DueAt);
        due = Instant.Min(due, state.Exhaustion.DueAt);
        due = Instant.Min(due, state.Lost.DueAt);
        foreach (var service in state.Services)
        {
            foreach (var backend in service.Backends)
            {
                if (backend.Draining)
                    continue;
                if (!backend.Probe.InFlight && !state.Phase.IsHandedOver)
                    due = Instant.Min(due, backend.Probe.NextAt);
                if (!backend.Resolution.InFlight && !state.Phase.IsHandedOver)
                    due = Instant.Min(due, backend.Resolution.NextAt);
                // The end of a cooldown changes the table, and nothing else would happen at that moment. It stays due
                // until the loops have been told, whatever the time has become meanwhile.
                if (service.Table.Cooling.Exists(route => route.Id == backend.Id))
                    due = Instant.Min(due, backend.Cooldown.Until);
            }
        }

        return due;
    }

    private static ControlStep Tick(Instant now, ControlState state) =>
        Nothing(state)
            .Then(s => ServiceTransitions.Rejected(s.Overload.Seen, now, s))
            .Then(s => ServiceTransitions.Exhausted(s.Exhaustion.Seen, now, s))
            .Then(s => ServiceTransitions.Lost(s.Lost.Seen, now, s))
            // The process that has taken over looks after names and health now: one probe a backend and interval is enough.
            .Then(s => s.Phase.IsHandedOver ? Nothing(s) : ResolutionTransitions.StartDue(now, s))
            .Then(s => s.Phase.IsHandedOver ? Nothing(s) : BackendTransitions.StartDueProbes(now, s))
            .Then(s => DrainTransitions.Tick(now, s));
}
