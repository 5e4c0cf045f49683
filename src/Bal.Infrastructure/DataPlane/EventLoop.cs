using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Bal.Domain.Control;
using Bal.Domain.Counting;
using Bal.Domain.Messages;
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
    /// <summary>
    /// Room for what is read at once, and for the longest PROXY header; memory that is never written costs nothing.
    /// </summary>
    private const int BufferSize = 3 * BlockPool.BlockSize;

    private readonly int index;
    private readonly DescriptorCeiling ceiling;
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
    private Heard heard;
    private Session* ready;
    private Session* closed;
    private bool running = true;
    private bool stopping;
    private CutShare cutCarried;
    private int retimes;

    public EventLoop(
        int index,
        int loops,
        DescriptorCeiling ceiling,
        GatherRule gatherRule,
        Services services,
        Backends backends,
        AccessRings access,
        LoopMailbox mailbox,
        Action<Exception> onCrash)
    {
        this.access = access;
        this.index = index;
        services.HandedBack[index] = handedBack = new HandedBack(index, wake);
        this.ceiling = ceiling;
        this.gatherRule = gatherRule;
        pipes = new PipePool(ceiling, services.Shared);
        cutCarried = CutShare.OfLoop(index, loops);
        serviceOf = services.At;
        targetAt = backends.TargetAt;
        this.mailbox = mailbox;
        this.onCrash = onCrash;
        now = MonotonicMs();
        heard = Heard.From(now);
        timers = new TimerWheel(now);
        buffer = (byte*)NativeMemory.AlignedAlloc(BufferSize, 4096);
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

        now = MonotonicMs();
        foreach (var session in sessions.InUse())
            Abort((Session*)session, TerminationReason.Cut);
        SayHeldOf(OfAllServices);
        FreeClosed();
        CloseListenersNow();
        sessions.Dispose();
        blocks.Dispose();
        pipes.Dispose();
        epoll.Dispose();
        wake.Dispose();
        NativeMemory.AlignedFree(buffer);
    }

    /// <summary>Milliseconds of the monotonic clock, which all processes of a machine have in common.</summary>
    internal static long MonotonicMs() => Stopwatch.GetTimestamp() / (Stopwatch.Frequency / 1000);

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
        var count = epoll.WaitOnce(ready != null || handedBack.Any ? 0 : WaitMs());
        now = MonotonicMs();
        heard = heard.After(count, Epoll.Capacity, 2L * sessions.Capacity + listeners.Count + 1, now);
        timers.Sync(now);
        for (var i = 0; i < count; i++)
            Dispatch(epoll.Whom(i), epoll.What(i));
        SeeToServed();
        LookElsewhere();
        RunReady();
        // Before the timers: what gathers waits without an event.
        LookAtStreams();
        FireTimers();
        ResumeListeners();
        CloseRetired();
        ReportRefusals();
        SayHeld();
        WalkOn();
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
        if (AwaitsElsewhere())
            wait = LoopRule.Sooner(wait, LookElsewhereMs);
        if (held.Count > 0)
            wait = LoopRule.Sooner(wait, heldDue - now);
        if (walks.Count > 0)
            wait = 0;
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
            case EventMeaning.Greeting:
                OnGreetingEvent(session, what);
                break;
            case EventMeaning.Connecting:
                OnConnectingEvent(session, fromBackend, what);
                break;
            case EventMeaning.BeginReset:
                BeginReset(session, fromBackend);
                break;
            case EventMeaning.EndReset:
                Abort(session, ResetReason(session));
                break;
            default:
                Relay(session);
                break;
        }
    }

    // An urgent byte (tcp(7)) travels on as an ordinary one in its place, instead of being left out by recv(2).
    private static void KeepUrgent(int fd)
    {
        _ = Sockets.SetOption(fd, Libc.SOL_SOCKET, Libc.SO_OOBINLINE, 1, Facility.UrgentInline);
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
            else if (session->GivenUp)
                GoOnElsewhere(session);
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
        while ((session = timers.TakeDue(heard.Until)) != null)
            OnTimer(session);
    }

    private void OnTimer(Session* session)
    {
        switch (session->State)
        {
            case SessionState.Greeting:
                OnGreetingTimeout(session);
                break;
            case SessionState.Connecting:
                OnConnectTimeout(session);
                break;
            case SessionState.Relaying:
                LookAtSilence(session);
                break;
            case SessionState.Resetting:
                ContinueReset(session);
                break;
            default:
                break;
        }
    }

    private void RunCommands()
    {
        wake.Clear();
        while (commands.TryDequeue(out var command))
        {
            switch (command)
            {
                case LoopCommand.Listen listen:
                    AddListener(listen);
                    break;
                case LoopCommand.Reassign reassign:
                    ReassignListener(reassign);
                    break;
                case LoopCommand.Unlisten unlisten:
                    if (unlisten.OutlivesBal)
                        RemoveListener(unlisten.Tag);
                    else
                        RetireListener(unlisten.Tag);
                    break;
                case LoopCommand.Join join:
                    foreach (var target in join.Targets)
                        target.Places!.Join(target.Counters.Of(index));
                    break;
                case LoopCommand.Forget forget:
                    ReportRefusalsOf(forget.Service);
                    SayHeldOf(forget.Service);
                    break;
                case LoopCommand.CountClients count:
                    CountClients(count.Service);
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
                case LoopCommand.Reset reset:
                    ResetBackend(reset);
                    break;
                case LoopCommand.SayHeld say:
                    SayHeldOf(OfAllServices);
                    say.Said.Signal();
                    break;
                case LoopCommand.Walk walk:
                    walks.Enqueue(walk.Sessions);
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
}
