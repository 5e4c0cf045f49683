using Bal.Domain.Control;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Upgrade;

/// <summary>A transition of <see cref="UpgradeState"/>.</summary>
/// <param name="State">The state after the event.</param>
/// <param name="Effects">What is to be done, in order.</param>
public sealed record UpgradeStep(UpgradeState State, Arr<UpgradeEffect> Effects);

/// <summary>
/// Decides how a serving process replaces itself by a new one, and takes everything back where the new one fails at any
/// point before it holds all of it. An event that does not fit the state changes nothing: messages may cross.
/// </summary>
public static class UpgradeMachine
{
    /// <summary>How long each step of the handover may take, once the new process is ready.</summary>
    public static readonly Duration StepPatience = new(5_000);

    /// <summary>How many replaced processes may drain at once.</summary>
    public const int MaxDraining = 8;

    /// <summary>The state and effects after <paramref name="happened"/> at <paramref name="now"/>.</summary>
    public static UpgradeStep Step(UpgradeEvent happened, Instant now, UpgradeState state) => happened.Match(
        requested: e => Requested(e, state),
        spawned: e => state is UpgradeState.Spawning s ? Spawned(e.Pid, s, now) : Same(state),
        notSpawned: e => state is UpgradeState.Spawning s ? Failed(e.Problem, s.Stopping) : Same(state),
        ready: () => state is UpgradeState.Starting s
            ? To(new UpgradeState.Resting(s.Pid, now.Plus(StepPatience)), new UpgradeEffect.Rest())
            : Same(state),
        refused: e => RollBack(e.Problem, state),
        atRest: () => state is UpgradeState.Resting s
            ? To(new UpgradeState.HandingOver(s.Pid, now.Plus(StepPatience), PendingStop.None),
                new UpgradeEffect.HandOver())
            : Same(state),
        serves: () => state is UpgradeState.HandingOver s
            ? To(new UpgradeState.Settling(s.Pid, now.Plus(StepPatience), s.Stop), new UpgradeEffect.Yield())
            : Same(state),
        settled: () => state is UpgradeState.Settling s ? Replaced(s) : Same(state),
        linkBroken: () => RollBack(Option<Problem>.None, state),
        gone: e => Gone(e.How, state),
        tick: () => state.DueAt.IsDue(now) ? RollBack(UpgradeProblems.TooSlow(state), state) : Same(state),
        stopRequested: e => Stop(e.Stop, newKnows: false, state),
        newStops: e => Stop(e.Stop, newKnows: true, state));

    private static UpgradeStep Requested(UpgradeEvent.Requested request, UpgradeState state) => state switch
    {
        UpgradeState.Idle when request.IsInit => To(state, new UpgradeEffect.RefuseLatest(UpgradeProblems.IsInit)),
        UpgradeState.Idle when request.StillDraining >= MaxDraining =>
            To(state, new UpgradeEffect.RefuseLatest(UpgradeProblems.TooMany(request.StillDraining))),
        UpgradeState.Idle =>
            To(new UpgradeState.Spawning(request.Patience, Stopping: false), new UpgradeEffect.Spawn()),
        UpgradeState.Replaced replaced =>
            To(state, new UpgradeEffect.RefuseLatest(UpgradeProblems.ReplacedAlready(replaced.Pid))),
        UpgradeState.Ending => To(state, new UpgradeEffect.RefuseLatest(UpgradeProblems.Stopping)),
        _ => To(state, new UpgradeEffect.RefuseLatest(UpgradeProblems.UnderWay)),
    };

    private static UpgradeStep Spawned(int pid, UpgradeState.Spawning spawning, Instant now) => spawning.Stopping
        ? To(RollingBack(pid, UpgradeProblems.Stopping, rests: false, PendingStop.None, stopping: true),
            new UpgradeEffect.Kill())
        : To(
            new UpgradeState.Starting(pid, now.Plus(spawning.Patience)),
            new UpgradeEffect.Log(LogEvent.Info(
                "upgrade", "upgrade_started", $"process {pid} is to replace this one, and checks whether it can",
                LogField.Of("pid", pid))));

    private static UpgradeStep Replaced(UpgradeState.Settling settled)
    {
        var step = To(
            new UpgradeState.Replaced(settled.Pid),
            new UpgradeEffect.Leave(settled.Pid),
            new UpgradeEffect.Answer(settled.Pid));
        // The stop was meant for bal, not for the process that happened to be it at that moment. Who is told to stop
        // tells the other one.
        return settled.Stop.Stop.Match(
            Some: stop => And(
                settled.Stop.NewKnows ? new UpgradeEffect.StopOwn(stop) : new UpgradeEffect.StopNew(), step),
            None: () => step);
    }

    private static UpgradeStep RollBack(Option<Problem> why, UpgradeState state, bool stopping = false) => state.Match(
        idle: () => Same(state),
        spawning: _ => Same(state),
        // Not told to serve yet: this process may accept at once.
        starting: s => To(
            RollingBack(s.Pid, why, rests: false, PendingStop.None, stopping), new UpgradeEffect.Kill()),
        resting: s => To(
            RollingBack(s.Pid, why, rests: false, PendingStop.None, stopping),
            new UpgradeEffect.Kill(), new UpgradeEffect.Resume()),
        handingOver: s => To(RollingBack(s.Pid, why, rests: true, s.Stop), new UpgradeEffect.Kill()),
        settling: s => To(RollingBack(s.Pid, why, rests: true, s.Stop), new UpgradeEffect.Kill()),
        rollingBack: s => Same(s with
        {
            Problem = s.Problem.IsNone ? why : s.Problem,
            Stopping = s.Stopping || stopping,
        }),
        replaced: _ => Same(state),
        ending: () => Same(state));

    private static UpgradeStep Gone(string how, UpgradeState state)
    {
        // It need not have been noticed before: its end may come first.
        var rolling = RollBack(Option<Problem>.None, state);
        if (rolling.State is not UpgradeState.RollingBack back)
            return rolling;
        var ended = Failed(
            back.Problem.IfNone(() => UpgradeProblems.Died(back.Pid, how)), back.Stopping || back.Stop.Stop.IsSome);
        var effects = new Arr<UpgradeEffect>(rolling.Effects.Where(e => e is not UpgradeEffect.Kill));
        if (back.Rests)
            effects = effects.Add(new UpgradeEffect.Reclaim()).Add(new UpgradeEffect.Resume());
        effects = effects.AddRange(ended.Effects);
        return ended with
        {
            Effects = back.Stop.Stop.Match(stop => effects.Add(new UpgradeEffect.StopOwn(stop)), () => effects),
        };
    }

    private static UpgradeStep Stop(ControlEvent.StopRequested stop, bool newKnows, UpgradeState state) => state switch
    {
        UpgradeState.Idle => To(new UpgradeState.Ending(), new UpgradeEffect.StopOwn(stop)),
        UpgradeState.Spawning s => To(s with { Stopping = true }, new UpgradeEffect.StopOwn(stop)),
        UpgradeState.HandingOver s => Same(s with { Stop = s.Stop.And(stop, newKnows) }),
        UpgradeState.Settling s => Same(s with { Stop = s.Stop.And(stop, newKnows) }),
        UpgradeState.RollingBack { Rests: true } s => Same(s with { Stop = s.Stop.And(stop, newKnows) }),
        // A second signal is passed on like the first one.
        _ => And(new UpgradeEffect.StopOwn(stop), RollBack(UpgradeProblems.Stopping, state, stopping: true)),
    };

    private static UpgradeState RollingBack(
        int pid, Option<Problem> why, bool rests, PendingStop stop, bool stopping = false) =>
        new UpgradeState.RollingBack(pid, why, rests, stop, stopping);

    private static UpgradeStep Failed(Problem problem, bool stopping) => To(
        stopping ? new UpgradeState.Ending() : UpgradeState.None,
        new UpgradeEffect.Log(LogEvent.Failure("upgrade", "upgrade_failed", problem)),
        new UpgradeEffect.Answer(problem));

    private static UpgradeStep And(UpgradeEffect effect, UpgradeStep step) =>
        step with { Effects = step.Effects.Add(effect) };

    private static UpgradeStep Same(UpgradeState state) => new(state, Arr<UpgradeEffect>.Empty);

    private static UpgradeStep To(UpgradeState state, params UpgradeEffect[] effects) =>
        new(state, new Arr<UpgradeEffect>(effects));
}
