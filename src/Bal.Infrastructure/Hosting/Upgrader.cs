using Bal.Application;
using Bal.Domain.Control;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Recording;
using Bal.Domain.Reports;
using Bal.Domain.Upgrade;
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
    Reactor reactor, HandedParts parts, Func<Either<Problem, ChildProcess>> start, Action<LogEvent> log) : IDisposable
{
    private static readonly Duration ReclaimEvery = new(20);

    private readonly Queue<SupervisorInput.Reload> reloads = new();
    private readonly Queue<SupervisorInput.Order> orders = new();
    private UpgradeState state = UpgradeState.None;
    private Action<Either<Problem, int>> asked = _ => { };
    private Action<Either<Problem, int>> latest = _ => { };
    private ChildProcess? successor;
    private ulong linkTag;
    private ulong pidfdTag;
    private Timers.Timer? timer;

    /// <summary>Called with the process id of the new process as soon as it serves.</summary>
    public Action<int> OnReplaced { get; init; } = _ => { };

    /// <summary>
    /// Called as the last thing before the new process is told that this one has let go of everything.
    /// </summary>
    public Action<Link?> OnLeaving { get; init; } = _ => { };

    /// <summary>Where reloads go.</summary>
    public Action<SupervisorInput.Reload> OnReload { get; init; } = reactor.PostUrgent;

    /// <summary>
    /// Called with true before the files of BAL_HOME are handed over, so that nobody replaces them meanwhile, and with
    /// false where they are this process's again.
    /// </summary>
    public Action<bool> OnFilesHeld { get; init; } = _ => { };

    /// <summary>
    /// Called with true before the files are the new process's, and with false where they are this one's again.
    /// </summary>
    public Action<bool> OnYielding { get; init; } = _ => { };

    /// <summary>Called where this process begins to stop although another one has replaced it.</summary>
    public Action OnStopping { get; init; } = () => { };

    /// <summary>Called where a process that has replaced this one asks for the log to be opened again.</summary>
    public Action OnReopen { get; init; } = () => { };

    /// <summary>
    /// Called where a process that has replaced this one asks about sessions, with where the answer goes.
    /// </summary>
    public Action<LinkMessage, Action<byte[]>> OnSessions { get; init; } = (_, _) => { };

    /// <summary>Whether another process serves in place of this one.</summary>
    public bool IsReplaced => state is UpgradeState.Replaced;

    /// <summary>Begins an upgrade; <paramref name="answer"/> is told the new process, or why there is none.</summary>
    public void Request(Duration patience, Action<Either<Problem, int>> answer)
    {
        latest = answer;
        if (state is UpgradeState.Idle && parts.Supervisor.State.Phase is not Phase.Running)
            RefuseLatest(UpgradeProblems.Stopping);
        else
            Feed(new UpgradeEvent.Requested(patience, parts.Replaced.Count, IsInit: Environment.ProcessId == 1));
    }

    /// <summary>A stop of bal, of whichever process that is when an upgrade is under way.</summary>
    public void Stop(ControlEvent.StopRequested stop) => Feed(new UpgradeEvent.StopRequested(stop));

    /// <summary>
    /// Reloads now, or once an upgrade has ended: what is being handed over must not change. Once this process has been
    /// replaced, it is for the other one to reload.
    /// </summary>
    public void Reload(SupervisorInput.Reload reload)
    {
        if (IsReplaced)
            // Who waits for the answer asks again, and reaches the new process; it reads the file once it has settled.
            reload.Answer(SupervisorLoop.ReplacedAnswer);
        else if (IsOver)
            OnReload(reload);
        else
            reloads.Enqueue(reload);
    }

    /// <summary>
    /// Has an order carried out now, or, while everything is being handed over, once it is known by whom.
    /// </summary>
    public void Order(SupervisorInput.Order order)
    {
        if (IsReplaced)
            order.Answer(OrderReport.Failed(SupervisorLoop.Replaced));
        else if (IsOver || state is UpgradeState.Spawning or UpgradeState.Starting
            or UpgradeState.RollingBack { Rests: false })
            reactor.PostUrgent(order);
        else
            orders.Enqueue(order);
    }

    /// <summary>A reload that came to this process after it had been replaced is meant for the other one.</summary>
    public void PassOnReload()
    {
        if (successor is { } next && next.Link.Send("reload"))
            log(LogEvent.Info("upgrade", "reload_passed_on",
                $"this process has been replaced; process {next.Pid} reloads the configuration",
                LogField.Of("pid", next.Pid)));
    }

    /// <summary>The last words to the process that has replaced this one.</summary>
    public void Dispose()
    {
        if (state is UpgradeState.Replaced)
            Report();
        else
            successor?.KillAndWait();
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
        while (IsOver && reloads.TryDequeue(out var reload))
            Reload(reload);
        while (IsOver && orders.TryDequeue(out var order))
            Order(order);
    }

    private bool IsOver => state is UpgradeState.Idle or UpgradeState.Replaced or UpgradeState.Ending;

    // What was said in time counts, even where this process was stopped (SIGSTOP) and could not read it.
    private void Late()
    {
        ReadLink();
        Feed(new UpgradeEvent.Tick());
    }

    private void Do(UpgradeEffect effect) => effect.Match<Unit>(
        spawn: () => Done(Spawn),
        rest: () => Done(Rest),
        resume: () => Done(Resume),
        handOver: () => Done(HandOver),
        yields: () => Done(Yield),
        reclaim: () => Done(Reclaim),
        leave: e => Done(() => Leave(e.Pid)),
        kill: () => Done(() => successor?.Kill()),
        stopNew: () => Done(() => successor?.Signal(Libc.SIGTERM)),
        stopOwn: e => Done(() => StopOwn(e.Stop)),
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
        OnFilesHeld(true);
        var whom = successor;
        parts.Plane.Rest(() => reactor.Post(new SupervisorInput.Call(() =>
        {
            if (successor == whom)
                Feed(parts.FilesAsIntroduced
                    ? new UpgradeEvent.AtRest() : new UpgradeEvent.Refused(UpgradeProblems.FilesRestored));
        })));
    }

    private void Resume()
    {
        parts.Plane.Resume();
        OnFilesHeld(false);
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
        // Until then it is found by the lock.
        OnYielding(true);
        parts.Control.LeaveToSuccessor();
        parts.Pid.LeaveToSuccessor();
        _ = successor!.Link.Send("yours");
    }

    private void Reclaim()
    {
        parts.Replaced.Resume();
        parts.Control.Listen();
        ReclaimLock();
    }

    private void ReclaimLock()
    {
        // A start that came in between is told by this process that it runs, and gives the lock back at once.
        if (!parts.Pid.TryTakeWhole())
        {
            reactor.After(ReclaimEvery, ReclaimLock);
            return;
        }

        OnYielding(false);
        parts.Pid.WritePid().IfLeft(problem => log(LogEvent.Failure("upgrade", "pid_file_failed", problem)));
        OnFilesHeld(false);
    }

    private void Leave(int pid)
    {
        OnReplaced(pid);
        // One that has no listener any more is not taken for a bal that runs.
        parts.Control.CloseListener();
        parts.Replaced.Dispose();
        parts.Plane.LeaveReplaced();
        reactor.PostUrgent(new ControlEvent.HandedOver(pid));
        reactor.PostUrgent(new SupervisorInput.Call(() => parts.Plane.Confirm(() =>
        {
            OnLeaving(successor?.Link);
            _ = successor?.Link.Send("left");
        })));
    }

    private void StopOwn(ControlEvent.StopRequested stop)
    {
        if (IsReplaced)
            OnStopping();
        parts.Replaced.TellStop(stop, parts.Supervisor.State, reactor.Now);
        reactor.PostUrgent(stop);
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
                Feed(new UpgradeEvent.NewStops(ReplacedLinks.StopOf(message)));
                break;
            case "reset":
                ReplacedLinks.ResetOf(message).IfSome(parts.Plane.ResetAll);
                break;
            case SessionRequests.Word:
                OnSessions(message, document => _ = successor?.Link.SendDocument(SessionRequests.Word, document));
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
