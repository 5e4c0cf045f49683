using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Bal.Domain.Control;
using Bal.Domain.Counting;
using Bal.Domain.Relay;
using Bal.Infrastructure.Linux;

namespace Bal.Infrastructure.DataPlane;

/// <summary>
/// One thread with its own epoll instance, listeners, sessions and timers. It shares nothing with other loops but what
/// <see cref="ServicePlane"/> holds, takes commands from the supervisor and reports what it sees. Within a batch of
/// events it never blocks and, once warm, never allocates.
/// </summary>
internal sealed unsafe partial class EventLoop : IDisposable
{
    private readonly int index;
    private readonly int descriptorCeiling;
    private readonly Func<int, ServicePlane> serviceOf;
    private readonly Func<int, RouteTarget?> targetAt;
    private readonly LoopMailbox mailbox;
    private readonly Action<Exception> onCrash;
    private readonly Epoll epoll = new();
    private readonly WakeUp wake = new();
    private readonly ConcurrentQueue<LoopCommand> commands = new();
    private readonly SessionPool sessions = new();
    private readonly BlockPool blocks = new();
    private readonly TimerWheel timers;
    private readonly byte* buffer;
    private readonly Thread thread;

    private int* errno;
    private long now;
    private Session* ready;
    private Session* closed;
    private bool running = true;
    private bool stopping;
    private CutShare cutCarried;
    private int retimes;

    public EventLoop(
        int index,
        int loops,
        int descriptorCeiling,
        GatherRule gatherRule,
        Services services,
        Backends backends,
        LoopMailbox mailbox,
        Action<Exception> onCrash)
    {
        this.index = index;
        this.descriptorCeiling = descriptorCeiling;
        this.gatherRule = gatherRule;
        pipes = new PipePool(descriptorCeiling, services.Shared);
        cutCarried = CutShare.OfLoop(index, loops);
        serviceOf = services.At;
        targetAt = backends.TargetAt;
        this.mailbox = mailbox;
        this.onCrash = onCrash;
        now = MonotonicMs();
        timers = new TimerWheel(now);
        buffer = (byte*)NativeMemory.AlignedAlloc(BlockPool.BlockSize, 4096);
        epoll.Add(wake.Fd, Libc.EPOLLIN, WatchTag.Wake);
        reserve = OpenReserve();
        thread = new Thread(Run, 256 * 1024) { Name = $"loop-{index}", IsBackground = true };
    }

    public void Start() => thread.Start();

    /// <summary>Hands a command to the loop; it is carried out between two batches of events, in order.</summary>
    public void Post(LoopCommand command)
    {
        // It concerns every session, whoever asks: once for all services that a reload changes.
        if (command is LoopCommand.Retime && Interlocked.Exchange(ref retimes, 1) == 1)
            return;
        commands.Enqueue(command);
        wake.Signal();
    }

    public void Dispose()
    {
        if (thread.IsAlive)
        {
            Post(new LoopCommand.End());
            thread.Join();
        }

        foreach (var session in sessions.InUse())
            Abort((Session*)session, TerminationReason.Cut);
        FreeClosed();
        CloseListenersNow();
        sessions.Dispose();
        blocks.Dispose();
        pipes.Dispose();
        epoll.Dispose();
        wake.Dispose();
        NativeMemory.AlignedFree(buffer);
    }

    private static long MonotonicMs() => Stopwatch.GetTimestamp() / (Stopwatch.Frequency / 1000);

    private void Run()
    {
        try
        {
            errno = Libc.ErrnoLocation();
            while (running)
                RunOnce();
        }
        catch (Exception e)
        {
            onCrash(e);
        }
    }

    private void RunOnce()
    {
        var count = epoll.Wait(ready != null ? 0 : WaitMs());
        now = MonotonicMs();
        timers.Sync(now);
        for (var i = 0; i < count; i++)
            Dispatch(epoll.Whom(i), epoll.What(i));
        RunReady();
        FireTimers();
        LookAtStreams();
        ResumeListeners();
        CloseRetired();
        ReportRefusals();
        FreeClosed();
    }

    private int WaitMs()
    {
        var wait = timers.WaitMs(now);
        if (gathering > 0)
            wait = LoopRule.Sooner(wait, 1);
        if (listenersPausedUntil != 0)
            wait = LoopRule.Sooner(wait, listenersPausedUntil - now);
        if (retiredUntil != 0)
            wait = LoopRule.Sooner(wait, retiredUntil - now);
        if (HasUnreported)
            wait = LoopRule.Sooner(wait, lastRefusalReport + RefusalReportMs - now);
        return wait;
    }

    private void Dispatch(ulong whom, uint what)
    {
        if (WatchTag.IsSession(whom))
            OnSessionEvent((Session*)WatchTag.SessionOf(whom), WatchTag.IsBackend(whom), (SocketEvents)what);
        else if (whom == WatchTag.Wake)
            RunCommands();
        else
            AcceptFrom(WatchTag.ListenerOf(whom));
    }

    private void OnSessionEvent(Session* session, bool fromBackend, SocketEvents what)
    {
        var meaning = EventRule.MeaningOf(session->State, what, fromBackend, session->ResetByBackend);
        if (meaning == EventMeaning.Stale)
            return;

        ref var side = ref fromBackend ? ref session->Backend : ref session->Client;
        side.Flags |= (SideFlags)EventRule.ReadinessOf(what);
        if ((what & SocketEvents.Urgent) != 0)
            KeepUrgent(side.Fd);

        switch (meaning)
        {
            case EventMeaning.Connecting:
                OnConnectingEvent(session, fromBackend, what);
                break;
            case EventMeaning.BeginReset:
                BeginReset(session, fromBackend);
                break;
            case EventMeaning.EndReset:
                Abort(session, ResetRule.ReasonOf(session->ResetByBackend));
                break;
            default:
                Relay(session);
                break;
        }
    }

    // An urgent byte (tcp(7)) travels on as an ordinary one in its place, instead of being left out by recv(2).
    private static void KeepUrgent(int fd)
    {
        var on = 1;
        _ = Libc.setsockopt(fd, Libc.SOL_SOCKET, Libc.SO_OOBINLINE, &on, sizeof(int));
    }

    private void RunReady()
    {
        var session = ready;
        ready = null;
        while (session != null)
        {
            var next = session->Next;
            session->InReadyList = false;
            session->Next = null;
            if (session->State is SessionState.Relaying or SessionState.Resetting)
                Relay(session);
            else if (session->State == SessionState.Closed)
                PutToFree(session);
            session = next;
        }
    }

    private void MakeReady(Session* session)
    {
        if (session->InReadyList)
            return;
        session->InReadyList = true;
        session->Next = ready;
        ready = session;
    }

    private void FireTimers()
    {
        Session* session;
        while ((session = timers.TakeDue(now)) != null)
            OnTimer(session);
    }

    private void OnTimer(Session* session)
    {
        switch (session->State)
        {
            case SessionState.Connecting:
                OnConnectTimeout(session);
                break;
            case SessionState.Relaying:
                var idle = IdleRule.At(session->LastActivity, IdleTimeoutMs(session), now);
                if (!idle.IsOver)
                    timers.Arm(session, idle.RearmAt);
                // A FIN after a part of the bytes would tell the reader that this was all.
                else if (session->Client.HasUnsent || session->Backend.HasUnsent)
                    Abort(session, TerminationReason.IdleTimeout);
                else
                    CloseSession(session, TerminationReason.IdleTimeout);
                break;
            case SessionState.Resetting:
                ContinueReset(session);
                break;
            default:
                break;
        }
    }

    private long IdleTimeoutMs(Session* session) =>
        serviceOf(session->Service).Current.Table.Service.Tuning.IdleTimeout.Milliseconds;

    private void RunCommands()
    {
        wake.Clear();
        while (commands.TryDequeue(out var command))
        {
            switch (command)
            {
                case LoopCommand.Listen listen:
                    AddListener(listen.Fd, listen.Service, listen.Tag);
                    break;
                case LoopCommand.Reassign reassign:
                    ReassignListener(reassign.Tag, reassign.Service);
                    break;
                case LoopCommand.Unlisten unlisten:
                    if (unlisten.OutlivesBal)
                        RemoveListener(unlisten.Tag);
                    else
                        RetireListener(unlisten.Tag);
                    break;
                case LoopCommand.Forget forget:
                    ReportRefusalsOf(forget.Service);
                    break;
                case LoopCommand.Retime:
                    Volatile.Write(ref retimes, 0);
                    foreach (var session in sessions.InUse())
                    {
                        if (((Session*)session)->State == SessionState.Relaying)
                            timers.Arm((Session*)session, now);
                    }

                    break;
                case LoopCommand.Stop:
                    stopping = true;
                    RemoveAllListeners();
                    break;
                case LoopCommand.Rest:
                    Rest();
                    break;
                case LoopCommand.Resume:
                    Resume();
                    break;
                case LoopCommand.Cut cut:
                    CutOne(cut.OneOf);
                    break;
                case LoopCommand.Sync sync:
                    mailbox.Post(LoopReportKind.Synced, sync.Number);
                    break;
                case LoopCommand.Look look:
                    look.Glance();
                    break;
                case LoopCommand.End:
                    running = false;
                    break;
                default:
                    throw new UnreachableException();
            }
        }
    }

    private void CutOne(int oneOf)
    {
        var open = sessions.InUse();
        var step = CutShares.Next(oneOf, open.Count, cutCarried);
        cutCarried = step.Carried;
        for (var i = 0; i < step.Cut; i++)
            Abort((Session*)open[i], TerminationReason.Cut);
    }
}

/// <summary>What the supervisor asks of a loop.</summary>
internal abstract record LoopCommand
{
    private LoopCommand() { }

    /// <summary>Accept clients of a service from this listening descriptor, which is the loop's from now on.</summary>
    public sealed record Listen(int Fd, int Service, int Tag) : LoopCommand;

    /// <summary>Clients of a listener are another service's from now on.</summary>
    public sealed record Reassign(int Tag, int Service) : LoopCommand;

    /// <summary>
    /// Accept what waits in the listener's queue, then close it and report <see cref="LoopReportKind.Unlistened"/>;
    /// connections that are just being set up get a moment to complete first, unless the socket
    /// <paramref name="OutlivesBal"/> with its owner, for whom it must stay as it is.
    /// </summary>
    public sealed record Unlisten(int Tag, bool OutlivesBal) : LoopCommand;

    /// <summary>Like <see cref="Unlisten"/> for every listener, at rest without emptying its queue; from now on the end
    /// of the last session is reported.</summary>
    public sealed record Stop : LoopCommand;

    /// <summary>Accept nothing, and leave the listeners as they are: another process is about to serve them.</summary>
    public sealed record Rest : LoopCommand;

    /// <summary>Accept again.</summary>
    public sealed record Resume : LoopCommand;

    /// <summary>Keep nothing that has to do with a service: its memory is about to be freed.</summary>
    public sealed record Forget(int Service) : LoopCommand;

    /// <summary>The idle timeout has become shorter: look at every session again.</summary>
    public sealed record Retime : LoopCommand;

    /// <summary>End one of every so many sessions (<see cref="CutShares"/>).</summary>
    public sealed record Cut(int OneOf) : LoopCommand;

    /// <summary>Report when everything before this has been done.</summary>
    public sealed record Sync(int Number) : LoopCommand;

    /// <summary>Run something on the loop's thread; only tests look at a loop like this.</summary>
    public sealed record Look(Action Glance) : LoopCommand;

    /// <summary>End the thread.</summary>
    public sealed record End : LoopCommand;
}
