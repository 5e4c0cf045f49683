using System.Collections.Frozen;
using Bal.Application;
using Bal.Domain.Backend;
using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Counting;
using Bal.Domain.Doctor;
using Bal.Domain.Messages;
using Bal.Domain.Relay;
using Bal.Infrastructure.Linux;
using LanguageExt;

namespace Bal.Infrastructure.DataPlane;

/// <summary>
/// The event loops with what they share, as the supervisor sees them. Called by the supervisor's thread only. What it
/// gives back (listeners, counters) it gives back only after every loop has confirmed that it no longer uses it.
/// </summary>
internal sealed class Plane : IDataPlane, IDisposable
{
    private readonly EventLoop[] loops;
    private readonly LoopMailbox[] mailboxes;
    private readonly int[] synced;
    private readonly Dictionary<string, ListenerSet> listening = [];
    private readonly Dictionary<string, ListenerSet> prepared = [];
    private readonly Dictionary<string, ListenerSet> reserved = [];
    private readonly Dictionary<string, int> backlogs = [];
    private readonly OpenCounts open;
    private readonly Dictionary<int, CounterBlock> counters = [];
    private readonly Dictionary<int, int> draining = [];
    private BalConfig? pending;
    private ServicePlane[] services = [];
    private int lastTag;
    private int lastSync;
    private int stopSync = -1;
    private Replaced replaced = Replaced.Nobody;
    private readonly Queue<(int Sync, Action Done)> confirmations = new();
    private bool stopped;
    private long lost;
    private bool answerAwaited;

    /// <param name="threads">The number of event loops.</param>
    /// <param name="descriptorCeiling">Descriptors from this number on are not for connections.</param>
    /// <param name="open">Where open connections are counted; the plane's from now on.</param>
    /// <param name="supervisor">Woken by reports.</param>
    /// <param name="onCrash">Told of an exception that has ended a loop.</param>
    /// <param name="gatherRule">When streams gather; null for <see cref="GatherRule.Standard"/>.</param>
    public Plane(
        int threads,
        long descriptorCeiling,
        OpenCounts open,
        WakeUp supervisor,
        Action<Exception> onCrash,
        GatherRule? gatherRule = null)
    {
        this.open = open;
        var ceiling = (int)Math.Min(int.MaxValue, descriptorCeiling);
        mailboxes = [.. Enumerable.Range(0, threads).Select(_ => new LoopMailbox(supervisor))];
        loops = [.. mailboxes.Select((m, i) => new EventLoop(
            i, threads, ceiling, gatherRule ?? GatherRule.Standard, s => Volatile.Read(ref services)[s], m, onCrash))];
        synced = new int[threads];
        foreach (var loop in loops)
            loop.Start();
    }

    public Either<Problem, Unit> Prepare(BalConfig config)
    {
        pending = config;
        foreach (var service in config.Services)
        {
            if (listening.TryGetValue(service.Name, out var open) && open.Listener == service.Listener)
                continue;
            var result = reserved.Remove(service.Name, out var kept) && kept.Listener == service.Listener
                ? kept
                : ListenerSet.Open(service.Listener, service.Tuning.Backlog, loops.Length, ++lastTag);
            if (result.Match(Right: set => Keep(service.Name, set), Left: _ => false))
                continue;
            Abandon();
            return result.Map(_ => Unit.Default);
        }

        return Unit.Default;
    }

    public void Commit()
    {
        foreach (var (service, set) in prepared)
        {
            var index = PlaneOf(service).Index;
            for (var i = 0; i < set.Descriptors.Length; i++)
                loops[i % loops.Length].Post(new LoopCommand.Listen(set.Descriptors[i], index, set.Tag));
            // After the new one listens: the service is reachable at every moment.
            if (listening.TryGetValue(service, out var old))
                Tell(new LoopCommand.Unlisten(old.Tag, old.OutlivesBal));
            listening[service] = set;
        }

        prepared.Clear();
        foreach (var service in pending?.Services ?? [])
        {
            // After a stop the loops have closed them, and their numbers may mean other sockets by now.
            if (!stopped && backlogs.TryGetValue(service.Name, out var backlog)
                && backlog != service.Tuning.Backlog)
                listening[service.Name].SetBacklog(service.Tuning.Backlog);
            backlogs[service.Name] = service.Tuning.Backlog;
        }
    }

    public void Abandon()
    {
        foreach (var set in prepared.Values)
            set.Discard();
        prepared.Clear();
        pending = null;
    }

    /// <summary>
    /// Gives the next <see cref="Prepare"/> sockets that listen already for a service: those of a process that is being
    /// replaced, or of a service manager.
    /// </summary>
    public void Inherit(Service service, int[] sockets) => reserved[service.Name] =
        InheritedSockets.Adopt(service.Listener, sockets, service.Tuning.Backlog, loops.Length, ++lastTag);

    /// <summary>
    /// Acquires now what a later <see cref="Prepare"/> of this configuration will need beyond what serves or is prepared.
    /// </summary>
    public Either<Problem, Unit> Reserve(BalConfig config)
    {
        foreach (var service in config.Services)
        {
            var had = prepared.GetValueOrDefault(service.Name) ?? listening.GetValueOrDefault(service.Name);
            if (had?.Listener == service.Listener)
                continue;
            var opened = ListenerSet.Open(service.Listener, service.Tuning.Backlog, loops.Length, ++lastTag);
            if (!opened.Match(Right: set => { reserved[service.Name] = set; return true; }, Left: _ => false))
                return opened.Map(_ => Unit.Default);
        }

        return Unit.Default;
    }

    /// <summary>Gives back what was inherited or reserved and not used.</summary>
    public void DiscardReserved()
    {
        foreach (var set in reserved.Values)
            set.Discard();
        reserved.Clear();
    }

    public void Publish(RoutingTable table)
    {
        var plane = PlaneOf(table.Service);
        var before = plane.Current.Table;
        plane.Current = new Snapshot(table, TargetsOf(table));
        if (table.IdleTimeout.Milliseconds < before.IdleTimeout.Milliseconds)
            Tell(new LoopCommand.Retime());
        var leaving = table.Draining.Filter(id => !draining.ContainsKey(id.Value));
        if (leaving.IsEmpty)
            return;
        lastSync++;
        foreach (var id in leaving)
        {
            CountersOf(id).MarkDraining();
            draining[id.Value] = lastSync;
        }

        Tell(new LoopCommand.Sync(lastSync));
    }

    public void Forget(BackendId backend)
    {
        draining.Remove(backend.Value);
        if (counters.Remove(backend.Value, out var block))
            block.Dispose();
    }

    public void StopAccepting()
    {
        stopped = true;
        stopSync = ++lastSync;
        Tell(new LoopCommand.Stop());
        Tell(new LoopCommand.Sync(stopSync));
    }

    /// <summary>Lets no loop accept; <paramref name="atRest"/> is called once none does.</summary>
    public void Rest(Action atRest)
    {
        Tell(new LoopCommand.Rest());
        Confirm(atRest);
    }

    /// <summary>Lets the loops accept again.</summary>
    public void Resume() => Tell(new LoopCommand.Resume());

    /// <summary>Calls <paramref name="done"/> once every loop has carried out all commands up to now.</summary>
    public void Confirm(Action done)
    {
        Tell(new LoopCommand.Sync(++lastSync));
        confirmations.Enqueue((lastSync, done));
    }

    /// <summary>What a process that takes over needs to know of a service and its listening sockets.</summary>
    public IReadOnlyList<(string Service, int[] Sockets, ulong Turn)> Serving =>
        [.. services.Where(s => listening.ContainsKey(s.Name))
            .Select(s => (s.Name, listening[s.Name].Distinct, s.Turn))];

    /// <summary>The services by their index in <see cref="OpenFd"/>.</summary>
    public IReadOnlyList<string> ServiceNames => [.. services.Select(s => s.Name)];

    /// <summary>See <see cref="OpenCounts"/>.</summary>
    public int OpenFd => open.Fd;

    /// <summary>Continues the sequence of a service's clients.</summary>
    public void GoOnWith(string service, ulong turn) => PlaneOf(service).Turn = turn;

    /// <summary>What was counted before this process, and what replaced processes count; added to everything reported.</summary>
    public Replaced Replaced
    {
        get => replaced;
        set
        {
            replaced = value;
            foreach (var service in services)
                service.CountElsewhere(value.CountsOf(service.Name));
        }
    }

    public void Cut(int oneOf) => Tell(new LoopCommand.Cut(oneOf));

    /// <summary>What has passed through this and all replaced processes, at this moment.</summary>
    public Traffic Measure() => replaced.Plus(MeasureOwn()) with
    {
        ActiveConnections = services.Sum(s => s.Open + s.OpenElsewhere),
        Previous = replaced.Processes.Map(p => new PreviousProcess(p.Pid, p.Version, p.Since, p.Open)),
    };

    /// <summary>What has passed through this process alone.</summary>
    public Traffic MeasureOwn() => new(
        services.Sum(s => (long)s.Open),
        loops.Sum(l => Volatile.Read(in l.Counters.Rejected)),
        loops.Sum(l => Volatile.Read(in l.Counters.SplicedSessions)),
        loops.Sum(l => Volatile.Read(in l.Counters.SplicedDirections)),
        new Arr<TerminationCount>(Enum.GetValues<TerminationReason>().Select(reason =>
            new TerminationCount(reason, loops.Sum(l => l.Ended(reason))))),
        new Arr<BackendTraffic>(counters.Select(pair =>
        {
            var sum = pair.Value.Sum();
            return new BackendTraffic(new BackendId(pair.Key), sum.Active, sum.Total, sum.BytesIn, sum.BytesOut);
        })));

    /// <summary>
    /// Calls <paramref name="answered"/> in a later <see cref="Collect"/>, once every loop has answered; while an earlier
    /// question is open, no other is asked.
    /// </summary>
    public void AskForAnswer(Action answered)
    {
        if (answerAwaited)
            return;
        answerAwaited = true;
        Confirm(() =>
        {
            answerAwaited = false;
            answered();
        });
    }

    /// <summary>Turns what the loops have reported since the last call into events of the core.</summary>
    public void Collect(Action<ControlEvent> into)
    {
        for (var i = 0; i < loops.Length; i++)
        {
            foreach (var report in mailboxes[i].Take())
                Translate(i, report, into);
        }

        if (mailboxes.Sum(m => m.Dropped) is var total && total > lost)
            into(new ControlEvent.ReportsLost(replaced.LostBefore + (lost = total)));

        foreach (var id in draining.Where(d => Confirmed(d.Value) && counters[d.Key].Sum().Active == 0
                && !replaced.Uses(new BackendId(d.Key)))
            .Select(d => d.Key).ToArray())
        {
            // Stays in the table of draining backends until the core forgets it, so that it is not marked again.
            draining[id] = int.MaxValue;
            into(new ControlEvent.BackendIdle(new BackendId(id)));
        }

        while (confirmations.TryPeek(out var waiting) && Confirmed(waiting.Sync))
            confirmations.Dequeue().Done();

        if (stopSync >= 0 && Confirmed(stopSync) && services.All(s => s.Open == 0)
            && !replaced.StillServes)
        {
            stopSync = -1;
            into(new ControlEvent.AllIdle());
        }
    }

    public void Dispose()
    {
        foreach (var loop in loops)
            loop.Dispose();
        foreach (var block in counters.Values)
            block.Dispose();
        Abandon();
        DiscardReserved();
        open.Dispose();
    }

    /// <summary>Runs something on the thread of every loop, for tests; how many loops there are.</summary>
    internal int OnEveryLoop(Action glance)
    {
        Tell(new LoopCommand.Look(glance));
        return loops.Length;
    }

    /// <summary>Connections that each loop has established with a backend, for tests.</summary>
    internal IReadOnlyList<long> EstablishedByLoop(BackendId backend) => CountersOf(backend).Totals();

    /// <summary>Where a loop puts its reports, for tests.</summary>
    internal LoopMailbox MailboxOf(int loop) => mailboxes[loop];

    private bool Keep(string service, ListenerSet set)
    {
        prepared[service] = set;
        return true;
    }

    private void Translate(int loop, LoopReport report, Action<ControlEvent> into)
    {
        switch (report.Kind)
        {
            case LoopReportKind.ConnectFailed:
                into(new ControlEvent.ConnectsFailed(new BackendId(report.Subject), report.Failure, report.Count));
                break;
            case LoopReportKind.ConnectSucceeded:
                into(new ControlEvent.ConnectsSucceeded(new BackendId(report.Subject), report.Count));
                break;
            case LoopReportKind.ClientExhausted:
                into(new ControlEvent.ClientExhausted(services[report.Subject].Name));
                break;
            case LoopReportKind.Rejected:
                into(new ControlEvent.ClientsRejected(Rejected()));
                break;
            case LoopReportKind.DescriptorsExhausted:
                into(new ControlEvent.DescriptorsExhausted(
                    replaced.ExhaustedBefore + loops.Sum(l => Volatile.Read(in l.Counters.DescriptorsExhausted))));
                break;
            case LoopReportKind.Synced:
                synced[loop] = Math.Max(synced[loop], report.Subject);
                break;
            default:
                // BackendIdle and AllIdle only wake the supervisor; the sums tell.
                break;
        }
    }

    private bool Confirmed(int sync) => synced.All(s => s >= sync);

    private long Rejected() => replaced.RejectedBefore + loops.Sum(l => Volatile.Read(in l.Counters.Rejected));

    private void Tell(LoopCommand command)
    {
        foreach (var loop in loops)
            loop.Post(command);
    }

    private ServicePlane PlaneOf(string service)
    {
        var known = services.FirstOrDefault(s => s.Name == service);
        if (known is not null)
            return known;
        var added = new ServicePlane(services.Length, service, open);
        added.CountElsewhere(replaced.CountsOf(service));
        Volatile.Write(ref services, [.. services, added]);
        return added;
    }

    private FrozenDictionary<int, RouteTarget> TargetsOf(RoutingTable table) =>
        table.Up.Append(table.Cooling).Append(table.Down).ToFrozenDictionary(
            route => route.Id.Value,
            route => new RouteTarget(
                route.Id.Value,
                [.. route.Addresses.Select(a => SockAddr.Of(a, route.Endpoint.Port))],
                route.WantsSuccess,
                CountersOf(route.Id)));

    private CounterBlock CountersOf(BackendId id)
    {
        if (!counters.TryGetValue(id.Value, out var block))
            counters[id.Value] = block = new CounterBlock(loops.Length);
        return block;
    }
}
