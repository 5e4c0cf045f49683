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
    private readonly List<RouteTarget> limited = [];
    // What passed through backends that are gone, so that the sum over a service never falls.
    private readonly Dictionary<ServiceId, (long In, long Out)> gone = [];
    private RouteTarget?[] targets = new RouteTarget?[16];
    private int used;

    private sealed class Known(BackendId id, int slot, BackendRows counters)
    {
        public BackendId Id => id;

        public int Slot => slot;

        public BackendRows Counters => counters;

        public ServiceId Service { get; set; }

        public RouteTarget? Target { get; set; }

        /// <summary>Set once it has had <c>max_connections</c>; it goes on counting without one.</summary>
        public Places? Places { get; set; }

        public bool WantsSuccess { get; set; }

        public Drain Drain { get; set; }

        /// <summary>What its health checks took in milliseconds, and how many took how long.</summary>
        public long ProbeMs { get; set; }

        /// <summary>See <see cref="ProbeMs"/>.</summary>
        public long[] Probes { get; } = new long[DurationScale.Connect.Buckets];

        /// <summary>It drains because its service was removed, and not for longer.</summary>
        public bool WithService { get; set; }

        /// <summary>No loop has been told of it.</summary>
        public bool IsNew { get; set; } = true;

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

    /// <summary>Where places are counted.</summary>
    public Services? Slots { private get; init; }

    /// <summary>What backends are called in the access log.</summary>
    public AccessLabels? Labels { private get; init; }

    /// <summary>What replaced processes hold of a backend of a service.</summary>
    public Func<ServiceId, BackendId, OlderPlaces> HeldElsewhere { get; set; } = (_, _) => OlderPlaces.None;

    /// <summary>Whether a connect would arrive at bal itself.</summary>
    public OwnAddresses LeadsHere { private get; init; } = OwnAddresses.None;

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
        BackupsDown = table.BackupsDown.Filter(Stays),
    };

    /// <summary>What the loops need beside a table.</summary>
    public Snapshot SnapshotOf(RoutingTable table, Selector? before) => new Snapshot(
        Selector.Of(table, Prelude.Optional(before)), TargetsOf(table, table.Up), TargetsOf(table, table.Cooling),
        TargetsOf(table, table.Down), TargetsOf(table, table.BackupsDown)).Counting();

    /// <summary>Those with a limit since the last call that may have connections which do not count for it.</summary>
    public RouteTarget[] TakeLimited()
    {
        if (limited.Count == 0)
            return [];
        RouteTarget[] taken = [.. limited];
        limited.Clear();
        return taken;
    }

    /// <summary>Where this process counts the places of backends: an identity and its slot, by turns.</summary>
    public Arr<long> PlaceSlots => new(known.Values.Where(one => one.Places is not null)
        .SelectMany(one => new[] { (long)one.Id.Value, one.Places!.Slot }));

    /// <summary>Looks anew at what replaced processes hold.</summary>
    public void LookElsewhere()
    {
        foreach (var one in known.Values)
        {
            if (one.Places is { } places)
                places.Older = HeldElsewhere(places.Service, one.Id);
        }
    }

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
        if (!known.TryGetValue(backend.Value, out var left))
            return true;
        SetTarget(left, null);
        if (left.Drain == Drain.Told)
        {
            Free(left);
            return true;
        }

        left.Counters.MarkDraining(true);
        (left.Drain, left.Marked, left.Forgotten) = (Drain.Chosen, number, true);
        return false;
    }

    /// <summary>What has passed through the backends of each service, those that are gone included.</summary>
    public Dictionary<ServiceId, (long In, long Out)> BytesByService()
    {
        var bytes = new Dictionary<ServiceId, (long In, long Out)>(gone);
        foreach (var one in known.Values)
            Add(bytes, one);
        return bytes;
    }

    /// <summary>A service is gone with all of its backends.</summary>
    public void ForgetService(ServiceId service) => gone.Remove(service);

    /// <summary>What has passed through this process.</summary>
    public Arr<BackendTraffic> Measure() => new(known.Values.Select(one =>
    {
        var sum = one.Counters.Sum();
        return new BackendTraffic(one.Id, sum.Active, sum.Total, sum.BytesIn, sum.BytesOut)
        {
            Connects = one.Counters.Connects(),
            Probes = new(new Arr<long>(one.Probes), one.ProbeMs),
        };
    }));

    /// <summary>A health check of a backend has ended after that many milliseconds.</summary>
    public void Probed(BackendId backend, long ms)
    {
        if (!known.TryGetValue(backend.Value, out var one))
            return;
        one.ProbeMs += ms;
        one.Probes[DurationScale.Connect.BucketOf(ms)]++;
    }

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
        // A place may have been taken in it for a client that its loop has yet to go on with.
        if (one.Drain != Drain.Left || one.Counters.Sum().Active != 0 || one.Places is { Taken: > 0 })
            return;
        if (one.Forgotten)
            Free(one);
        if (one.Forgotten || IsUsedElsewhere(one.Id))
            return;
        one.Drain = Drain.Told;
        idle.Enqueue(one.Id);
    }

    private void Free(Known left)
    {
        known.Remove(left.Id.Value);
        free.Push(left.Slot);
        if (left.Places is { } places)
            Slots!.GiveSlot(places.Slot);
        Labels?.RetireBackend(left.Id.Value);
        Add(gone, left);
        left.Counters.Dispose();
    }

    private static void Add(Dictionary<ServiceId, (long In, long Out)> bytes, Known one)
    {
        var (sum, before) = (one.Counters.Sum(), bytes.GetValueOrDefault(one.Service));
        bytes[one.Service] = (before.In + sum.BytesIn, before.Out + sum.BytesOut);
    }

    // Before it has a target no loop has used it, so that what counts it can be set without them.
    private unsafe void Limit(ServiceId service, Known one, Option<int> limit)
    {
        if (one.Places is null && limit.IsSome && Slots is not null)
        {
            var (slot, taken) = Slots.TakeSlot();
            one.Places = new Places(service, one.Id, slot, (long*)taken, loops)
            {
                Older = HeldElsewhere(service, one.Id),
            };
            for (var i = 0; one.IsNew && i < loops; i++)
                one.Places.Join(one.Counters.Of(i));
        }

        if (one.Places is { } places)
            places.Limit = limit.IfNone(int.MaxValue);
    }

    private RouteTarget[] TargetsOf(RoutingTable table, Arr<Route> routes)
    {
        if (routes.IsEmpty)
            return [];
        var made = new RouteTarget[routes.Count];
        for (var i = 0; i < made.Length; i++)
        {
            var route = routes[i];
            var one = Of(route.Id);
            one.Service = table.Id;
            var counted = one.Places;
            Limit(table.Id, one, route.Config.MaxConnections);
            var header = table.Service.HeaderFor(route.Config);
            var sources = table.Service.SourceAddresses;
            if (one.Target is null || !one.Target.Fits(route, header, sources) || one.Target.Places != one.Places
                || one.Target.Addresses.Length != LeadsHere.Others(route))
            {
                SetTarget(one, new RouteTarget(
                    route, header, sources, one.Slot, one.Counters, one.Places, LeadsHere));
                Labels?.NameBackend(route.Id.Value, route.Endpoint.ToString());
            }

            if (one.Places != counted && !one.IsNew)
                limited.Add(one.Target!);
            one.IsNew = false;
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
