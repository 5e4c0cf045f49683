using System.Runtime.InteropServices;
using Bal.Domain.Admission;
using Bal.Domain.Counting;

namespace Bal.Infrastructure.DataPlane;

/// <summary>
/// One loop's counters of one backend: two cache lines of its own, written by that loop only, read by the supervisor.
/// </summary>
[StructLayout(LayoutKind.Sequential, Size = 128)]
internal unsafe struct BackendCounters
{
    /// <summary>Sessions that use the backend or are connecting to it.</summary>
    public long Active;

    /// <summary>Connections established since the backend was added.</summary>
    public long Total;

    /// <summary>Bytes read from clients.</summary>
    public long BytesIn;

    /// <summary>Bytes read from the backend.</summary>
    public long BytesOut;

    /// <summary>Written by the supervisor: the end of the last session is to be reported.</summary>
    public int Draining;

    /// <summary>Written by the supervisor: a successful connect is to be reported.</summary>
    public int WantsSuccess;

    /// <summary>
    /// Where this loop's connections are counted for <c>max_connections</c>; null where there is no such limit.
    /// </summary>
    public long* Taken;

    /// <summary>How long the connects took in all, in milliseconds.</summary>
    public long ConnectMs;

    /// <summary>How many of them took how long, by <see cref="DurationScale.Connect"/>.</summary>
    public fixed long Connects[ConnectBuckets];

    /// <summary>As many as <see cref="DurationScale.Connect"/> has; with them the second line is full.</summary>
    public const int ConnectBuckets = 8;

    /// <summary>Whose turn it is among the addresses to connect from.</summary>
    public uint SourceTurn;
}

/// <summary>
/// What one loop counts of one service: a row of numbers, written by that loop only and read by the supervisor. The
/// first are <see cref="ServiceCounters.All"/>.
/// </summary>
internal static class ServiceRow
{
    /// <summary>The first of the counters by <see cref="Refusal"/>; the others follow in its order.</summary>
    public static readonly int Refused = ServiceCounters.Of((Refusal)0).Index;

    /// <summary>The first of the counters by <see cref="TerminationReason"/>; the others follow in its order.</summary>
    public static readonly int Ended = ServiceCounters.Of((TerminationReason)0).Index;

    /// <summary>See <see cref="ServiceCounters.SplicedConnections"/>.</summary>
    public static readonly int SplicedConnections = ServiceCounters.SplicedConnections.Index;

    /// <summary>See <see cref="ServiceCounters.SplicedDirections"/>.</summary>
    public static readonly int SplicedDirections = ServiceCounters.SplicedDirections.Index;

    /// <summary>See <see cref="ServiceCounters.PipesUnavailable"/>.</summary>
    public static readonly int PipesUnavailable = ServiceCounters.PipesUnavailable.Index;

    /// <summary>See <see cref="ServiceCounters.QueueLength"/>.</summary>
    public static readonly int QueueLength = ServiceCounters.QueueLength.Index;

    /// <summary>See <see cref="ServiceCounters.QueueWaits"/>.</summary>
    public static readonly int QueueWaits = ServiceCounters.QueueWaits.Index;

    /// <summary>See <see cref="ServiceCounters.QueueWaitMs"/>.</summary>
    public static readonly int QueueWaitMs = ServiceCounters.QueueWaitMs.Index;

    /// <summary>See <see cref="ServiceCounters.QueueLongestWaitMs"/>.</summary>
    public static readonly int QueueLongestWaitMs = ServiceCounters.QueueLongestWaitMs.Index;

    /// <summary>See <see cref="ServiceCounters.TotalConnections"/>.</summary>
    public static readonly int TotalConnections = ServiceCounters.TotalConnections.Index;

    /// <summary>See <see cref="ServiceCounters.Failovers"/>.</summary>
    public static readonly int Failovers = ServiceCounters.Failovers.Index;

    /// <summary>See <see cref="ServiceCounters.EndedConnections"/>.</summary>
    public static readonly int EndedConnections = ServiceCounters.EndedConnections.Index;

    /// <summary>See <see cref="ServiceCounters.ConnectionMs"/>.</summary>
    public static readonly int ConnectionMs = ServiceCounters.ConnectionMs.Index;

    /// <summary>The first of <see cref="CounterKind.Lasted"/>.</summary>
    public static readonly int Lasted = ServiceCounters.Sessions.First.Index;

    /// <summary>The first of <see cref="CounterKind.Waited"/>.</summary>
    public static readonly int Waited = ServiceCounters.Waits.First.Index;

    /// <summary>Sessions that still look for a backend, and so may come to use any.</summary>
    public static readonly int Connecting = ServiceCounters.Count;

    /// <summary>Written by the supervisor: the end of the last of <see cref="Connecting"/> is to be reported.</summary>
    public static readonly int Leaving = Connecting + 1;

    /// <summary>Whether the loop has counted something that it has yet to report.</summary>
    public static readonly int Unreported = Leaving + 1;

    /// <summary>Numbers in a row: whole cache lines, so that no two loops write to the same one.</summary>
    public static readonly int Length = (Unreported + 8) / 8 * 8;
}

/// <summary>Numbers of something, a row for each loop. Sessions point into it: freed only when no loop can.</summary>
/// <param name="loops">How many loops there are.</param>
/// <param name="bytes">The size of a row: whole cache lines.</param>
internal abstract unsafe class CounterRows(int loops, int bytes) : IDisposable
{
    private readonly byte* rows = Allocate(loops * bytes);

    protected int Loops => loops;

    public void Dispose() => NativeMemory.AlignedFree(rows);

    // Beyond the last row is memory of others, and to count there would be found out much later, somewhere else.
    protected void* Row(int loop) => (uint)loop < (uint)loops
        ? rows + loop * bytes
        : throw new ArgumentOutOfRangeException(nameof(loop), loop, $"there are {loops} loops");

    private static byte* Allocate(int size)
    {
        var rows = (byte*)NativeMemory.AlignedAlloc((nuint)size, 64);
        NativeMemory.Clear(rows, (nuint)size);
        return rows;
    }
}

/// <summary>A service's numbers (<see cref="ServiceRow"/>).</summary>
internal sealed unsafe class ServiceRows(int loops) : CounterRows(loops, ServiceRow.Length * sizeof(long))
{
    public long* Of(int loop) => (long*)Row(loop);

    /// <summary>The sum over the loops at this moment.</summary>
    public long Sum(int index)
    {
        var sum = 0L;
        for (var i = 0; i < Loops; i++)
            sum += Volatile.Read(ref Of(i)[index]);
        return sum;
    }

    /// <summary>The counter over all loops at this moment.</summary>
    public long Of(ServiceCounter counter)
    {
        var sum = 0L;
        for (var i = 0; i < Loops; i++)
            sum = counter.Plus(sum, Volatile.Read(ref Of(i)[counter.Index]));
        return sum;
    }

    /// <summary>Whether every loop reports the end of its last session without a backend.</summary>
    public void MarkLeaving(bool leaving)
    {
        for (var i = 0; i < Loops; i++)
            Volatile.Write(ref Of(i)[ServiceRow.Leaving], leaving ? 1 : 0);
    }
}

/// <summary>A backend's numbers.</summary>
internal sealed unsafe class BackendRows(int loops) : CounterRows(loops, sizeof(BackendCounters))
{
    public BackendCounters* Of(int loop) => (BackendCounters*)Row(loop);

    /// <summary>Open connections over all loops at this moment.</summary>
    public long Active
    {
        get
        {
            var sum = 0L;
            for (var i = 0; i < Loops; i++)
                sum += Volatile.Read(ref Of(i)->Active);
            return sum;
        }
    }

    /// <summary>The sum over the loops at this moment.</summary>
    public BackendCounters Sum()
    {
        var sum = default(BackendCounters);
        for (var i = 0; i < Loops; i++)
        {
            sum.Active += Volatile.Read(ref Of(i)->Active);
            sum.Total += Volatile.Read(ref Of(i)->Total);
            sum.BytesIn += Volatile.Read(ref Of(i)->BytesIn);
            sum.BytesOut += Volatile.Read(ref Of(i)->BytesOut);
        }

        return sum;
    }

    /// <summary>How long connects took, over all loops at this moment.</summary>
    public Durations Connects()
    {
        var (counts, ms) = (new long[BackendCounters.ConnectBuckets], 0L);
        for (var i = 0; i < Loops; i++)
        {
            ms += Volatile.Read(ref Of(i)->ConnectMs);
            for (var bucket = 0; bucket < counts.Length; bucket++)
                counts[bucket] += Volatile.Read(ref Of(i)->Connects[bucket]);
        }

        return new(new(counts), ms);
    }

    /// <summary>Connections established, loop by loop.</summary>
    public long[] Totals() => [.. Enumerable.Range(0, Loops).Select(i => Volatile.Read(ref Of(i)->Total))];

    /// <summary>Whether every loop reports the end of its last session with this backend.</summary>
    public void MarkDraining(bool draining)
    {
        for (var i = 0; i < Loops; i++)
            Volatile.Write(ref Of(i)->Draining, draining ? 1 : 0);
    }

    /// <summary>Whether every loop reports a successful connect.</summary>
    public void WantSuccess(bool wanted)
    {
        for (var i = 0; i < Loops; i++)
            Volatile.Write(ref Of(i)->WantsSuccess, wanted ? 1 : 0);
    }
}
