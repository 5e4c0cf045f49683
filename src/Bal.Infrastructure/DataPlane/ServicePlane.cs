using System.Runtime.InteropServices;
using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Domain.Counting;
using LanguageExt;

namespace Bal.Infrastructure.DataPlane;

/// <summary>
/// What the loops share of one service: the published snapshot, and counters that have to be exact over all loops, each
/// on cache lines of its own. Nothing else is shared on the way of a connection.
/// </summary>
/// <param name="id">Which service.</param>
/// <param name="index">What the loops call it.</param>
/// <param name="counts">Where the loops and a process that takes over find its open connections.</param>
/// <param name="shared">The connections that no service is assured of.</param>
/// <param name="loops">How many loops there are.</param>
internal sealed unsafe class ServicePlane(
    ServiceId id, int index, OpenCounts counts, SharedPlaces shared, int loops) : IDisposable
{
    private readonly long* open = counts.At(index);
    private Snapshot? snapshot;
    private nint[] elsewhere = [];
    private int assured;
    private Padded own;

    public ServiceId Id { get; } = id;

    public int Index { get; } = index;

    /// <summary>What each loop counts.</summary>
    public ServiceRows Rows { get; } = new(loops);

    /// <summary>
    /// The routes as they are now. Replaced whole by the supervisor, read without a lock; no loop knows of a service
    /// that has none.
    /// </summary>
    public Snapshot Current
    {
        get => Volatile.Read(ref snapshot)!;
        set => Volatile.Write(ref snapshot, value);
    }

    /// <summary>See <see cref="Current"/>; null where there is none yet.</summary>
    public Snapshot? Published => snapshot;

    /// <summary>Its name; empty where it is not among the configured services.</summary>
    public string Name => snapshot is { Table: { Removed: false } table } ? table.Service.Name : "";

    /// <summary>Sets of listeners that some loop has yet to close; for the supervisor.</summary>
    public int ClosingListeners { get; set; }

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

    /// <summary>Connections for which there is always a descriptor (<see cref="DescriptorShare"/>).</summary>
    public int Assured => Volatile.Read(ref assured);

    /// <summary>The number of the next client.</summary>
    public ulong Turn
    {
        get => (ulong)Volatile.Read(ref own.Cursor);
        set => Volatile.Write(ref own.Cursor, (long)value);
    }

    /// <summary>Clients turned away for each reason that the core knew of before this process served.</summary>
    public Arr<long> RefusedBefore { private get; set; } = Refusals.All.Map(_ => 0L);

    /// <summary>Clients turned away since the start of bal.</summary>
    public long Refused(Refusal reason) => RefusedBefore[(int)reason] + Rows.Sum(ServiceRow.Refused + (int)reason);

    /// <summary>What has passed through this process.</summary>
    public ServiceTraffic Measure() =>
        new(Id, Open, new Arr<long>(Enumerable.Range(0, ServiceCounters.Count).Select(Rows.Sum)));

    /// <summary>Where replaced processes count; their mappings stay for as long as a loop could look.</summary>
    public void CountElsewhere(nint[] counts) => Volatile.Write(ref elsewhere, counts);

    /// <summary>
    /// Sets <see cref="Assured"/>; what is open beyond it holds shared places, even if there are none left.
    /// </summary>
    public void Assure(int connections)
    {
        Volatile.Write(ref assured, connections);
        var seen = Open;
        ReturnShared(seen);
        while (seen > connections + Volatile.Read(ref own.Borrowed))
        {
            shared.Take();
            Interlocked.Increment(ref own.Borrowed);
        }
    }

    /// <summary>The next client's number: one sequence for the whole process.</summary>
    public ulong TakeTurn() => (ulong)Interlocked.Increment(ref own.Cursor) - 1;

    /// <summary>
    /// Admits a connection, or says why not; the limit is exact, whatever the other loops do meanwhile.
    /// </summary>
    public Refusal? TryAdmit(int limit)
    {
        // A replaced process admits nobody any more: its number only falls, so one that is read late is never too low.
        var others = (int)OpenElsewhere;
        while (true)
        {
            var seen = (int)Volatile.Read(ref *open);
            if (!AdmissionRule.Admits(seen + others, limit))
                return Refusal.Limit;
            if (DescriptorShare.NeedsShared(seen, Assured, Volatile.Read(ref own.Borrowed)))
            {
                if (!shared.TryTake())
                    return Refusal.Descriptors;
                Interlocked.Increment(ref own.Borrowed);
            }
            else if (Interlocked.CompareExchange(ref *open, seen + 1, seen) == seen)
            {
                return null;
            }
        }
    }

    /// <summary>Gives a place back; the number of connections still open.</summary>
    public int Leave()
    {
        var left = (int)Interlocked.Decrement(ref *open);
        if (Volatile.Read(ref own.Borrowed) > 0)
            ReturnShared(left);
        return left;
    }

    public void Dispose()
    {
        ReturnShared(0);
        Rows.Dispose();
    }

    private void ReturnShared(int left)
    {
        while (true)
        {
            var borrowed = Volatile.Read(ref own.Borrowed);
            if (!DescriptorShare.ReturnsShared(left, Assured, borrowed))
                return;
            if (Interlocked.CompareExchange(ref own.Borrowed, borrowed - 1, borrowed) == borrowed)
                shared.Give();
        }
    }

    [StructLayout(LayoutKind.Explicit, Size = 192)]
    private struct Padded
    {
        [FieldOffset(64)]
        public long Cursor;

        /// <summary>The shared places that the service holds.</summary>
        [FieldOffset(72)]
        public int Borrowed;
    }
}
