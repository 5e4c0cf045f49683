using Bal.Domain.Counting;
using Bal.Infrastructure.Linux;

namespace Bal.Infrastructure.DataPlane;

/// <summary>
/// What the event loops and the thread that writes the access log share. While there is no log, the loops see that
/// there is none, and nothing else of this exists.
/// </summary>
/// <param name="loops">How many loops there are.</param>
internal sealed class AccessRings(int loops) : IDisposable
{
    private readonly AccessRing?[] rings = new AccessRing?[loops];
    private WakeUp? wake;
    private bool isOn;
    private int sleeps;

    /// <summary>Whether connections are to be logged.</summary>
    public bool IsOn => Volatile.Read(ref isOn);

    /// <summary>What identities are called.</summary>
    public AccessLabels Labels { get; } = new();

    /// <summary>What the writer has counted; written by it alone.</summary>
    public AccessLogCounts Written { get; private set; } = AccessLogCounts.None;

    /// <summary>What has become of everything that was logged, at this moment.</summary>
    public AccessLogCounts Counts
    {
        get
        {
            var written = Written;
            return written with { Dropped = written.Dropped + LostByLoops };
        }
    }

    /// <summary>Records that did not fit into the rings.</summary>
    public long LostByLoops
    {
        get
        {
            var sum = 0L;
            foreach (var ring in rings)
                sum += ring?.Dropped ?? 0;
            return sum;
        }
    }

    /// <summary>Whether there is nothing to take from any loop.</summary>
    public bool AreEmpty => Array.TrueForAll(rings, ring => ring is null || ring.IsEmpty);

    /// <summary>
    /// Begins or ends logging; for the supervisor. The rings stay: a loop may be about to use its own.
    /// </summary>
    public void Turn(bool on)
    {
        if (on)
            wake ??= new WakeUp();
        for (var i = 0; on && i < rings.Length; i++)
        {
            if (rings[i] is null)
                Volatile.Write(ref rings[i], new AccessRing());
        }

        Volatile.Write(ref isOn, on);
    }

    /// <summary>Puts a record of a loop, with the name that belongs to it.</summary>
    public void Put(int loop, in AccessRecord record, ReadOnlySpan<byte> name)
    {
        var ring = rings[loop]!;
        ring.Put(record, name);
        // The record must be there before the writer is asked whether it sleeps, as it looks for records the other way
        // round (even on x86-64).
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref sleeps) != 0 || ring.IsFilling)
            wake!.Signal();
    }

    /// <summary>Wakes the writer; for the supervisor.</summary>
    public void Wake() => wake?.Signal();

    /// <summary>
    /// Waits until there is something to do, or for <paramref name="milliseconds"/>; a negative number waits without
    /// an end, and only then a single record wakes. For the writer.
    /// </summary>
    public void Wait(long milliseconds)
    {
        if (milliseconds < 0)
        {
            Volatile.Write(ref sleeps, 1);
            Interlocked.MemoryBarrier();
            if (AreEmpty)
                _ = Libc.WaitFor(wake!.Fd, Libc.POLLIN, -1);
            Volatile.Write(ref sleeps, 0);
        }
        else
        {
            _ = Libc.WaitFor(wake!.Fd, Libc.POLLIN, milliseconds);
        }

        wake!.Clear();
    }

    /// <summary>Takes the oldest record of a loop (<see cref="AccessRing.TryTake"/>); for the writer.</summary>
    public int TryTake(int loop, ref AccessRecord record, Span<byte> name) =>
        Volatile.Read(ref rings[loop])?.TryTake(ref record, name) ?? -1;

    /// <summary>How many loops there are.</summary>
    public int Loops => rings.Length;

    /// <summary>Lines have been written, or given up; for the writer.</summary>
    public void Count(AccessLogCounts more) => Written = Written.Plus(more);

    public void Dispose()
    {
        foreach (var ring in rings)
            ring?.Dispose();
        wake?.Dispose();
    }
}
