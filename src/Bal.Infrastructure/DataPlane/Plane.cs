using System.Net;
using Bal.Application;
using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.Control;
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
internal sealed partial class Plane : IDataPlane, IDisposable
{
    private readonly EventLoop[] loops;
    private readonly LoopMailbox[] mailboxes;
    private readonly WakeUp supervisor;
    private readonly DescriptorCeiling ceiling;
    private DescriptorBudget budget;
    private DescriptorBudget prepared;
    private BalConfig? preparedLog;
    private readonly Services services;
    private readonly Backends backends;
    private readonly Listeners listeners;
    private readonly Removals removals;
    private readonly ClientTables clients = new();
    private readonly Queue<(int Sync, Action Done)> confirmations = new();
    private readonly int[] synced;
    private int lastSync;
    private Replaced replaced = Replaced.Nobody;
    private Stop stop;
    private long lost;
    private bool answerAwaited;

    private const int OnNoLoop = -1;

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
        this.budget = prepared = budget;
        Access = new AccessRings(threads);
        services = new Services(threads, open, sockets => this.budget.ConnectionsBeside(sockets));
        backends = new Backends(threads)
        {
            LeadsHere = new(LeadsHere, LeadsHere),
            Slots = services,
            Labels = Access.Labels,
        };
        removals = new Removals(backends, threads);
        ceiling = new DescriptorCeiling(budget.Ceiling);
        mailboxes = [.. Enumerable.Range(0, threads).Select(_ => new LoopMailbox(supervisor))];
        loops = [.. mailboxes.Select((m, i) => new EventLoop(
            i, threads, ceiling, gatherRule ?? GatherRule.Standard, services, backends, Access, m, onCrash))];
        listeners = new Listeners(loops, line => Say(line));
        synced = new int[threads];
        foreach (var loop in loops)
            loop.Start();
    }

    /// <summary>What the loops write for the access log; it outlives the plane, whose end is logged as well.</summary>
    public AccessRings Access { get; }

    /// <summary>Told which configuration says where connections are logged, when it comes into force.</summary>
    public Action<BalConfig> LogTo { get; init; } = _ => { };

    /// <summary>Told what an operator should know.</summary>
    public Action<LogEvent> Say { get; init; } = _ => { };

    /// <summary>Looks up a name to listen on.</summary>
    internal Func<string, Either<BindOutcome, NameAddresses>> LookUp
    {
        init => listeners.LookUp = value;
    }

    public Either<Problem, Unit> Prepare(BalConfig config) =>
        services.MakeRoom(config.Services.Sum(s => 1 + s.Backends.Count(b => b.MaxConnections.IsSome)))
            .Bind(_ => EnoughDescriptors(config))
            .Bind(_ => clients.Prepare(config, name => services.All.Any(s => s.Name == name && s.Clients is not null)))
            .Bind(_ => listeners.Prepare(config))
            .Map(done =>
            {
                prepared = ConnectionLimits.Divide(config, budget);
                preparedLog = config;
                return done;
            });

    /// <summary>Why <see cref="Prepare"/> would refuse a configuration; changes nothing.</summary>
    public Option<Problem> Rehearse(BalConfig config) => EnoughDescriptors(config).Match(
        Right: _ => listeners.Rehearse(config), Left: problem => problem);

    public void Commit()
    {
        var named = services.All.Where(s => s.Name.Length > 0).ToDictionary(s => s.Name);
        budget = prepared;
        if (preparedLog is { } config)
            LogTo(config);
        clients.Abandon();
        ceiling.Set(budget.Ceiling);
        // Before anybody can come.
        services.Share(named.Values, listeners.Sockets);
        foreach (var set in listeners.Commit(name => named[name], stopped: stop != Stop.None))
            removals.Close(set);
        if (removals.Unconfirmed is { Count: > 0 } removed)
            Confirm(() => removals.Confirm(removed));
    }

    public void Abandon()
    {
        listeners.Abandon();
        clients.Abandon();
    }

    /// <summary>See <see cref="Listeners.Accept(IPAddress, int)"/>.</summary>
    public bool LeadsHere(IPAddress address, int port) => listeners.Accept(address, port);

    /// <summary>See <see cref="Listeners.Accept(string)"/>.</summary>
    public bool LeadsHere(string path) => listeners.Accept(path);

    /// <summary>See <see cref="Listeners.Inherit"/>.</summary>
    public void Inherit(Service service, int[] sockets, Arr<string> files = default) =>
        listeners.Inherit(service, sockets, files);

    /// <summary>See <see cref="Listeners.Reserve"/>.</summary>
    public Either<Problem, Unit> Reserve(BalConfig config) => listeners.Reserve(config);

    /// <summary>See <see cref="Listeners.DiscardReserved"/>.</summary>
    public void DiscardReserved() => listeners.DiscardReserved();

    public void Publish(RoutingTable table)
    {
        var plane = PlaneOf(table.Id);
        var last = plane.Published;
        var before = last?.Table;
        table = backends.WithoutDrained(table);
        var number = ++lastSync;
        var snapshot = backends.SnapshotOf(table, last?.Selector) with { Number = number };
        if (snapshot.IsFull is not null)
            OpenLine(plane);
        if (before is null || before.Service.Name != table.Service.Name)
            Access.Labels.NameService(table.Id.Value, table.Service.Name);
        if (snapshot.LimitsClients)
            LimitClients(plane, table.Service.Name);
        plane.Current = snapshot;
        if (snapshot.LimitsClients && last is { LimitsClients: false })
            Tell(new LoopCommand.CountClients(plane.Index));
        if (backends.TakeLimited() is { Length: > 0 } limited)
            Tell(new LoopCommand.Join(limited));
        plane.Line?.Serve(OnNoLoop, all: true);
        if (last is not null && plane.Current.AsksForALook(last))
            Tell(new LoopCommand.Retime());
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
        Confirm(() =>
        {
            services.Free(plane);
            Access.Labels.RetireService(service.Value);
            backends.ForgetService(service);
        });
    }

    public void StopAccepting()
    {
        stop = Stop.Told;
        listeners.RemoveFiles();
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
    public void Resume()
    {
        RetainClients();
        Tell(new LoopCommand.Resume());
    }

    /// <summary>Calls <paramref name="done"/> once every loop has carried out all commands up to now.</summary>
    public void Confirm(Action done)
    {
        Tell(new LoopCommand.Sync(++lastSync));
        confirmations.Enqueue((lastSync, done));
    }

    /// <summary>What the loops have counted of clients that got no service and that they have yet to report.</summary>
    public IEnumerable<ControlEvent> News()
    {
        var news = new List<ControlEvent>();
        foreach (var service in services.All)
            service.TakeNews(news.Add);
        return news;
    }

    public void Cut(int oneOf) => Tell(new LoopCommand.Cut(oneOf));

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

        EndWalks();
        while (confirmations.TryPeek(out var waiting) && synced.All(s => s >= waiting.Sync))
            confirmations.Dequeue().Done();
        foreach (var backend in backends.TakeIdle())
            into(new ControlEvent.BackendIdle(backend));
        // A walk may have ended the last of them: whoever asked for it is told how many before the process is over.
        if (stop != Stop.Idle || walksOpen > 0)
            return;
        stop = Stop.Told;
        into(new ControlEvent.AllIdle());
    }

    public void Dispose()
    {
        listeners.RemoveFiles();
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
            case LoopReportKind.News:
                services.FindAt(report.Subject)?.TakeNews(into);
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

    // Also where it is open: what there is to look for elsewhere may have changed.
    private void OpenLine(ServicePlane plane)
    {
        plane.OpenLine();
        plane.Line!.LooksElsewhere = replaced.StillServes || servedWithOlder;
        plane.Line!.Serve(OnNoLoop);
    }

    private void LookIdle()
    {
        if (stop == Stop.Confirmed && !replaced.StillServes && services.All.All(s => s.Open == 0))
            stop = Stop.Idle;
    }

    private Either<Problem, Unit> EnoughDescriptors(BalConfig config)
    {
        var wanted = (long)loops.Length * config.Addresses.Count;
        var divided = ConnectionLimits.Divide(config, budget);
        return wanted <= divided.Ceiling ? Unit.Default : divided.TooManyListeners(wanted);
    }

    private ServicePlane PlaneOf(ServiceId id)
    {
        if (services.Find(id) is { } known)
            return known;
        var added = services.Of(id);
        added.CountElsewhere(replaced.CountsOf(id), replaced.AllCounts);
        return added;
    }

    private void Tell(LoopCommand command)
    {
        foreach (var loop in loops)
            loop.Post(command);
    }
}
