using Bal.Application;
using Bal.Domain.Control;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Recording;
using Bal.Domain.Upgrade;
using Bal.Infrastructure.DataPlane;
using Bal.Infrastructure.Linux;
using Bal.Infrastructure.Reacting;
using LanguageExt;

namespace Bal.Infrastructure.Hosting;

/// <summary>
/// Replaces this process by a new one, as <see cref="UpgradeMachine"/> decides; afterwards it is the replaced one's end
/// of the link. Used by the supervisor's thread.
/// </summary>
/// <param name="reactor">That thread.</param>
/// <param name="parts">What is handed over.</param>
/// <param name="start">Starts the new process.</param>
/// <param name="log">Where decisions are told.</param>
internal sealed class Upgrader(
    Reactor reactor, HandedParts parts, Func<Either<Problem, Successor>> start, Action<LogEvent> log) : IDisposable
{
    private static readonly Duration ReclaimEvery = new(20);

    private readonly Queue<SupervisorInput.Reload> reloads = new();
    private UpgradeState state = UpgradeState.None;
    private Action<Either<Problem, int>> asked = _ => { };
    private Action<Either<Problem, int>> latest = _ => { };
    private Successor? successor;
    private ulong linkTag;
    private ulong pidfdTag;
    private Timers.Timer? timer;

    /// <summary>Called with the process id of the new process as soon as it serves.</summary>
    public Action<int> OnReplaced { get; init; } = _ => { };

    /// <summary>
    /// Called as the last thing before the new process is told that this one has let go of everything.
    /// </summary>
    public Action OnLeaving { get; init; } = () => { };

    /// <summary>Where reloads go.</summary>
    public Action<SupervisorInput.Reload> OnReload { get; init; } = reactor.PostUrgent;

    /// <summary>Called where a process that has replaced this one asks for the log to be opened again.</summary>
    public Action OnReopen { get; init; } = () => { };

    /// <summary>Begins an upgrade; <paramref name="answer"/> is told the new process, or why there is none.</summary>
    public void Request(Duration patience, Action<Either<Problem, int>> answer)
    {
        latest = answer;
        if (state is UpgradeState.Idle && parts.Supervisor.State.Phase is not Phase.Running)
            RefuseLatest(UpgradeProblems.Stopping);
        else
            Feed(new UpgradeEvent.Requested(patience, parts.Replaced.Count));
    }

    /// <summary>What SIGTERM means: a stop of bal, of whichever process that is when an upgrade is under way.</summary>
    public void Stop() => Feed(new UpgradeEvent.StopRequested());

    /// <summary>Reloads now, or once an upgrade has ended: what is being handed over must not change.</summary>
    public void Reload(SupervisorInput.Reload reload)
    {
        if (state is UpgradeState.Idle or UpgradeState.Replaced)
            OnReload(reload);
        else
            reloads.Enqueue(reload);
    }

    /// <summary>The last words to the process that has replaced this one.</summary>
    public void Dispose()
    {
        if (state is UpgradeState.Replaced)
            Report();
        else
            successor?.Kill();
        Forget();
    }

    private void Feed(UpgradeEvent happened)
    {
        var step = UpgradeMachine.Step(happened, reactor.Now, state);
        state = step.State;
        foreach (var effect in step.Effects)
            Do(effect);
        timer?.Cancel();
        if (state.DueAt != Instant.Never)
            timer = reactor.After(state.DueAt.Since(reactor.Now), Late);
        while (state is UpgradeState.Idle or UpgradeState.Replaced && reloads.TryDequeue(out var reload))
            OnReload(reload);
    }

    // What was said in time counts, even where this process was stopped (SIGSTOP) and could not read it.
    private void Late()
    {
        ReadLink();
        Feed(new UpgradeEvent.Tick());
    }

    private void Do(UpgradeEffect effect) => effect.Match<Unit>(
        spawn: () => Done(Spawn),
        rest: () => Done(Rest),
        resume: () => Done(parts.Plane.Resume),
        handOver: () => Done(HandOver),
        yields: () => Done(Yield),
        reclaim: () => Done(Reclaim),
        leave: e => Done(() => Leave(e.Pid)),
        kill: () => Done(() => successor?.Kill()),
        stopNew: () => Done(() => successor?.Signal(Libc.SIGTERM)),
        stopOwn: () => Done(StopOwn),
        answer: e => Done(() => Answer(e.Outcome)),
        refuseLatest: e => Done(() => RefuseLatest(e.Problem)),
        log: e => Done(() => log(e.Line)));

    private static Unit Done(Action action)
    {
        action();
        return Unit.Default;
    }

    private void Spawn()
    {
        asked = latest;
        var started = start();
        started.IfRight(child =>
        {
            Forget();
            successor = child;
            linkTag = reactor.Watch(child.Link.Fd, Libc.EPOLLIN, _ => ReadLink());
            pidfdTag = reactor.Watch(child.Pidfd, Libc.EPOLLIN, _ => ChildGone());
            if (!parts.Introduce(child.Link, reactor.Now))
                reactor.PostUrgent(new SupervisorInput.Call(() => Feed(new UpgradeEvent.LinkBroken())));
        });
        Feed(started.Match<UpgradeEvent>(
            Right: child => new UpgradeEvent.Spawned(child.Pid),
            Left: problem => new UpgradeEvent.NotSpawned(problem)));
    }

    // What the loops have reported before they came to rest is decided first: the input comes after it.
    private void Rest()
    {
        var whom = successor;
        parts.Plane.Rest(() => reactor.Post(new SupervisorInput.Call(() =>
        {
            if (successor == whom)
                Feed(new UpgradeEvent.AtRest());
        })));
    }

    private void HandOver()
    {
        parts.Pid.ReleaseRest();
        parts.Replaced.Rest();
        if (!parts.HandOver(successor!.Link, reactor.Now))
            reactor.PostUrgent(new SupervisorInput.Call(() => Feed(new UpgradeEvent.LinkBroken())));
    }

    private void Yield()
    {
        parts.Control.LeaveToSuccessor();
        parts.Pid.LeaveToSuccessor();
        _ = successor!.Link.Send("yours");
    }

    private void Reclaim()
    {
        parts.Replaced.Resume();
        parts.Control.Listen();
        // A start that came in between finds the port taken, and gives the lock back at once.
        if (!parts.Pid.TryTakeWhole())
            reactor.After(ReclaimEvery, Reclaim);
        else
            parts.Pid.WritePid().IfLeft(problem => log(LogEvent.Failure("upgrade", "pid_file_failed", problem)));
    }

    private void Leave(int pid)
    {
        OnReplaced(pid);
        parts.Replaced.Dispose();
        parts.Plane.Replaced = Replaced.Nobody;
        reactor.PostUrgent(new ControlEvent.HandedOver(pid));
        reactor.PostUrgent(new SupervisorInput.Call(() => parts.Plane.Confirm(() =>
        {
            OnLeaving();
            _ = successor?.Link.Send("left");
        })));
    }

    private void StopOwn()
    {
        parts.Replaced.Tell("stop");
        reactor.PostUrgent(new ControlEvent.StopRequested());
    }

    private void Answer(Either<Problem, int> outcome)
    {
        asked(outcome);
        asked = _ => { };
    }

    private void RefuseLatest(Problem problem)
    {
        log(LogEvent.Failure("upgrade", "upgrade_refused", problem));
        latest(problem);
    }

    private void ReadLink()
    {
        while (successor is { } child && child.Link.Receive().Match(
            Some: message =>
            {
                Understand(message);
                return message.Word != LinkMessage.Closed;
            },
            None: () => false))
        {
        }
    }

    private void Understand(LinkMessage message)
    {
        message.CloseDescriptors();
        switch (message.Word)
        {
            case "ready":
                Feed(new UpgradeEvent.Ready());
                break;
            case "refused":
                Feed(new UpgradeEvent.Refused(
                    Format0_1_0.Explained(message.ToProblem(), parts.Supervisor.State)));
                break;
            case "serves":
                Feed(new UpgradeEvent.Serves());
                break;
            case "settled":
                Feed(new UpgradeEvent.Settled());
                break;
            case "report":
                Report();
                break;
            case "stop":
                Stop();
                break;
            case "reopen":
                OnReopen();
                break;
            case LinkMessage.Closed:
                reactor.Unwatch(successor!.Link.Fd, linkTag);
                Feed(new UpgradeEvent.LinkBroken());
                break;
            default:
                // A newer version may have more to say than this one needs to know.
                break;
        }
    }

    private void ChildGone()
    {
        ReadLink();
        var how = successor!.Reap();
        reactor.Unwatch(successor.Pidfd, pidfdTag);
        if (state is not UpgradeState.Replaced)
            Forget();
        Feed(new UpgradeEvent.Gone(how));
    }

    private void Report() => _ = successor?.Link.SendDocument("report", Recorded());

    private byte[] Recorded() => CanonicalJson.Bytes(TrafficCodec.Traffic, parts.Plane.MeasureOwn());

    private void Forget()
    {
        if (successor is null)
            return;
        reactor.Unwatch(successor.Link.Fd, linkTag);
        reactor.Unwatch(successor.Pidfd, pidfdTag);
        successor.Dispose();
        successor = null;
    }
}
