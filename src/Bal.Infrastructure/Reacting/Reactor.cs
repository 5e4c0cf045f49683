using System.Collections.Concurrent;
using System.Diagnostics;
using Bal.Application;
using Bal.Domain.Control;
using Bal.Domain.Primitives;
using Bal.Infrastructure.Linux;
using LanguageExt;

namespace Bal.Infrastructure.Reacting;

/// <summary>What goes before what; within a kind the first that came is the first.</summary>
internal enum Urgency
{
    /// <summary>Signals, requests, steps of an upgrade.</summary>
    Request,

    /// <summary>What the event loops report, and what has to come after it.</summary>
    Report,

    /// <summary>What came of a probe or a lookup.</summary>
    Result,
}

/// <summary>
/// The supervisor's thread: descriptors, timers and reports of other threads become inputs, one at a time. Ordinary
/// managed code; nothing that is relayed passes here.
/// </summary>
/// <remarks>
/// Whatever there is to do, a signal or a request has its turn soon: after <see cref="MostInARow"/> inputs or
/// <see cref="LongestTurnMs"/> the descriptors are looked at again, and what is urgent goes before the mass of probes
/// and reports. Deadlines are judged last: a timer fires only after everything that was waiting when it became due has
/// been read, so that neither a pause of the process nor a long batch turns an answer into a timeout.
/// </remarks>
internal sealed class Reactor : IInbox, IDisposable
{
    /// <summary>Inputs that are handed out at most before the descriptors are looked at again.</summary>
    public const int MostInARow = 64;

    /// <summary>How long inputs are handed out at most before the descriptors are looked at again.</summary>
    public const int LongestTurnMs = 5;

    // How many of each kind go in a row while others wait: a flood of one leaves the others some of the time.
    private static readonly int[] InARow = [16, 4, 1];

    private const ulong WakeTag = 0;

    private readonly Epoll epoll = new();
    private readonly Dictionary<ulong, Action<uint>> handlers = [];
    private readonly Timers timers = new();
    private readonly Queue<SupervisorInput>[] waiting = [new(), new(), new()];
    private readonly int[] left = [.. InARow];
    private readonly ConcurrentQueue<(SupervisorInput Input, Urgency Urgency)> fromOutside = new();
    private ulong lastTag = WakeTag;
    private int handedOut;
    private Instant turnBegan;

    public Reactor()
    {
        epoll.Add(Wake.Fd, Libc.EPOLLIN, WakeTag);
    }

    /// <summary>Wakes this thread.</summary>
    public WakeUp Wake { get; } = new();

    /// <summary>Called after each wake-up, to collect what the event loops report.</summary>
    public Action<Action<ControlEvent>> Collect { get; set; } = _ => { };

    /// <summary>Timers that have neither fired nor been cancelled.</summary>
    internal int TimersPending => timers.Count;

    public Instant Now => new(Stopwatch.GetTimestamp() / (Stopwatch.Frequency / 1000));

    public bool HasMore => !IsEmpty && !TurnIsOver;

    /// <summary>How often the descriptors have been looked at: what is to be done a few at a time goes by it.</summary>
    public long Turn { get; private set; }

    private bool IsEmpty => waiting[0].Count + waiting[1].Count + waiting[2].Count == 0;

    private bool TurnIsOver =>
        handedOut >= MostInARow || (handedOut > 0 && turnBegan.Plus(new Duration(LongestTurnMs)).IsDue(Now));

    /// <summary>Adds an input; to be called on this thread.</summary>
    public void Post(ControlEvent happened) => Post(new SupervisorInput.Happened(happened));

    /// <summary>
    /// Adds an input that comes after everything that has been reported up to now; to be called on this thread.
    /// </summary>
    public void Post(SupervisorInput input) => waiting[(int)Urgency.Report].Enqueue(input);

    /// <summary>
    /// Adds an input that goes before the mass of others, in order among its like; to be called on this thread.
    /// </summary>
    public void PostUrgent(SupervisorInput input) => waiting[(int)Urgency.Request].Enqueue(input);

    /// <inheritdoc cref="PostUrgent(SupervisorInput)"/>
    public void PostUrgent(ControlEvent happened) => PostUrgent(new SupervisorInput.Happened(happened));

    /// <summary>
    /// Adds what came of a probe or a lookup, of which there may be thousands; to be called on this thread.
    /// </summary>
    public void PostResult(ControlEvent happened) =>
        waiting[(int)Urgency.Result].Enqueue(new SupervisorInput.Happened(happened));

    /// <summary>Adds an input from any thread.</summary>
    public void PostFromOutside(SupervisorInput input, Urgency urgency)
    {
        fromOutside.Enqueue((input, urgency));
        Wake.Signal();
    }

    /// <summary>
    /// Watches a descriptor; the returned tag stops it, and is 0 where the kernel has no room for another watch
    /// (epoll(7), max_user_watches).
    /// </summary>
    public ulong Watch(int fd, uint interest, Action<uint> handler)
    {
        if (!epoll.Add(fd, interest, lastTag + 1))
            return WakeTag;
        handlers[++lastTag] = handler;
        return lastTag;
    }

    /// <summary>Watches for something else.</summary>
    public void Rewatch(int fd, uint interest, ulong tag) => epoll.Modify(fd, interest, tag);

    /// <summary>Stops watching; the descriptor may be closed before or after.</summary>
    public void Unwatch(int fd, ulong tag)
    {
        if (handlers.Remove(tag))
            epoll.Remove(fd);
    }

    /// <summary>
    /// Stops watching and closes a descriptor that nobody else has: closing takes it out of epoll (epoll(7)).
    /// </summary>
    public void Close(int fd, ulong tag)
    {
        handlers.Remove(tag);
        _ = Libc.close(fd);
    }

    /// <summary>Runs <paramref name="action"/> once <paramref name="span"/> has passed.</summary>
    public Timers.Timer After(Duration span, Action action)
    {
        var timer = new Timers.Timer(action);
        Arm(timer, span);
        return timer;
    }

    /// <summary>As <see cref="After"/>, with a timer that is used again and again.</summary>
    public void Arm(Timers.Timer timer, Duration span) => timers.Arm(timer, Now.Plus(span).Milliseconds);

    public Option<SupervisorInput> Next(Instant until)
    {
        while (true)
        {
            if (Take() is { } input)
                return input;
            Look(IsEmpty ? WaitMs(until) : 0);
            // Also where there were events: a descriptor that is ready all the time must not hold up what is due.
            if (IsEmpty && until.IsDue(Now))
                return Option<SupervisorInput>.None;
        }
    }

    public void Dispose()
    {
        epoll.Dispose();
        Wake.Dispose();
    }

    private SupervisorInput? Take()
    {
        if (IsEmpty || TurnIsOver)
            return null;
        if (handedOut++ == 0)
            turnBegan = Now;
        var next = Array.FindIndex(left, n => n > 0);
        while (next >= 0 && waiting[next].Count == 0)
            next = Array.FindIndex(left, next + 1, n => n > 0);
        if (next < 0)
        {
            // Everybody that waits has had its share.
            InARow.CopyTo(left, 0);
            next = Array.FindIndex(waiting, w => w.Count > 0);
        }

        left[next]--;
        return waiting[next].Dequeue();
    }

    private void Look(int waitMs)
    {
        Read(waitMs);
        var now = Now.Milliseconds;
        if (timers.NextDue <= now)
        {
            // What was waiting by now is read before any deadline up to now is judged.
            for (var left = handlers.Count + 1; left > 0; left -= Epoll.Capacity)
            {
                if (Read(0) < Epoll.Capacity)
                    break;
            }

            timers.Fire(now);
        }

        handedOut = 0;
        Turn++;
    }

    private int Read(int waitMs)
    {
        var count = epoll.Wait(waitMs);
        for (var i = 0; i < count; i++)
            Dispatch(epoll.Whom(i), epoll.What(i));
        return count;
    }

    private void Dispatch(ulong whom, uint what)
    {
        if (whom != WakeTag)
        {
            // A handler earlier in this batch may have stopped this watch.
            if (handlers.TryGetValue(whom, out var handler))
                handler(what);
            return;
        }

        Wake.Clear();
        while (fromOutside.TryDequeue(out var posted))
            waiting[(int)posted.Urgency].Enqueue(posted.Input);
        Collect(Post);
    }

    private int WaitMs(Instant until)
    {
        var due = Math.Min(timers.NextDue, until.Milliseconds);
        return due == long.MaxValue ? -1 : (int)Math.Clamp(due - Now.Milliseconds, 0, int.MaxValue);
    }
}
