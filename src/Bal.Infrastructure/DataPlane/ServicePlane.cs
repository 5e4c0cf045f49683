using System.Collections.Frozen;
using System.Runtime.InteropServices;
using Bal.Domain.Admission;
using Bal.Domain.Balancing;

namespace Bal.Infrastructure.DataPlane;

/// <summary>
/// What the loops share of one service: the published snapshot, and two counters that have to be exact over all loops,
/// each on cache lines of its own. Nothing else is shared on the way of a connection.
/// </summary>
internal sealed unsafe class ServicePlane(int index, string name, OpenCounts counts)
{
    private readonly long* open = counts.At(index);
    private Snapshot snapshot = Snapshot.Empty(name);
    private nint[] elsewhere = [];
    private Padded cursor;

    public int Index { get; } = index;

    public string Name { get; } = name;

    /// <summary>The routes as they are now. Replaced whole by the supervisor, read without a lock.</summary>
    public Snapshot Current
    {
        get => Volatile.Read(ref snapshot);
        set => Volatile.Write(ref snapshot, value);
    }

    /// <summary>Connections admitted by this process and not yet ended.</summary>
    public int Open => (int)Volatile.Read(ref *open);

    /// <summary>Connections that replaced processes still have open.</summary>
    public long OpenElsewhere
    {
        get
        {
            var sum = 0L;
            foreach (var other in Volatile.Read(ref elsewhere))
                sum += Math.Max(0, Volatile.Read(ref *(long*)other));
            return sum;
        }
    }

    /// <summary>The number of the next client.</summary>
    public ulong Turn
    {
        get => (ulong)Volatile.Read(ref cursor.Value);
        set => Volatile.Write(ref cursor.Value, (long)value);
    }

    /// <summary>Where replaced processes count; their mappings stay for as long as a loop could look.</summary>
    public void CountElsewhere(nint[] counts) => Volatile.Write(ref elsewhere, counts);

    /// <summary>The next client's number: one sequence for the whole process.</summary>
    public ulong TakeTurn() => (ulong)Interlocked.Increment(ref cursor.Value) - 1;

    /// <summary>Admits a connection unless the limit is reached; exact, whatever the other loops do meanwhile.</summary>
    public bool TryAdmit(int limit)
    {
        // A replaced process admits nobody any more: its number only falls, so one that is read late is never too low.
        var others = (int)OpenElsewhere;
        while (true)
        {
            var seen = Volatile.Read(ref *open);
            if (!AdmissionRule.Admits((int)seen + others, limit))
                return false;
            if (Interlocked.CompareExchange(ref *open, seen + 1, seen) == seen)
                return true;
        }
    }

    /// <summary>Gives a place back; the number of connections still open.</summary>
    public int Leave() => (int)Interlocked.Decrement(ref *open);

    [StructLayout(LayoutKind.Explicit, Size = 192)]
    private struct Padded
    {
        [FieldOffset(64)]
        public long Value;
    }
}

/// <summary>A routing table with what the loops need beside it; immutable.</summary>
/// <param name="Table">The core's table.</param>
/// <param name="Targets">Its backends by identity.</param>
internal sealed record Snapshot(RoutingTable Table, FrozenDictionary<int, RouteTarget> Targets)
{
    public static Snapshot Empty(string service) => new(
        new RoutingTable(0, service, [], [], [], false, new(0), new(0), 0, Domain.Config.RelayMode.Auto, []),
        FrozenDictionary<int, RouteTarget>.Empty);
}

/// <summary>A backend ready for connect(2).</summary>
/// <param name="Id">Its identity.</param>
/// <param name="Addresses">Socket addresses in the order of trial.</param>
/// <param name="WantsSuccess">Whether a successful connect is to be reported.</param>
/// <param name="Counters">Its counters.</param>
internal sealed record RouteTarget(int Id, byte[][] Addresses, bool WantsSuccess, CounterBlock Counters);

/// <summary>A backend's counters, a line for each loop. Sessions point into it: freed only when no loop can.</summary>
internal sealed unsafe class CounterBlock(int loops) : IDisposable
{
    private readonly BackendCounters* lines = Allocate(loops);
    private readonly int loops = loops;

    public BackendCounters* Of(int loop) => lines + loop;

    /// <summary>The sum over the loops at this moment.</summary>
    public BackendCounters Sum()
    {
        var sum = default(BackendCounters);
        for (var i = 0; i < loops; i++)
        {
            sum.Active += Volatile.Read(ref lines[i].Active);
            sum.Total += Volatile.Read(ref lines[i].Total);
            sum.BytesIn += Volatile.Read(ref lines[i].BytesIn);
            sum.BytesOut += Volatile.Read(ref lines[i].BytesOut);
        }

        return sum;
    }

    /// <summary>Connections established, loop by loop.</summary>
    public long[] Totals() => [.. Enumerable.Range(0, loops).Select(i => Volatile.Read(ref lines[i].Total))];

    /// <summary>From now on every loop reports the end of its last session with this backend.</summary>
    public void MarkDraining()
    {
        for (var i = 0; i < loops; i++)
            Volatile.Write(ref lines[i].Draining, 1);
    }

    public void Dispose() => NativeMemory.AlignedFree(lines);

    private static BackendCounters* Allocate(int loops)
    {
        var size = (nuint)(loops * sizeof(BackendCounters));
        var block = (BackendCounters*)NativeMemory.AlignedAlloc(size, 64);
        NativeMemory.Clear(block, size);
        return block;
    }
}
