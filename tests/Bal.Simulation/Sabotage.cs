using Bal.Application.Simulation;
using Bal.Domain.Backend;
using Bal.Domain.Backoff;
using Bal.Domain.Balancing;
using Bal.Domain.Control;
using Bal.Domain.Primitives;
using Bal.Domain.Protection;
using LanguageExt;

namespace Bal.Simulation;

/// <summary>A bug put into one machine on purpose, and the invariant that must notice it.</summary>
/// <param name="Name">What is wrong.</param>
/// <param name="Caught">The invariant.</param>
/// <param name="Rules">The rules with the bug.</param>
internal sealed record Sabotage(string Name, Invariant Caught, SimulationRules Rules)
{
    /// <summary>What the shell tells bal; the truth unless the bug is there.</summary>
    public Func<ControlEvent, ControlEvent> Told { get; init; } = happened => happened;

    public static IReadOnlyList<Sabotage> All { get; } =
    [
        Backend("health: a failure is forgotten", Invariant.HealthByThresholds, (_, _, before, after) =>
            before.Health.Up && !after.Health.Up ? after with { Health = before.Health } : after),
        Backend("health: the first success brings a backend back", Invariant.HealthByThresholds,
            (e, _, before, after) =>
            !before.Health.Up && after.Health.Successes > 0 ? after with { Health = new Health(true, 0, 0) } : after),
        Backend("cooldown: half as long as configured", Invariant.CooldownAsConfigured, (_, now, before, after) =>
            after.Cooldown.Streak > before.Cooldown.Streak
                ? after with { Cooldown =
                    after.Cooldown with { Until = new((now.Milliseconds + after.Cooldown.Until.Milliseconds) / 2) } }
                : after),
        Backend("cooldown: a success does not end it", Invariant.CooldownAsConfigured, (e, _, before, after) =>
            before.Cooldown.Streak > 0 && after.Cooldown.Streak == 0
                ? after with { Cooldown = before.Cooldown } : after),
        Backend("counters: a failure is counted twice", Invariant.CountersCount, (_, _, before, after) =>
            after.Failures.Refused > before.Failures.Refused
                ? after with { Failures = after.Failures with { Refused = after.Failures.Refused + 1 } }
                : after),
        Service("protection: turns off after the first success", Invariant.ProtectionByCounts, (_, before, after) =>
            after.Protection is ProtectionState.On { Successes: > 0 }
                ? after with { Protection = ProtectionState.Quiet } : after),
        Service("protection: never turns on for a storm", Invariant.ProtectionByCounts, (_, before, after) =>
            !before.Protection.IsOn
                && after.Protection is ProtectionState.On { Reason: ProtectionReason.TimeoutOrRefusedStorm }
                ? after with { Protection = before.Protection }
                : after),
        Select("selection: a backend that cools down is as good as one that is up", Invariant.BestTierFirst, Levelled),
        Select("selection: a backend is tried again for the same client", Invariant.NoBackendTwice,
            (selector, a) => selector.Next(
                new Attempt(a.Turn, a.Tried.Length < 2 ? [] : a.Tried, a.LastResorts))),
        Select("selection: a client never stops trying", Invariant.EveryClientEnds, (selector, a) =>
            selector.Next(new Attempt(a.Turn + (ulong)a.Tried.Length, [], a.LastResorts))),
        Select("selection: protection mode does not limit last resorts", Invariant.LastResortsInProtection,
            (selector, a) => selector.Next(new Attempt(a.Turn, a.Tried, 0))),
        Select("selection: the second candidate is never looked for", Invariant.NobodyGivesUpEarly,
            (selector, a) => a.Tried.Length > 0 ? Option<Candidate>.None : selector.Next(a)),
        Select("selection: every client begins with the first backend", Invariant.FairTurns, (selector, a) =>
            selector.Next(new Attempt(0, a.Tried, a.LastResorts))),
        new("admission: one connection too many", Invariant.LimitIsExact, new SimulationRules
        {
            Admits = (open, limit) => open <= limit,
        }),
        Step("reload: a backend that stays is taken for a new one", Invariant.ReloadKeeps,
            (happened, now, before, step) =>
            happened is ControlEvent.Reloaded e
                ? OnService(step, s => s with
                {
                    Backends = s.Backends.Map(b => b.Draining ? b : b with
                    {
                        Cooldown = Cooldown.None,
                        Health = HealthMachine.Initial(e.Config.Main.Tuning.Health),
                        Failures = FailureCounters.Zero,
                    }),
                })
                : step),
        Step("reload: protection mode is forgotten", Invariant.ReloadKeeps, (happened, _, _, step) =>
            happened is ControlEvent.Reloaded
                ? OnService(step, s => s with { Protection = ProtectionState.Quiet }) : step),
        Step("reload: a removed backend vanishes with its connections", Invariant.ReloadKeeps, (happened, _, _, step) =>
            happened is ControlEvent.Reloaded
                ? OnService(step, s => s with { Backends = s.Backends.Filter(b => !b.Draining) })
                : step),
        Step("drain: it never ends by itself", Invariant.DrainEnds, (happened, now, before, step) =>
            before.Phase is Phase.Draining && step.State.Phase is Phase.Ended && happened is ControlEvent.Tick
                ? new(
                    before with { Phase = Phase.Draining.Until(now, now.Plus(new(2_000)), new(2_000)) },
                    Arr<ControlEffect>.Empty)
                : step),
        Step("publishing: every other table is not sent", Invariant.LoopsKnow, (_, now, _, step) =>
            step with { Effects =
                step.Effects.Filter(e => e is not ControlEffect.Publish || now.Milliseconds % 2 == 0) }),
        new("publishing: nobody is asked to tell of successes", Invariant.LoopsKnow,
            new SimulationRules { Hear = Deaf }),
        Step("probes: a second one is started", Invariant.OneProbe, (_, _, _, step) =>
            step with { Effects = step.Effects.AddRange(step.Effects.Filter(e => e is ControlEffect.StartProbe)) }),
        Step("probes: a result is lost", Invariant.ProbesInTime, (happened, _, before, step) =>
            happened is ControlEvent.ProbeEnded ? new(before, Arr<ControlEffect>.Empty) : step),
        Shell("shell: a probe that succeeded is told as a failure", Invariant.GoodBackendIsUsed, happened =>
            happened is ControlEvent.ProbeEnded { Outcome: Outcome.Passed } e
                ? e with { Outcome = Outcome.Failure(FailureKind.Refused) }
                : happened),
        Shell("shell: a refusal is told as a success", Invariant.BadBackendIsLeft, happened =>
            happened is ControlEvent.ProbeEnded { Outcome: Outcome.Failed { Kind: FailureKind.Refused } } e
                ? e with { Outcome = Outcome.Success }
                : happened),
        Step("names: a lookup is started twice", Invariant.OneLookup, (_, _, _, step) =>
            step with { Effects = step.Effects.AddRange(step.Effects.Filter(e => e is ControlEffect.Resolve)) }),
        Step("due times: a probe stays due after it has been started", Invariant.NoSpin,
            (happened, now, before, step) =>
            happened is ControlEvent.Tick && now.Milliseconds > 1_000 ? new(before, Arr<ControlEffect>.Empty) : step),
    ];

    public override string ToString() => Name;

    // The step that hid a bug in production would hide it from the published table too, so the table is made from the
    // broken state.
    private static Sabotage Backend(
        string name, Invariant caught, Func<ControlEvent, Instant, BackendState, BackendState, BackendState> wrong) =>
        Service(name, caught, (now, before, after) => after with
        {
            Backends = after.Backends.Map(b => before.InOrder.Find(was => was.Id == b.Id).Match(
                was => wrong(new ControlEvent.Tick(), now, was, b), () => b)),
        });

    private static Sabotage Service(
        string name, Invariant caught, Func<Instant, ServiceState, ServiceState, ServiceState> wrong) =>
        Step(name, caught, (happened, now, before, step) => happened is ControlEvent.Reloaded
            ? step
            : OnService(step, after => before.Services.Find(after.Id.Value)
                .Match(was => wrong(now, was, after), () => after)));

    private static Sabotage Step(
        string name, Invariant caught, Func<ControlEvent, Instant, ControlState, ControlStep, ControlStep> wrong) =>
        new(name, caught, new SimulationRules
        {
            Decide = (happened, now, before) =>
                wrong(happened, now, before, ControlMachine.Step(happened, now, before)),
        });

    private static Sabotage Shell(string name, Invariant caught, Func<ControlEvent, ControlEvent> told) =>
        new(name, caught, SimulationRules.Production) { Told = told };

    private static Sabotage Select(string name, Invariant caught, SelectionRule wrong) =>
        new(name, caught, new SimulationRules { Select = wrong });

    private static ControlStep OnService(ControlStep step, Func<ServiceState, ServiceState> change)
    {
        var services = step.State.Services.Map(change);
        // The bug is in the state; what is found and due follows from it.
        var index = StateIndex.Of(services.Values, step.State.Phase.IsHandedOver);
        return step with { State = step.State with { Services = services, Index = index } };
    }

    private static Option<Candidate> Levelled(Selector selector, Attempt attempt) => Selector.Of(
        selector.Table with
        {
            Up = selector.Table.Cooling.AddRange(selector.Table.Up),
            Cooling = Arr<Route>.Empty,
        },
        Option<Selector>.None).Next(attempt);

    private static RoutingTable Deaf(RoutingTable table) => table with
    {
        Up = table.Up.Map(r => r with { WantsSuccess = false }),
        Cooling = table.Cooling.Map(r => r with { WantsSuccess = false }),
        Down = table.Down.Map(r => r with { WantsSuccess = false }),
    };
}
