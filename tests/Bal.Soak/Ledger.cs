using System.Collections.Concurrent;
using System.Diagnostics;

namespace Bal.Soak;

/// <summary>One connection of a client, as both of its ends know it.</summary>
internal sealed class Session(long id, string kind)
{
    public long Id => id;

    public string Kind => kind;

    public long Started { get; } = Stopwatch.GetTimestamp();

    /// <summary>A backend has read the order.</summary>
    public volatile bool Seen;

    /// <summary>A backend has reset it, by the schedule of faults.</summary>
    public volatile bool Killed;
}

/// <summary>
/// What has happened, and which errors the schedule of faults explains: a session that a backend reset on purpose, one
/// that no backend had taken from its queue when that queue was closed, and one that met a full bal.
/// </summary>
internal sealed class Ledger
{
    private const int MostShown = 20;

    private readonly ConcurrentDictionary<long, Session> _open = new();
    private readonly ConcurrentDictionary<string, long> _counts = new();
    private readonly ConcurrentQueue<(long From, long To, string Why, bool EndsOpen)> _faults = new();
    private long _lastId;
    private long _bytes;
    private long _failures;

    public long Bytes => Volatile.Read(ref _bytes);

    public long Failures => Volatile.Read(ref _failures);

    public long Streams => _counts.Where(c => c.Key.StartsWith("done: ", StringComparison.Ordinal)).Sum(c => c.Value);

    public IEnumerable<KeyValuePair<string, long>> Counts => _counts.OrderBy(c => c.Key);

    public Session Begin(string kind)
    {
        var session = new Session(Interlocked.Increment(ref _lastId), kind);
        _open[session.Id] = session;
        return session;
    }

    public Session? Find(long id) => _open.GetValueOrDefault(id);

    public void Done(Session session, long bytes)
    {
        _open.TryRemove(session.Id, out _);
        Interlocked.Add(ref _bytes, bytes);
        Count($"done: {session.Kind}");
    }

    /// <summary>A session has failed: counted under what explains it, or told as what must not be.</summary>
    public void Failed(Session session, string how)
    {
        _open.TryRemove(session.Id, out _);
        var now = Stopwatch.GetTimestamp();
        if (session.Killed)
            Count("expected: the backend was killed");
        else if (_faults.FirstOrDefault(f => f.From <= now && f.To >= session.Started
            && (f.EndsOpen || !session.Seen)) is { Why: { } why })
            Count($"expected: {why}");
        else
            Unexpected($"session {session.Id} ({session.Kind}, seen by a backend: {session.Seen}) after " +
                $"{Stopwatch.GetElapsedTime(session.Started).TotalMilliseconds:0} ms: {how}");
    }

    public void Unexpected(string what)
    {
        if (Interlocked.Increment(ref _failures) <= MostShown)
            Console.WriteLine($"UNEXPECTED {DateTime.UtcNow:HH:mm:ss.fff} {what}");
    }

    public void Count(string what, long by = 1) => _counts.AddOrUpdate(what, by, (_, n) => n + by);

    public long CountOf(string what) => _counts.GetValueOrDefault(what);

    /// <summary>From the returned object's birth to its end, a session that no backend has seen may fail.</summary>
    /// <param name="why">What explains it.</param>
    /// <param name="endsOpen">Whether it explains the end of any other session as well.</param>
    public IDisposable Fault(string why, bool endsOpen = false)
    {
        var from = Stopwatch.GetTimestamp();
        // Open-ended until it ends: who fails meanwhile is explained as well.
        var open = (from, long.MaxValue, why, endsOpen);
        _faults.Enqueue(open);
        return new Closing(() =>
        {
            Replace(open, (from, Stopwatch.GetTimestamp(), why, endsOpen));
        });
    }

    private void Replace(
        (long From, long To, string Why, bool EndsOpen) open, (long From, long To, string Why, bool EndsOpen) closed)
    {
        // Few faults are open at once, and old ones explain nothing any more.
        var oldest = Stopwatch.GetTimestamp() - 120 * Stopwatch.Frequency;
        for (var n = _faults.Count; n > 0 && _faults.TryDequeue(out var fault); n--)
        {
            if (fault == open)
                _faults.Enqueue(closed);
            else if (fault.To >= oldest)
                _faults.Enqueue(fault);
        }
    }

    private sealed class Closing(Action close) : IDisposable
    {
        public void Dispose() => close();
    }
}
