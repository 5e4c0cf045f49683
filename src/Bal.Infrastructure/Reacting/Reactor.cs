using System.Collections.Concurrent;
using System.Diagnostics;
using Bal.Application;
using Bal.Domain.Control;
using Bal.Domain.Primitives;
using Bal.Infrastructure.Linux;
using LanguageExt;

namespace Bal.Infrastructure.Reacting;

/// <summary>
/// The supervisor's thread: descriptors, timers and reports of other threads become inputs, one at a time. Ordinary
/// managed code; nothing that is relayed passes here.
/// </summary>
internal sealed class Reactor : IInbox, IDisposable
{
    private const ulong WakeTag = 0;

    private readonly Epoll epoll = new();
    private readonly Dictionary<ulong, Action<uint>> handlers = [];
    private readonly PriorityQueue<Timer, long> timers = new();
    private readonly Queue<SupervisorInput> inputs = new();
    private readonly ConcurrentQueue<SupervisorInput> fromOutside = new();
    private ulong lastTag = WakeTag;

    public Reactor()
    {
        epoll.Add(Wake.Fd, Libc.EPOLLIN, WakeTag);
    }

    /// <summary>Something to run on this thread, unless it is cancelled before.</summary>
    internal sealed class Timer(Action action)
    {
        public bool Cancelled { get; private set; }

        public void Cancel() => Cancelled = true;

        public void Fire() => action();
    }

    /// <summary>Wakes this thread.</summary>
    public WakeUp Wake { get; } = new();

    /// <summary>Called after each wake-up, to collect what the event loops report.</summary>
    public Action<Action<ControlEvent>> Collect { get; set; } = _ => { };

    /// <summary>Timers that have neither fired nor been forgotten, cancelled ones included.</summary>
    internal int TimersPending => timers.Count;

    public Instant Now => new(Stopwatch.GetTimestamp() / (Stopwatch.Frequency / 1000));

    /// <summary>Adds an input; to be called on this thread.</summary>
    public void Post(ControlEvent happened) => inputs.Enqueue(new SupervisorInput.Happened(happened));

    /// <summary>Adds an input; to be called on this thread.</summary>
    public void Post(SupervisorInput input) => inputs.Enqueue(input);

    /// <summary>Adds an input from any thread.</summary>
    public void PostFromOutside(SupervisorInput input)
    {
        fromOutside.Enqueue(input);
        Wake.Signal();
    }

    /// <summary>Watches a descriptor; the returned tag stops it.</summary>
    public ulong Watch(int fd, uint interest, Action<uint> handler)
    {
        var tag = ++lastTag;
        handlers[tag] = handler;
        epoll.Add(fd, interest, tag);
        return tag;
    }

    /// <summary>Watches for something else.</summary>
    public void Rewatch(int fd, uint interest, ulong tag) => epoll.Modify(fd, interest, tag);

    /// <summary>Stops watching; the descriptor may be closed before or after.</summary>
    public void Unwatch(int fd, ulong tag)
    {
        if (handlers.Remove(tag))
            epoll.Remove(fd);
    }

    /// <summary>Runs <paramref name="action"/> once <paramref name="span"/> has passed.</summary>
    public Timer After(Duration span, Action action)
    {
        var timer = new Timer(action);
        timers.Enqueue(timer, Now.Plus(span).Milliseconds);
        return timer;
    }

    public Option<SupervisorInput> Next(Instant until)
    {
        while (true)
        {
            if (inputs.TryDequeue(out var input))
                return input;
            FireTimers();
            if (inputs.Count > 0)
                continue;
            var wait = WaitMs(until);
            var count = epoll.Wait(wait);
            for (var i = 0; i < count; i++)
                Dispatch(epoll.Whom(i), epoll.What(i));
            // Also where there were events: a descriptor that is ready all the time must not hold up what is due.
            if (inputs.Count == 0 && until.IsDue(Now))
                return Option<SupervisorInput>.None;
        }
    }

    public void Dispose()
    {
        epoll.Dispose();
        Wake.Dispose();
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
        while (fromOutside.TryDequeue(out var input))
            inputs.Enqueue(input);
        Collect(Post);
    }

    private void FireTimers()
    {
        while (timers.TryPeek(out var timer, out var due) && (timer.Cancelled || due <= Now.Milliseconds))
        {
            timers.Dequeue();
            if (!timer.Cancelled)
                timer.Fire();
        }
    }

    private int WaitMs(Instant until)
    {
        var due = timers.TryPeek(out _, out var at) ? Math.Min(at, until.Milliseconds) : until.Milliseconds;
        return due == long.MaxValue ? -1 : (int)Math.Clamp(due - Now.Milliseconds, 0, int.MaxValue);
    }
}
