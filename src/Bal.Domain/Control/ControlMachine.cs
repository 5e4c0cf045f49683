using Bal.Domain.Admission;
using Bal.Domain.Config;
using Bal.Domain.Primitives;
using LanguageExt;
using static Bal.Domain.Control.Decisions;

namespace Bal.Domain.Control;

/// <summary>A transition of <see cref="ControlState"/>.</summary>
/// <param name="State">The state after the event.</param>
/// <param name="Effects">What is to be done, in order.</param>
public sealed record ControlStep(ControlState State, Arr<ControlEffect> Effects)
{
    /// <summary>The services and backends that may have changed; none where any may have.</summary>
    internal Touched? Touched { get; init; }
}

/// <summary>What a step may have changed, so that nobody has to look at everything.</summary>
/// <param name="Homes">Backends where they are; a place below zero stands for the service alone.</param>
internal sealed record Touched(Arr<Home> Homes)
{
    public static readonly Touched Nothing = new(Arr<Home>.Empty);

    public static Touched? Both(Touched? one, Touched? other) =>
        one is null || other is null ? null
        : other.Homes.IsEmpty ? one
        : one.Homes.IsEmpty ? other
        : new(one.Homes.AddRange(other.Homes));
}

/// <summary>
/// The composed machine: every decision of bal that is not about the bytes of one connection is made here, by the same
/// function in production, in the tests and in simulation. It cannot fail, and same inputs give the same step.
/// </summary>
public static class ControlMachine
{
    /// <summary>
    /// How many backends one tick looks after. What is due beyond that stays due, so that the shell hears of other
    /// things in between, however many backends there are.
    /// </summary>
    public const int TickBatch = 128;

    /// <summary>
    /// The state and effects with which bal starts: every backend up unless its check alone says so, every table to be
    /// published, nothing probed yet.
    /// </summary>
    public static ControlStep Start(BalConfig config, Instant now)
    {
        var empty = new ControlState(
            config, 1, Map<int, ServiceState>.Empty, NextServiceId: 1, NextBackendId: 1, Phase.Serving, Notice.None,
            Option<RefusedReload>.None, StateIndex.Empty);
        var step = Everything(config.Services.Fold(
            empty, (state, service) => ServiceTransitions.AddService(service, state.Services.Count, now, state)));
        return step with { Effects = step.Effects.AddRange(ControlLines.Limited(config)) };
    }

    /// <summary>The state and effects after <paramref name="happened"/> at <paramref name="now"/>.</summary>
    public static ControlStep Step(ControlEvent happened, Instant now, ControlState state) =>
        state.Phase is Phase.Ended
            ? Nothing(state)
            : AsTimeHasIt(now, state).Then(s => happened.Match(
                tick: () => Tick(now, s),
                probeEnded: e => BackendTransitions.ProbeEnded(e, now, s),
                resolved: e => ResolutionTransitions.Resolved(e, now, s),
                connectsFailed: e => BackendTransitions.ConnectsFailed(e, now, s),
                connectsSucceeded: e => BackendTransitions.ConnectsSucceeded(e, now, s),
                clientExhausted: e => ServiceTransitions.ClientExhausted(e, now, s),
                clientsRefused: e => s.OnService(e.Service, service =>
                    ServiceTransitions.Refused(e.Reason, e.Total, now, service, s)),
                connectionsSilenced: e => s.OnService(e.Service, service =>
                    ServiceTransitions.Silenced(e.Reason, e.Total, now, service, s)),
                reportsLost: e => ServiceTransitions.Lost(e.Total, now, s),
                backendIdle: e => ServiceTransitions.BackendIdle(e.Backend, s),
                reloaded: e => ReloadTransitions.Apply(e, now, s),
                reloadRefused: e => ReloadTransitions.Refuse(e.Problem, now, s),
                stopRequested: e => DrainTransitions.Stop(e, now, s),
                allIdle: () => DrainTransitions.AllIdle(now, s),
                handedOver: e => DrainTransitions.HandOver(e.Pid, now, s),
                ordered: e => OverrideTransitions.Order(e, now, s),
                overridesRead: e => OverrideTransitions.Read(e, s),
                overridesKept: e => OverrideTransitions.Kept(e, now, s)));

    /// <summary>
    /// The state and effects with which a process goes on where another one has stopped: everything known is kept,
    /// every table is published, and what the other one had in flight is started again.
    /// </summary>
    /// <param name="now">
    /// The clock of both, which is the same: monotonic times keep their meaning until the next boot.
    /// </param>
    /// <param name="carried">The other one's state.</param>
    public static ControlStep Adopt(Instant now, ControlState carried) => Everything(carried with
    {
        Phase = Phase.Serving,
        Services = carried.Services.Map(service => service with
        {
            Backends = service.Backends.Map(backend => BackendTransitions.Restarted(now, backend)),
        }),
    })
        // What the other process was about to write, nobody writes but this one.
        .Then(state => state.Keeping == OverrideKeeping.None
            ? Nothing(state)
            : OverrideTransitions.Changed(state));

    /// <summary>
    /// When a <see cref="ControlEvent.Tick"/> is due at the latest; <see cref="Instant.Never"/> where nothing is
    /// pending. A due time in the past means now.
    /// </summary>
    public static Instant NextDue(ControlState state) => state.Phase is Phase.Ended
        // A probe that was due when bal ended never starts any more: a shell that waited for it would spin.
        ? Instant.Never
        : Instant.Min(
            Instant.Min(DrainTransitions.DueAt(state.Phase), Instant.Min(state.Lost.DueAt, state.NotMade.DueAt)),
            Instant.Min(OverrideTransitions.DueAt(state), state.Index.NextAt));

    // What time alone changes, and nothing else tells of.
    private static ControlStep AsTimeHasIt(Instant now, ControlState state) =>
        BackendTransitions.EndDueCooldowns(now, state).Then(s => SlowStarts.Advance(now, s));

    private static ControlStep Tick(Instant now, ControlState state) =>
        ServiceTransitions.SayWhatIsDue(now, state)
            .Then(s => ServiceTransitions.Lost(s.Lost.Seen, now, s))
            .Then(s => ServiceTransitions.NotMade(s.NotMade.Seen, now, s))
            .Then(s => s.Index.WorkDue(now, TickBatch).Fold(Nothing(s), (step, id) => step
                .Then(inner => ResolutionTransitions.StartDue(id, now, inner))
                .Then(inner => BackendTransitions.StartDueProbe(id, now, inner))))
            .Then(s => OverrideTransitions.Tick(now, s))
            .Then(s => DrainTransitions.Tick(now, s));

    private static ControlStep Everything(ControlState state) => new(
        state.Indexed(),
        new(state.InOrder.Map(service => (ControlEffect)new ControlEffect.Publish(service.Id))));
}
