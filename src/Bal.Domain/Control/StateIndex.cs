using Bal.Domain.Backend;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Control;

/// <summary>Where the state of a backend is.</summary>
/// <param name="Service">The identity of its service.</param>
/// <param name="Place">Its place there.</param>
public sealed record Home(ServiceId Service, int Place);

/// <summary>
/// What finds a backend by its identity or its name, and the next thing that is due, without a look at all of them. It
/// follows from the services, so that states with equal services have equal indexes and it is never written down.
/// </summary>
public sealed record StateIndex
{
    /// <summary>Of no backend at all.</summary>
    public static readonly StateIndex Empty = new();

    private Map<int, Home> Homes { get; init; }

    private Map<string, Arr<int>> Users { get; init; }

    /// <summary>How many primaries of a service keep its backups from being used; none that has no such one.</summary>
    private Map<int, int> Primaries { get; init; }

    /// <summary>Probes and lookups.</summary>
    private Agenda Work { get; init; } = Agenda.Empty;

    /// <summary>Ends of cooldowns.</summary>
    private Agenda Cooldowns { get; init; } = Agenda.Empty;

    /// <summary>Steps of slow starts.</summary>
    private Agenda SlowStarts { get; init; } = Agenda.Empty;

    /// <summary>Resets that end a drain.</summary>
    private Agenda Resets { get; init; } = Agenda.Empty;

    /// <summary>Lines about clients, by service.</summary>
    private Agenda Lines { get; init; } = Agenda.Empty;

    /// <summary>The index of these services.</summary>
    /// <param name="services">All of them.</param>
    /// <param name="handedOver">Whether another process looks after names and health.</param>
    public static StateIndex Of(IEnumerable<ServiceState> services, bool handedOver)
    {
        var homes = new List<(int, Home)>();
        var users = new SortedDictionary<string, List<int>>(StringComparer.Ordinal);
        var (work, cooldowns, lines) = (new List<Due>(), new List<Due>(), new List<Due>());
        var (starts, resets) = (new List<Due>(), new List<Due>());
        var primaries = new List<(int, int)>();
        foreach (var service in services)
        {
            var serving = service.Backends.Values.Count(backend => BackupRule.HoldsBack(service, backend));
            if (serving > 0)
                primaries.Add((service.Id.Value, serving));
            lines.Add(new(service.LineDueAt, service.Id.Value));
            foreach (var (place, backend) in service.Backends)
            {
                homes.Add((backend.Id.Value, new Home(service.Id, place)));
                work.Add(new(WorkAt(backend, handedOver), backend.Id.Value));
                cooldowns.Add(new(CoolsUntil(backend), backend.Id.Value));
                starts.Add(new(StepsAt(backend), backend.Id.Value));
                resets.Add(new(backend.ResetAt, backend.Id.Value));
                if (NameOf(backend) is not { Length: > 0 } name)
                    continue;
                if (!users.TryGetValue(name, out var ids))
                    users[name] = ids = [];
                ids.Add(backend.Id.Value);
            }
        }

        return new()
        {
            Homes = new(homes),
            Users = new(users.Select(entry => (entry.Key, new Arr<int>(entry.Value)))),
            Primaries = new(primaries),
            Work = Agenda.Of(work),
            Cooldowns = Agenda.Of(cooldowns),
            SlowStarts = Agenda.Of(starts),
            Resets = Agenda.Of(resets),
            Lines = Agenda.Of(lines),
        };
    }

    /// <summary>When the first thing is due; <see cref="Instant.Never"/> where nothing is.</summary>
    public Instant NextAt => Instant.Min(
        Instant.Min(Work.NextAt, Instant.Min(SlowStarts.NextAt, Resets.NextAt)),
        Instant.Min(Cooldowns.NextAt, Lines.NextAt));

    /// <summary>Where a backend is; none where it is forgotten.</summary>
    public Option<Home> Find(BackendId id) => Homes.Find(id.Value);

    /// <summary>The backends whose host is that name.</summary>
    public Arr<BackendId> Named(string name) =>
        Users.Find(name).Match(ids => ids.Map(id => new BackendId(id)), () => Arr<BackendId>.Empty);

    /// <summary>How many primaries of a service keep its backups from being used.</summary>
    public int PrimariesOf(ServiceId service) => Primaries.Find(service.Value).IfNone(0);

    /// <summary>
    /// The first <paramref name="most"/> backends that have to be probed or looked up, the most overdue first.
    /// </summary>
    public Arr<BackendId> WorkDue(Instant now, int most) => Work.DueBy(now, most).Map(id => new BackendId(id));

    /// <summary>The backends whose cooldown is over.</summary>
    public Arr<BackendId> CooldownsDue(Instant now) =>
        Cooldowns.DueBy(now, int.MaxValue).Map(id => new BackendId(id));

    /// <summary>The backends that get more of their share.</summary>
    public Arr<BackendId> SlowStartsDue(Instant now) =>
        SlowStarts.DueBy(now, int.MaxValue).Map(id => new BackendId(id));

    /// <summary>The backends whose drain ends in a reset now.</summary>
    public Arr<BackendId> ResetsDue(Instant now) => Resets.DueBy(now, int.MaxValue).Map(id => new BackendId(id));

    /// <summary>The services about which a line is due.</summary>
    public Arr<ServiceId> LinesDue(Instant now) => Lines.DueBy(now, int.MaxValue).Map(id => new ServiceId(id));

    /// <summary>The same after one backend has changed where it is.</summary>
    /// <param name="service">Its service.</param>
    /// <param name="before">As it was.</param>
    /// <param name="after">As it is.</param>
    /// <param name="handedOver">Whether another process looks after names and health.</param>
    public StateIndex Changed(ServiceState service, BackendState before, BackendState after, bool handedOver)
    {
        var id = before.Id.Value;
        var (held, holds) = (BackupRule.HoldsBack(service, before), BackupRule.HoldsBack(service, after));
        var primaries = held == holds ? Primaries : Counted(service, holds ? 1 : -1);
        var work = Work.Moved(id, WorkAt(before, handedOver), WorkAt(after, handedOver));
        var cooldowns = Cooldowns.Moved(id, CoolsUntil(before), CoolsUntil(after));
        var starts = SlowStarts.Moved(id, StepsAt(before), StepsAt(after));
        var resets = Resets.Moved(id, before.ResetAt, after.ResetAt);
        return ReferenceEquals(work, Work) && ReferenceEquals(cooldowns, Cooldowns)
            && ReferenceEquals(starts, SlowStarts) && ReferenceEquals(resets, Resets) && held == holds
            ? this
            : this with
            {
                Work = work,
                Cooldowns = cooldowns,
                SlowStarts = starts,
                Resets = resets,
                Primaries = primaries,
            };
    }

    /// <summary>The same after one service has more, or less, to say about its clients.</summary>
    public StateIndex Changed(ServiceState before, ServiceState after) => this with
    {
        Lines = Lines.Moved(before.Id.Value, before.LineDueAt, after.LineDueAt),
    };

    /// <summary>The same without a service whose last backend is forgotten: no line about it is due any more.</summary>
    public StateIndex Without(ServiceState gone) => this with
    {
        Lines = Lines.Moved(gone.Id.Value, gone.LineDueAt, Instant.Never),
    };

    /// <summary>The same without a backend that has drained and is forgotten: nothing is due for such a one.</summary>
    public StateIndex Without(ServiceState service, BackendState gone) => this with
    {
        Primaries = BackupRule.HoldsBack(service, gone) ? Counted(service, -1) : Primaries,
        Homes = Homes.Remove(gone.Id.Value),
        Resets = Resets.Moved(gone.Id.Value, gone.ResetAt, Instant.Never),
        Users = NameOf(gone) is { Length: > 0 } name ? Without(gone.Id.Value, name) : Users,
    };

    // As in an index made anew, a service without any is not kept.
    private Map<int, int> Counted(ServiceState service, int change) => (PrimariesOf(service.Id) + change) switch
    {
        0 => Primaries.Remove(service.Id.Value),
        var count => Primaries.AddOrUpdate(service.Id.Value, count),
    };

    // A name without users is not kept, since the index of the same services would not have it.
    private Map<string, Arr<int>> Without(int id, string name) =>
        Users.Find(name).Map(ids => ids.Filter(user => user != id)).Match(
            left => left.IsEmpty ? Users.Remove(name) : Users.SetItem(name, left),
            () => Users);

    /// <summary>When a backend has to be probed or its name looked up; never where nobody does that here.</summary>
    public static Instant WorkAt(BackendState backend, bool handedOver)
    {
        if (backend.Draining || handedOver)
            return Instant.Never;
        var probe = backend.Probe.InFlight ? Instant.Never : backend.Probe.NextAt;
        return backend.Resolution.InFlight ? probe : Instant.Min(probe, backend.Resolution.NextAt);
    }

    /// <summary>The name that a backend is reached by; empty where it has a literal address.</summary>
    public static string NameOf(BackendState backend) => backend.Endpoint.Host.Match(_ => "", name => name, _ => "");

    // Nothing else happens at the moment at which a cooldown ends, and yet the table changes then.
    private static Instant CoolsUntil(BackendState backend) =>
        backend.Cools && !backend.Draining ? backend.Cooldown.Until : Instant.Never;

    // Nobody is sent to a backend that drains.
    private static Instant StepsAt(BackendState backend) =>
        backend.Draining ? Instant.Never : backend.SlowStart.Match(start => start.NextAt, () => Instant.Never);
}
