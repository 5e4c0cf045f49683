using System.Collections.Frozen;
using System.Runtime.InteropServices;
using Bal.Domain.Admission;
using Bal.Domain.Balancing;

namespace Bal.Infrastructure.DataPlane;

/// <summary>
/// What the loops share of one service: the published snapshot, and two counters that have to be exact over all loops,
/// each on cache lines of its own. Nothing else is shared on the way of a connection.
/// </summary>
internal sealed class ServicePlane(int index, string name)
{
    private Snapshot snapshot = Snapshot.Empty(name);
    private Padded cursor;
    private Padded open;

    public int Index { get; } = index;

    public string Name { get; } = name;

    /// <summary>The routes as they are now. Replaced whole by the supervisor, read without a lock.</summary>
    public Snapshot Current
    {
        get => Volatile.Read(ref snapshot);
        set => Volatile.Write(ref snapshot, value);
    }

    /// <summary>Connections admitted and not yet ended.</summary>
    public int Open => (int)Volatile.Read(ref open.Value);

    /// <summary>The next client's number: one sequence for the whole process.</summary>
    public ulong TakeTurn() => (ulong)Interlocked.Increment(ref cursor.Value) - 1;

    /// <summary>Admits a connection unless the limit is reached; exact, whatever the other loops do meanwhile.</summary>
    public bool TryAdmit(int limit)
    {
        while (true)
        {
            var seen = Volatile.Read(ref open.Value);
            if (!AdmissionRule.Admits((int)seen, limit))
                return false;
            if (Interlocked.CompareExchange(ref open.Value, seen + 1, seen) == seen)
                return true;
        }
    }

    /// <summary>Gives a place back; the number of connections still open.</summary>
    public int Leave() => (int)Interlocked.Decrement(ref open.Value);

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
