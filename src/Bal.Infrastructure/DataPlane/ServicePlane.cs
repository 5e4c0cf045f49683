using System.Runtime.InteropServices;
using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Domain.Control;
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
/// <param name="handedBack">For each loop, where it finds its clients that wait no longer.</param>
internal sealed unsafe class ServicePlane(
    ServiceId id, int index, OpenCounts counts, SharedPlaces shared, HandedBack[] handedBack) : IDisposable
{
    private readonly long* open = counts.At(index);
    // Beside it, where some backend has a limit: how many of these have no backend yet.
    private readonly long* seeking = counts.At(index) + 1;
    // Clients of earlier processes, and what the core has been told, by counter.
    private readonly long[] before = new long[ServiceCounters.Count];
    private readonly long[] told = new long[ServiceCounters.Count];
    private Snapshot? snapshot;
    private nint[] elsewhere = [];
    private nint[] undecided = [];
    private WaitingLine? line;
    private ClientTable? clients;
    private int assured;
    private Padded own;

    public ServiceId Id { get; } = id;

    public int Index { get; } = index;

    /// <summary>
    /// For each <see cref="TerminationReason"/>, the lines that rejected connections have had in the present second
    /// (<see cref="LineQuota"/>).
    /// </summary>
    public long[] Quotas { get; } = new long[Enum.GetValues<TerminationReason>().Length];

    /// <summary>What each loop counts.</summary>
    public ServiceRows Rows { get; } = new(handedBack.Length);

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

    /// <summary>Where clients wait; null where no backend has ever had <c>max_connections</c>.</summary>
    public WaitingLine? Line => Volatile.Read(ref line);

    /// <summary>What is known of clients; null where there has never been a limit for each of them.</summary>
    public ClientTable? Clients
    {
        get => Volatile.Read(ref clients);
        set => Volatile.Write(ref clients, value);
    }

    /// <summary>From now on clients may have to wait.</summary>
    public void OpenLine() => Volatile.Write(ref line, line ?? new WaitingLine(() => Current, handedBack));

    /// <summary>
    /// One more client without a backend. A process that takes over holds back that many places, since whoever came to
    /// this one came first.
    /// </summary>
    public void BeginSeeking() => Interlocked.Increment(ref *seeking);

    /// <summary>One less: it has its backend, or is gone.</summary>
    public void EndSeeking() => Interlocked.Decrement(ref *seeking);

    /// <summary>Its name; empty where it is not among the configured services.</summary>
    public string Name => snapshot is { Table: { Removed: false } table } ? table.Service.Name : "";

    /// <summary>Sets of listeners that some loop has yet to close; for the supervisor.</summary>
    public int ClosingListeners { get; set; }

    /// <summary>
    /// Connections of this process that have not ended, with those of clients that have yet to say which service they
    /// want.
    /// </summary>
    public int Open => OpenCounts.Total(Volatile.Read(ref *open));

    /// <summary>Connections that replaced processes still have open.</summary>
    public long OpenElsewhere
    {
        get
        {
            var sum = 0L;
            foreach (var other in Volatile.Read(ref elsewhere))
                sum += Math.Max(0, OpenCounts.Total(Volatile.Read(ref *(long*)other)));
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

    /// <summary>Goes on counting from what the core knew of before this process served.</summary>
    public void CountFrom(ServiceState state)
    {
        foreach (var reason in Refusals.All)
            before[ServiceCounters.Of(reason).Index] = state.Refusals[(int)reason].Seen;
        foreach (var reason in Silences.All)
            before[ServiceCounters.Of(reason).Index] = state.Silenced[Silences.PlaceOf(reason)].Seen;
        before.CopyTo(told, 0);
    }

    /// <summary>Tells what has been counted of its clients since the last call; for the supervisor.</summary>
    public void TakeNews(Action<ControlEvent> into)
    {
        foreach (var reason in Refusals.All)
        {
            if (HasRisen(ServiceCounters.Of(reason)) is { } total)
                into(new ControlEvent.ClientsRefused(Id, reason, total));
        }

        foreach (var reason in Silences.All)
        {
            if (HasRisen(ServiceCounters.Of(reason)) is { } total)
                into(new ControlEvent.ConnectionsSilenced(Id, reason, total));
        }
    }

    // The sum since the start of bal, if it is news.
    private long? HasRisen(ServiceCounter counter)
    {
        var total = before[counter.Index] + Rows.Sum(counter.Index);
        if (total <= told[counter.Index])
            return null;
        told[counter.Index] = total;
        return total;
    }

    /// <summary>What has passed through this process.</summary>
    public ServiceTraffic Measure() =>
        new(Id, Open, ServiceCounters.All.Map(Rows.Of));

    /// <summary>What is known of clients, those of other processes included; none where there are no limits.</summary>
    public Option<KnownClients> MeasureClients(long now) => clients is { } table && Current.LimitsClients
        ? table.Known(now) : Option<KnownClients>.None;

    /// <summary>Where replaced processes count; their mappings stay for as long as a loop could look.</summary>
    /// <param name="counts">The connections of this service.</param>
    /// <param name="all">Those of every service: clients that have yet to choose may come to be this one's.</param>
    public void CountElsewhere(nint[] counts, nint[] all)
    {
        Volatile.Write(ref undecided, all);
        Volatile.Write(ref elsewhere, counts);
    }

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
    public Refusal? TryAdmit(int limit) => TryEnter(limit, 1);

    /// <summary>
    /// Takes a client in that has yet to say which service it wants: no limit but that of the descriptors is judged.
    /// </summary>
    public Refusal? TryGreet() => TryEnter(int.MaxValue, OpenCounts.Greeting);

    /// <summary>Takes over such a client from another service; the descriptor is there already.</summary>
    public void TakeGreeted()
    {
        while (true)
        {
            var seen = Volatile.Read(ref *open);
            if (DescriptorShare.NeedsShared(OpenCounts.Total(seen), Assured, Volatile.Read(ref own.Borrowed)))
            {
                shared.Take();
                Interlocked.Increment(ref own.Borrowed);
            }
            else if (Interlocked.CompareExchange(ref *open, seen + OpenCounts.Greeting, seen) == seen)
            {
                return;
            }
        }
    }

    /// <summary>Admits a client that was taken in, as <see cref="TryAdmit"/> does.</summary>
    public Refusal? TryAdmitGreeted(int limit)
    {
        var others = CountedElsewhere();
        while (true)
        {
            var seen = Volatile.Read(ref *open);
            if (!AdmissionRule.Admits(OpenCounts.Admitted(seen) + others, limit))
                return Refusal.Limit;
            if (Interlocked.CompareExchange(ref *open, seen + 1 - OpenCounts.Greeting, seen) == seen)
                return null;
        }
    }

    // A replaced process takes nobody in any more: its numbers only fall, so one that is read late is never too low.
    // Its clients that have yet to choose are counted wherever they may come to be, and before the others, so that none
    // is missed that moves in between; after a few seconds there are none, and never again.
    private int CountedElsewhere()
    {
        var sum = 0;
        if (Volatile.Read(ref undecided) is { Length: > 0 } all)
        {
            foreach (var other in all)
                sum += Math.Max(0, OpenCounts.Undecided(Volatile.Read(ref *(long*)other)));
            if (sum == 0)
                Volatile.Write(ref undecided, []);
        }

        foreach (var other in Volatile.Read(ref elsewhere))
            sum += Math.Max(0, OpenCounts.Admitted(Volatile.Read(ref *(long*)other)));
        return sum;
    }

    private Refusal? TryEnter(int limit, long step)
    {
        var others = CountedElsewhere();
        while (true)
        {
            var seen = Volatile.Read(ref *open);
            if (limit < int.MaxValue && !AdmissionRule.Admits(OpenCounts.Admitted(seen) + others, limit))
                return Refusal.Limit;
            if (DescriptorShare.NeedsShared(OpenCounts.Total(seen), Assured, Volatile.Read(ref own.Borrowed)))
            {
                if (!shared.TryTake())
                    return Refusal.Descriptors;
                Interlocked.Increment(ref own.Borrowed);
            }
            else if (Interlocked.CompareExchange(ref *open, seen + step, seen) == seen)
            {
                return null;
            }
        }
    }

    /// <summary>Gives a place back; the number of connections still open.</summary>
    public int Leave() => Leave(1);

    /// <summary>A client that was taken in is gone, or another service has admitted it.</summary>
    public int LeaveGreeted() => Leave(OpenCounts.Greeting);

    private int Leave(long step)
    {
        var left = OpenCounts.Total(Interlocked.Add(ref *open, -step));
        if (Volatile.Read(ref own.Borrowed) > 0)
            ReturnShared(left);
        return left;
    }

    public void Dispose()
    {
        ReturnShared(0);
        Rows.Dispose();
        clients?.Dispose();
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
