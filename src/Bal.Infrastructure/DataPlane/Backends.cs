using Bal.Domain.Backend;
using Bal.Domain.Balancing;
using Bal.Domain.Counting;
using LanguageExt;

namespace Bal.Infrastructure.DataPlane;

/// <summary>
/// The backends that the loops know: their counters, where to connect to, and when those that a reload removed are
/// idle. A backend is idle once no loop can choose it any more and no session uses it.
/// </summary>
/// <param name="loops">How many loops there are.</param>
internal sealed class Backends(int loops) : IDisposable
{
    private readonly Dictionary<int, Known> known = [];
    private readonly Stack<int> free = new();
    private readonly Queue<BackendId> idle = new();
    private RouteTarget?[] targets = new RouteTarget?[16];
    private int used;

    private sealed class Known(BackendId id, int slot, BackendRows counters)
    {
        public BackendId Id => id;

        public int Slot => slot;

        public BackendRows Counters => counters;

        public RouteTarget? Target { get; set; }

        public bool WantsSuccess { get; set; }

        public Drain Drain { get; set; }

        /// <summary>It drains because its service was removed, and not for longer.</summary>
        public bool WithService { get; set; }

        /// <summary>The core has forgotten it.</summary>
        public bool Forgotten { get; set; }

        /// <summary>The last call of <see cref="Mark"/> that found it draining anew.</summary>
        public int Marked { get; set; }
    }

    private enum Drain
    {
        /// <summary>It is not draining.</summary>
        None,

        /// <summary>A loop may still choose it.</summary>
        Chosen,

        /// <summary>No loop chooses it any more.</summary>
        Left,

        /// <summary>It was idle, and the core knows.</summary>
        Told,
    }

    /// <summary>Whether a replaced process has said that it has connections with a backend.</summary>
    public Func<BackendId, bool> IsUsedElsewhere { get; set; } = _ => false;

    /// <summary>A backend as a loop asks for it by its slot; null where nobody is to be connected to it.</summary>
    public RouteTarget? TargetAt(int slot) => Volatile.Read(ref Volatile.Read(ref targets)[slot]);

    /// <summary>
    /// A removed service offers its backends, but none that was draining before: it may be gone at any moment.
    /// </summary>
    public RoutingTable WithoutDrained(RoutingTable table) => !table.Removed ? table : table with
    {
        Up = table.Up.Filter(Stays),
        Cooling = table.Cooling.Filter(Stays),
        Down = table.Down.Filter(Stays),
    };

    /// <summary>What the loops need beside a table.</summary>
    public Snapshot SnapshotOf(RoutingTable table) =>
        new(table, TargetsOf(table.Up), TargetsOf(table.Cooling), TargetsOf(table.Down));

    /// <summary>
    /// Takes note of which backends drain by a table that has been published, and which no longer do; those that begin
    /// to.
    /// </summary>
    /// <param name="before">The table before it.</param>
    /// <param name="table">The table.</param>
    /// <param name="number">A number that is higher each time.</param>
    public IReadOnlyList<BackendId> Mark(RoutingTable? before, RoutingTable table, int number)
    {
        if (table.Draining.IsEmpty && (before is null || before.Draining.IsEmpty))
            return [];
        var begun = new List<BackendId>();
        var still = table.Draining.Select(id => id.Value).ToHashSet();
        foreach (var id in before is null ? [] : before.Draining.Filter(id => !still.Contains(id.Value)))
        {
            if (!known.TryGetValue(id.Value, out var back) || back.Drain == Drain.None)
                continue;
            back.Drain = Drain.None;
            back.Counters.MarkDraining(false);
        }

        foreach (var id in table.Draining)
        {
            var leaving = Of(id);
            // A removed service still offers its backends, to clients that it has accepted.
            if (!table.Removed)
                SetTarget(leaving, null);
            // That its service has come back without it makes it one that drains by itself.
            var alone = leaving is { Drain: Drain.Chosen, WithService: true } && !table.Removed;
            if (leaving.Drain != Drain.None && !alone)
                continue;
            leaving.WithService = table.Removed;
            leaving.Drain = Drain.Chosen;
            leaving.Marked = number;
            leaving.Counters.MarkDraining(true);
            begun.Add(id);
        }

        return begun;
    }

    /// <summary>
    /// No loop chooses these any more, unless they have come back since they were marked by that number.
    /// </summary>
    public void Left(IEnumerable<BackendId> backends, int number)
    {
        foreach (var id in backends)
        {
            if (!known.TryGetValue(id.Value, out var left) || left.Drain != Drain.Chosen || left.Marked > number)
                continue;
            left.Drain = Drain.Left;
            Look(left);
        }
    }

    /// <summary>The last session of one loop with a backend has ended.</summary>
    public void Look(BackendId backend)
    {
        if (known.TryGetValue(backend.Value, out var one))
            Look(one);
    }

    /// <summary>Looks at all that drain: a replaced process has said what it uses.</summary>
    public void LookAtAll()
    {
        foreach (var one in known.Values.Where(one => one.Drain == Drain.Left).ToArray())
            Look(one);
    }

    /// <summary>The backends that have become idle since the last call.</summary>
    public IEnumerable<BackendId> TakeIdle()
    {
        while (idle.TryDequeue(out var id))
        {
            // It may have been brought back by a reload since.
            if (known.TryGetValue(id.Value, out var one) && one.Drain == Drain.Told)
                yield return id;
        }
    }

    /// <summary>
    /// Frees what belongs to a backend; false where it has been brought back since it was said to be idle: then it is
    /// freed when it is idle again.
    /// </summary>
    /// <param name="backend">Which.</param>
    /// <param name="number">See <see cref="Mark"/>.</param>
    public bool Forget(BackendId backend, int number)
    {
        if (!known.TryGetValue(backend.Value, out var gone))
            return true;
        SetTarget(gone, null);
        if (gone.Drain == Drain.Told)
        {
            Free(gone);
            return true;
        }

        gone.Counters.MarkDraining(true);
        (gone.Drain, gone.Marked, gone.Forgotten) = (Drain.Chosen, number, true);
        return false;
    }

    /// <summary>What has passed through this process.</summary>
    public Arr<BackendTraffic> Measure() => new(known.Values.Select(one =>
    {
        var sum = one.Counters.Sum();
        return new BackendTraffic(one.Id, sum.Active, sum.Total, sum.BytesIn, sum.BytesOut);
    }));

    /// <summary>Connections that each loop has established with a backend.</summary>
    public IReadOnlyList<long> EstablishedByLoop(BackendId backend) => Of(backend).Counters.Totals();

    public void Dispose()
    {
        foreach (var one in known.Values)
            one.Counters.Dispose();
    }

    private bool Stays(Route route) =>
        !known.TryGetValue(route.Id.Value, out var one) || one.Drain == Drain.None || one.WithService;

    private void Look(Known one)
    {
        if (one.Drain != Drain.Left || one.Counters.Sum().Active != 0)
            return;
        if (one.Forgotten)
            Free(one);
        if (one.Forgotten || IsUsedElsewhere(one.Id))
            return;
        one.Drain = Drain.Told;
        idle.Enqueue(one.Id);
    }

    private void Free(Known gone)
    {
        known.Remove(gone.Id.Value);
        free.Push(gone.Slot);
        gone.Counters.Dispose();
    }

    private RouteTarget[] TargetsOf(Arr<Route> routes)
    {
        if (routes.IsEmpty)
            return [];
        var made = new RouteTarget[routes.Count];
        for (var i = 0; i < made.Length; i++)
        {
            var route = routes[i];
            var one = Of(route.Id);
            if (one.Target is null || !one.Target.Fits(route))
                SetTarget(one, new RouteTarget(route, one.Slot, one.Counters));
            if (one.WantsSuccess != route.WantsSuccess)
                one.Counters.WantSuccess(one.WantsSuccess = route.WantsSuccess);
            made[i] = one.Target!;
        }

        return made;
    }

    private void SetTarget(Known one, RouteTarget? target)
    {
        one.Target = target;
        Volatile.Write(ref targets[one.Slot], target);
    }

    private Known Of(BackendId id)
    {
        if (known.TryGetValue(id.Value, out var one))
            return one;
        if (!free.TryPop(out var slot))
            slot = used++;
        if (slot >= targets.Length)
        {
            var more = new RouteTarget?[targets.Length * 2];
            targets.CopyTo(more, 0);
            Volatile.Write(ref targets, more);
        }

        one = new Known(id, slot, new BackendRows(loops));
        known.Add(id.Value, one);
        return one;
    }
}
