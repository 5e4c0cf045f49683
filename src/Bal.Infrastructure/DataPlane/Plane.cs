using Bal.Application;
using Bal.Domain.Admission;
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
    private readonly WakeUp supervisor;
    private readonly DescriptorBudget budget;
    private readonly Services services;
    private readonly Backends backends;
    private readonly Listeners listeners;
    private readonly Removals removals;
    private readonly Queue<(int Sync, Action Done)> confirmations = new();
    private readonly int[] synced;
    private int lastSync;
    private Replaced replaced = Replaced.Nobody;
    private Stop stop;
    private long lost;
    private bool answerAwaited;

    private enum Stop
    {
        None,
        Told,
        Confirmed,
        Idle,
    }

    /// <param name="threads">The number of event loops.</param>
    /// <param name="budget">How the descriptors of the process are divided.</param>
    /// <param name="open">Where open connections are counted; the plane's from now on.</param>
    /// <param name="supervisor">Woken by reports.</param>
    /// <param name="onCrash">Told of an exception that has ended a loop.</param>
    /// <param name="gatherRule">When streams gather; null for <see cref="GatherRule.Standard"/>.</param>
    public Plane(
        int threads,
        DescriptorBudget budget,
        OpenCounts open,
        WakeUp supervisor,
        Action<Exception> onCrash,
        GatherRule? gatherRule = null)
    {
        this.supervisor = supervisor;
        this.budget = budget;
        services = new Services(threads, open, budget.ConnectionsBeside);
        backends = new Backends(threads);
        removals = new Removals(backends, threads);
        var ceiling = (int)Math.Min(int.MaxValue, budget.Ceiling);
        mailboxes = [.. Enumerable.Range(0, threads).Select(_ => new LoopMailbox(supervisor))];
        loops = [.. mailboxes.Select((m, i) => new EventLoop(
            i, threads, ceiling, gatherRule ?? GatherRule.Standard, services, backends, m, onCrash))];
        listeners = new Listeners(loops, line => Say(line));
        synced = new int[threads];
        foreach (var loop in loops)
            loop.Start();
    }

    /// <summary>Told what an operator should know.</summary>
    public Action<LogEvent> Say { get; init; } = _ => { };

    /// <summary>Looks up a name to listen on.</summary>
    internal Func<string, Either<BindOutcome, NameAddresses>> LookUp
    {
        init => listeners.LookUp = value;
    }

    public Either<Problem, Unit> Prepare(BalConfig config) =>
        services.MakeRoom(config.Services.Count)
            .Bind(_ => EnoughDescriptors(config))
            .Bind(_ => listeners.Prepare(config));

    /// <summary>Why <see cref="Prepare"/> would refuse a configuration; changes nothing.</summary>
    public Option<Problem> Rehearse(BalConfig config) => EnoughDescriptors(config).Match(
        Right: _ => listeners.Rehearse(config), Left: problem => problem);

    public void Commit()
    {
        var named = services.All.Where(s => s.Name.Length > 0).ToDictionary(s => s.Name);
        // Before anybody can come.
        services.Share(named.Values, listeners.Sockets);
        foreach (var set in listeners.Commit(name => named[name], stopped: stop != Stop.None))
            removals.Close(set);
        if (removals.Unconfirmed is { Count: > 0 } removed)
            Confirm(() => removals.Confirm(removed));
    }

    public void Abandon() => listeners.Abandon();

    /// <summary>See <see cref="Listeners.Inherit"/>.</summary>
    public void Inherit(Service service, int[] sockets) => listeners.Inherit(service, sockets);

    /// <summary>See <see cref="Listeners.Reserve"/>.</summary>
    public Either<Problem, Unit> Reserve(BalConfig config) => listeners.Reserve(config);

    /// <summary>See <see cref="Listeners.DiscardReserved"/>.</summary>
    public void DiscardReserved() => listeners.DiscardReserved();

    public void Publish(RoutingTable table)
    {
        var plane = PlaneOf(table.Id);
        var before = plane.Published?.Table;
        table = backends.WithoutDrained(table);
        plane.Current = backends.SnapshotOf(table);
        if (before is not null && IdleOf(table) < IdleOf(before))
            Tell(new LoopCommand.Retime());
        var number = ++lastSync;
        var leaving = backends.Mark(before, table, number);
        if (table.Removed)
        {
            removals.Add(plane, leaving.Count > 0 ? number : 0);
            return;
        }

        removals.Remove(plane);
        if (leaving.Count > 0)
            Confirm(() => backends.Left(leaving, number));
    }

    public void Forget(BackendId backend)
    {
        var number = ++lastSync;
        if (!backends.Forget(backend, number))
            Confirm(() => backends.Left([backend], number));
    }

    public void ForgetService(ServiceId service)
    {
        if (services.Find(service) is not { } plane)
            return;
        removals.Remove(plane);
        services.Forget(service);
        Tell(new LoopCommand.Forget(plane.Index));
        Confirm(() => services.Free(plane));
    }

    public void StopAccepting()
    {
        stop = Stop.Told;
        Tell(new LoopCommand.Stop());
        Confirm(() =>
        {
            stop = Stop.Confirmed;
            LookIdle();
        });
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
        [.. listeners.ByOwner.Select(owned => (
            owned.Key.Name, owned.SelectMany(set => set.Distinct).ToArray(), owned.Key.Turn))];

    /// <summary>Where this process counts open connections, in <see cref="OpenFd"/>.</summary>
    public Arr<ServiceSlot> Slots => new(services.Slots);

    /// <summary>See <see cref="OpenCounts"/>.</summary>
    public int OpenFd => services.OpenFd;

    /// <summary>Continues what another process has begun with a service.</summary>
    /// <param name="service">Which.</param>
    /// <param name="turn">The number of its next client.</param>
    /// <param name="refused">Clients turned away that the core knows of, by <see cref="Refusal"/>.</param>
    public void GoOnWith(ServiceId service, ulong turn, Arr<long> refused)
    {
        var plane = PlaneOf(service);
        plane.Turn = turn;
        plane.RefusedBefore = refused;
    }

    /// <summary>
    /// What was counted before this process, and what replaced processes count; added to everything reported.
    /// </summary>
    public Replaced Replaced
    {
        get => replaced;
        set
        {
            var gone = replaced.Processes.Filter(p => !value.Processes.Exists(q => q.Counts == p.Counts));
            replaced = value;
            foreach (var service in services.All)
                service.CountElsewhere(value.CountsOf(service.Id));
            var inUse = value.UsedBackends;
            backends.IsUsedElsewhere = inUse.Contains;
            backends.LookAtAll();
            LookIdle();
            if (!gone.IsEmpty)
                Confirm(() => gone.Iter(p => p.Counts.Dispose()));
            supervisor.Signal();
        }
    }

    public void Cut(int oneOf) => Tell(new LoopCommand.Cut(oneOf));

    /// <summary>What has passed through this and all replaced processes, at this moment.</summary>
    public Traffic Measure()
    {
        var all = replaced.Plus(MeasureOwn());
        return all with
        {
            Services = all.Services.Map(s => s with
            {
                Active = services.Find(s.Service) is { } plane ? plane.Open + plane.OpenElsewhere : s.Active,
            }),
            Previous = replaced.Processes.Map(p => new PreviousProcess(p.Pid, p.Version, p.Since, p.Open)),
        };
    }

    /// <summary>What has passed through this process alone.</summary>
    public Traffic MeasureOwn() => new(new(services.All.Select(s => s.Measure())), backends.Measure());

    /// <summary>
    /// Calls <paramref name="answered"/> in a later <see cref="Collect"/>, once every loop has answered; while an
    /// earlier question is open, no other is asked.
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

        while (confirmations.TryPeek(out var waiting) && synced.All(s => s >= waiting.Sync))
            confirmations.Dequeue().Done();
        foreach (var backend in backends.TakeIdle())
            into(new ControlEvent.BackendIdle(backend));
        if (stop != Stop.Idle)
            return;
        stop = Stop.Told;
        into(new ControlEvent.AllIdle());
    }

    public void Dispose()
    {
        foreach (var loop in loops)
            loop.Dispose();
        backends.Dispose();
        Abandon();
        DiscardReserved();
        services.Dispose();
    }

    /// <summary>Runs something on the thread of every loop, for tests; how many loops there are.</summary>
    internal int OnEveryLoop(Action glance)
    {
        Tell(new LoopCommand.Look(glance));
        return loops.Length;
    }

    /// <summary>Connections that each loop has established with a backend, for tests.</summary>
    internal IReadOnlyList<long> EstablishedByLoop(BackendId backend) => backends.EstablishedByLoop(backend);

    /// <summary>Where a loop puts its reports, for tests.</summary>
    internal LoopMailbox MailboxOf(int loop) => mailboxes[loop];

    private static long IdleOf(RoutingTable table) => table.Service.Tuning.IdleTimeout.Milliseconds;

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
                if (services.FindAt(report.Subject) is { } exhausted)
                    into(new ControlEvent.ClientExhausted(exhausted.Id));
                break;
            case LoopReportKind.LimitReached:
                Refused(report.Subject, Refusal.Limit, into);
                break;
            case LoopReportKind.DescriptorsExhausted:
                Refused(report.Subject, Refusal.Descriptors, into);
                break;
            case LoopReportKind.Synced:
                synced[loop] = Math.Max(synced[loop], report.Subject);
                break;
            case LoopReportKind.BackendIdle:
                backends.Look(new BackendId(report.Subject));
                break;
            case LoopReportKind.Unlistened:
                removals.Closed(loop, report.Subject);
                break;
            case LoopReportKind.ServiceSettled:
                if (services.FindAt(report.Subject) is { } settled)
                    removals.Look(settled);
                break;
            default:
                LookIdle();
                break;
        }
    }

    private void Refused(int service, Refusal reason, Action<ControlEvent> into)
    {
        if (services.FindAt(service) is { } plane)
            into(new ControlEvent.ClientsRefused(plane.Id, reason, plane.Refused(reason)));
    }

    private void LookIdle()
    {
        if (stop == Stop.Confirmed && !replaced.StillServes && services.All.All(s => s.Open == 0))
            stop = Stop.Idle;
    }

    private Either<Problem, Unit> EnoughDescriptors(BalConfig config)
    {
        var wanted = (long)loops.Length * config.Services.Sum(s => s.Listener.Addresses.Count);
        return wanted <= budget.Ceiling ? Unit.Default : budget.TooManyListeners(wanted);
    }

    private ServicePlane PlaneOf(ServiceId id)
    {
        if (services.Find(id) is { } known)
            return known;
        var added = services.Of(id);
        added.CountElsewhere(replaced.CountsOf(id));
        return added;
    }

    private void Tell(LoopCommand command)
    {
        foreach (var loop in loops)
            loop.Post(command);
    }
}
