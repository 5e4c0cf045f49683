using System.Net;
using Bal.Domain.Config;
using Bal.Domain.Doctor;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Relay;
using LanguageExt;

namespace Bal.Infrastructure.DataPlane;

/// <summary>
/// The listening sockets of the process. They belong to addresses, not to services: one that a reload gives to another
/// service, or whose service gets another name, stays open.
/// </summary>
/// <param name="loops">The event loops, which accept from them.</param>
/// <param name="say">Told what an operator should know.</param>
internal sealed class Listeners(IReadOnlyList<EventLoop> loops, Action<LogEvent> say)
{
    private readonly Dictionary<BoundAddress, ListenerSet> opened = [];
    private readonly Dictionary<BoundAddress, ListenerSet> reserved = [];
    private readonly Dictionary<Endpoint, IPAddress[]> names = [];
    private readonly List<LogEvent> warnings = [];
    private readonly List<(Service Service, BoundAddress[] Addresses)> wanted = [];
    private Dictionary<BoundAddress, ListenerSet> present = [];
    private ILookup<int, BoundAddress>? byPort;
    private int lastTag;

    /// <summary>Looks up a name.</summary>
    public Func<string, Either<BindOutcome, NameAddresses>> LookUp { private get; set; } = NameAddresses.Of;

    /// <summary>How many sockets are open.</summary>
    public int Sockets => Sets(present).Concat(Sets(opened)).Concat(Sets(reserved)).Sum(set => set.Descriptors.Length);

    /// <summary>The sockets that clients of a service come by.</summary>
    public ILookup<ServicePlane, ListenerSet> ByOwner => Sets(present).ToLookup(set => set.Owner!);

    /// <summary>
    /// Whether a connect to that address and port would arrive at one of them, or at one that is about to serve.
    /// </summary>
    public bool Accept(IPAddress address, int port)
    {
        byPort ??= present.Keys.Concat(opened.Keys).Distinct().ToLookup(bound => bound.Port);
        foreach (var bound in byPort[port])
        {
            if (bound.Accepts(address))
                return true;
        }

        return false;
    }

    /// <summary>Whether a connect to the Unix socket of that path would.</summary>
    public bool Accept(string path)
    {
        var bound = BoundAddress.OfUnix(path);
        return present.ContainsKey(bound) || opened.ContainsKey(bound);
    }

    /// <summary>The paths of the Unix sockets that end with bal.</summary>
    public Arr<string> Files => new(Sets(present).Select(set => set.File?.Path).OfType<string>());

    /// <summary>Nobody is to come any more: removes the files of Unix sockets.</summary>
    public void RemoveFiles()
    {
        foreach (var set in Sets(present))
            set.RemoveFile();
    }

    /// <summary>Another process has them, and goes on with them.</summary>
    public void LeaveFiles()
    {
        foreach (var set in Sets(present))
            set.LeaveFile();
    }

    /// <summary>Opens what a configuration listens on and no present socket covers.</summary>
    public Either<Problem, Unit> Prepare(BalConfig config)
    {
        wanted.Clear();
        byPort = null;
        var claims = new Dictionary<ListenerSet, string>();
        var taken = new WantedAddresses();
        foreach (var service in config.Services)
        {
            var done = AddressesOf(service.Listener).Bind(addresses =>
            {
                wanted.Add((service, addresses));
                return All(addresses, address => taken.Enter(address, service)
                    .Bind(_ => Acquire(address, service, claims, taken)));
            });
            if (done.IsRight)
                continue;
            Abandon();
            return done;
        }

        return Unit.Default;
    }

    /// <summary>
    /// Gives each service of the prepared configuration what it listens on.
    /// </summary>
    /// <param name="planeOf">The service of a name.</param>
    /// <param name="stopped">Whether the loops accept nothing any more.</param>
    /// <returns>What nobody listens on any longer: told to the loops after all that is new.</returns>
    public IReadOnlyList<ListenerSet> Commit(Func<string, ServicePlane> planeOf, bool stopped)
    {
        var next = new Dictionary<BoundAddress, ListenerSet>();
        var shared = new Dictionary<ListenerSet, SharedAddress<ListeningService>>();
        foreach (var (service, addresses) in wanted)
        {
            var member = new ListeningService(service, planeOf(service.Name));
            foreach (var address in addresses)
            {
                var set = opened.TryGetValue(address, out var added) ? added : present[address];
                next[address] = set;
                if (!shared.TryGetValue(set, out var by))
                    shared[set] = by = new SharedAddress<ListeningService>(one => one.Service);
                if (by.Members.LastOrDefault() != member)
                    _ = by.Join(member);
            }
        }

        foreach (var (set, by) in shared)
        {
            // After a stop the loops have closed them, and their numbers may mean other sockets by now.
            if (!stopped || set.Owner is null)
                Tune(set, by.Owner.Service);
            Give(set, by);
        }

        var kept = next.Values.ToHashSet();
        // A socket that stands for another address as well goes on doing so.
        foreach (var (address, set) in present.Concat(opened).Where(s => kept.Contains(s.Value)).ToArray())
            next.TryAdd(address, set);
        var gone = Sets(present).Where(set => !kept.Contains(set)).ToArray();
        foreach (var set in gone)
        {
            set.RemoveFile();
            Tell(new LoopCommand.Unlisten(set.Tag, set.OutlivesBal || set.IsUnix));
        }

        present = next;
        byPort = null;
        opened.Clear();
        wanted.Clear();
        ForgetNames();
        warnings.ForEach(say);
        warnings.Clear();
        return gone;
    }

    /// <summary>Gives back what <see cref="Prepare"/> opened.</summary>
    public void Abandon()
    {
        Discard(opened);
        byPort = null;
        wanted.Clear();
        warnings.Clear();
        ForgetNames();
    }

    /// <summary>
    /// Gives the next <see cref="Prepare"/> sockets that listen already for a service: those of a process that is being
    /// replaced, or of a service manager. The manager's <c>[::]</c> for both families stands for <c>0.0.0.0</c> too.
    /// </summary>
    /// <param name="service">Which.</param>
    /// <param name="sockets">The sockets.</param>
    /// <param name="files">Those Unix sockets of them whose files end with bal.</param>
    public void Inherit(Service service, int[] sockets, Arr<string> files)
    {
        foreach (var group in sockets.GroupBy(s => BoundAddress.OfSocket(s).IfNone(default(BoundAddress))))
        {
            var set = InheritedSockets.Adopt([.. group], service.Tuning.Backlog, loops.Count, ++lastTag);
            if (group.Key.Path is { } path && files.Contains(path))
                set.TakeFile(path);
            Tune(set, service);
            foreach (var address in StandsFor(service.Listener, group.Key))
                reserved[address] = reserved.TryGetValue(address, out var other) ? Together(other, set) : set;
        }
    }

    /// <summary>
    /// Opens now what a later <see cref="Prepare"/> of this configuration will need beyond what is open.
    /// </summary>
    public Either<Problem, Unit> Reserve(BalConfig config)
    {
        foreach (var service in config.Services)
        {
            var done = AddressesOf(service.Listener).Bind(addresses => All(
                addresses.Where(a => !present.ContainsKey(a) && !opened.ContainsKey(a) && !reserved.ContainsKey(a)),
                address => Open(address, service).Map(set =>
                {
                    reserved[address] = set;
                    return Unit.Default;
                })));
            if (done.IsLeft)
                return done;
        }

        return Unit.Default;
    }

    /// <summary>Gives back what was inherited or reserved and not used.</summary>
    public void DiscardReserved() => Discard(reserved);

    /// <summary>Why <see cref="Prepare"/> would refuse a configuration; opens nothing that listens.</summary>
    public Option<Problem> Rehearse(BalConfig config)
    {
        var taken = new WantedAddresses();
        var done = All(config.Services, service => AddressesOf(service.Listener).Bind(addresses => All(
            addresses,
            address => taken.Enter(address, service).Bind(_ => present.ContainsKey(address)
                ? Unit.Default
                : ListenerSet.Rehearse(address, service.Freebind).Match(
                    problem => problem, () => Either<Problem, Unit>.Right(Unit.Default))))));
        warnings.Clear();
        ForgetNames();
        return done.Match(Right: _ => Option<Problem>.None, Left: problem => problem);
    }

    private static Either<Problem, Unit> All<T>(IEnumerable<T> items, Func<T, Either<Problem, Unit>> what)
    {
        foreach (var item in items)
        {
            if (what(item) is { IsLeft: true } failed)
                return failed;
        }

        return Unit.Default;
    }

    // Of a name whose sockets are not all open nothing is known.
    private void ForgetNames()
    {
        foreach (var (name, addresses) in names.ToArray())
        {
            var bound = addresses.Select(address => new BoundAddress(address, name.Port, V6Only: false));
            if (!bound.All(address => present.ContainsKey(address) || reserved.ContainsKey(address)))
                names.Remove(name);
        }
    }

    private Either<Problem, Unit> Acquire(
        BoundAddress address, Service service, Dictionary<ListenerSet, string> claims, WantedAddresses taken)
    {
        var has = opened.GetValueOrDefault(address) ?? present.GetValueOrDefault(address);
        // A socket that stands for several addresses is not for services that have different ones of them.
        if (has is not null && (!claims.TryGetValue(has, out var first) || taken.Has(address, first)))
        {
            claims.TryAdd(has, service.Name);
            return Unit.Default;
        }

        if (!reserved.TryGetValue(address, out var kept))
            return Open(address, service).Map(set => Keep(set, [address]));
        // With every address that it stands for, or what is not used of them would be closed.
        var all = reserved.Where(r => r.Value == kept).Select(r => r.Key).ToArray();
        foreach (var one in all)
            reserved.Remove(one);
        return Keep(kept, all);

        Unit Keep(ListenerSet set, BoundAddress[] addresses)
        {
            foreach (var one in addresses)
                opened[one] = set;
            claims[set] = service.Name;
            return Unit.Default;
        }
    }

    private Either<Problem, ListenerSet> Open(BoundAddress address, Service service) =>
        ListenerSet
            .Open(address, service.Tuning.Backlog, loops.Count, ++lastTag, service.Freebind, service.SocketMode)
            .Map(set =>
            {
                Tune(set, service);
                return set;
            });

    private static void Tune(ListenerSet set, Service service)
    {
        set.SetBacklog(service.Tuning.Backlog);
        set.SetKeepalive(Keepalive.Of(service.Tuning.Keepalive.Milliseconds));
        set.SetMode(service.SocketMode);
    }

    private Either<Problem, BoundAddress[]> AddressesOf(Listener listener)
    {
        var all = new List<BoundAddress>();
        foreach (var host in listener.Addresses)
        {
            if (host is Host.Unix unix)
            {
                all.Add(BoundAddress.OfUnix(unix.Path));
                continue;
            }

            var name = new Endpoint(host, listener.Port);
            // Its sockets are open: asking again could only delay what has to be done.
            if (names.TryGetValue(name, out var known))
            {
                all.AddRange(known.Select(a => BoundAddress.Of(a, listener)));
                continue;
            }

            var looked = Look(listener, host, LookUp);
            if (looked.IsLeft)
                return looked.Map(_ => Array.Empty<BoundAddress>());
            looked.IfRight(found =>
            {
                all.AddRange(found.Usable.Select(a => BoundAddress.Of(a, listener)));
                if (host is Host.Name)
                    names[name] = found.Usable;
                if (found.LeftOut.Length > 0)
                    warnings.Add(LeftOut(name, found.LeftOut));
            });
        }

        return all.Distinct().ToArray();
    }

    private static Either<Problem, NameAddresses> Look(
        Listener listener, Host host, Func<string, Either<BindOutcome, NameAddresses>> lookUp) => host.Match(
        literal => Either<Problem, NameAddresses>.Right(new NameAddresses([literal], [])),
        name => lookUp(name).MapLeft(
            outcome => ListenerSet.Faulty(new Listener(host, listener.Port), outcome)),
        _ => throw new System.Diagnostics.UnreachableException());

    private static LogEvent LeftOut(Endpoint name, IPAddress[] addresses) => LogEvent.Warn(
        "listener",
        "bind_address_left_out",
        $"{name}: {string.Join(", ", addresses.AsEnumerable())} left out: this machine has no address of that family",
        LogField.Of("bind_address", name.Host.ToString()),
        LogField.Of("addresses", string.Join(", ", addresses.AsEnumerable())));

    private IReadOnlyList<BoundAddress> StandsFor(Listener listener, BoundAddress bound)
    {
        BoundAddress[] literals =
            [.. listener.Addresses.OfType<Host.Address>().Select(a => BoundAddress.Of(a.Value, listener))];
        if (literals.Contains(bound) || bound.Path is not null)
            return [bound];
        if (literals.Where(bound.StandsInFor).ToArray() is { Length: > 0 } near)
            return near;
        foreach (var name in listener.Endpoints.Filter(endpoint => endpoint.Host is Host.Name))
            names[name] = [.. names.GetValueOrDefault(name, []), bound.Address];
        return [bound];
    }

    private void Give(ListenerSet set, SharedAddress<ListeningService> by)
    {
        var (plane, names) = (by.Owner.Plane, ListenerNames.Of(by));
        if (set.Owner is null)
        {
            for (var i = 0; i < set.Descriptors.Length; i++)
                loops[i % loops.Count].Post(new LoopCommand.Listen(set.Descriptors[i], plane.Index, set.Tag, names));
        }
        else if (set.Owner != plane || set.HasNames || names is not null)
        {
            Tell(new LoopCommand.Reassign(set.Tag, plane.Index, names));
        }

        set.Services = [.. by.Members.Select(member => member.Plane)];
        (set.Owner, set.HasNames) = (plane, names is not null);
    }

    private ListenerSet Together(ListenerSet one, ListenerSet other) => new(
        [.. one.Descriptors, .. other.Descriptors], ++lastTag)
    {
        Distinct = [.. one.Distinct, .. other.Distinct],
        OutlivesBal = one.OutlivesBal || other.OutlivesBal,
    };

    private void Tell(LoopCommand command)
    {
        foreach (var loop in loops)
            loop.Post(command);
    }

    private static IEnumerable<ListenerSet> Sets(Dictionary<BoundAddress, ListenerSet> sets) => sets.Values.Distinct();

    private static void Discard(Dictionary<BoundAddress, ListenerSet> sets)
    {
        foreach (var set in Sets(sets))
            set.Discard();
        sets.Clear();
    }
}
