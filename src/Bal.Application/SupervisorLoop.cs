using Bal.Domain.Backend;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Recording;
using Bal.Domain.Reload;
using Bal.Domain.Reports;
using LanguageExt;

namespace Bal.Application;

/// <summary>
/// The one thread that owns the control state: it takes what happened, asks the core what follows, and has it done.
/// It decides nothing itself.
/// </summary>
/// <param name="inbox">What happens.</param>
/// <param name="plane">The event loops.</param>
/// <param name="prober">Probes and lookups.</param>
/// <param name="log">Where decisions are told.</param>
/// <param name="manager">Told how bal is.</param>
/// <param name="readConfig">Reads and validates the configuration file again.</param>
/// <param name="onReloaded">Told of every configuration that takes effect.</param>
/// <param name="wallClock">The wall clock, for reports only.</param>
/// <param name="identity">The process, for reports.</param>
public sealed class SupervisorLoop(
    IInbox inbox,
    IDataPlane plane,
    IProber prober,
    ILogSink log,
    IServiceManager manager,
    Func<Either<ConfigRefusal, ConfigReading>> readConfig,
    Action<BalConfig> onReloaded,
    Func<DateTimeOffset> wallClock,
    ProcessIdentity identity)
{
    /// <summary>
    /// How long the start waits for names to resolve and for first answers, so that the first client finds a backend.
    /// </summary>
    private static readonly Duration FirstLookups = new(2_000);

    /// <summary>While there is always more to decide, the loops are told this often all the same.</summary>
    private static readonly Duration PublishEvery = new(10);

    internal static readonly Problem Stopping = new(
        "stopping",
        "bal is stopping and will not apply a new configuration",
        "'bal stop' or a signal came before the reload",
        "wait until it has ended, then run 'bal start -d'");

    private static readonly Problem TooLate = new(
        "stopping",
        "bal is stopping and accepts no more clients: there is nothing to drain or to weigh",
        "'bal stop' or a signal came before the command",
        "wait until it has ended, then run 'bal start -d'");

    /// <summary>What is said where another process is to be asked.</summary>
    public static readonly Problem Replaced = new(
        "replaced",
        "this process has been replaced by 'bal upgrade'",
        "the request came while the new process was taking over",
        "run the command again: it reaches the new process");

    /// <summary>What a process says that has been replaced, whatever it is asked for.</summary>
    public static readonly ReloadAnswer ReplacedAnswer = new(0, Replaced, Arr<Finding>.Empty, Arr<string>.Empty);

    /// <summary>
    /// Makes the decisions: the core, as it is. A simulation looks on here, and a test puts a wrong decision in its
    /// place to see whether anybody notices.
    /// </summary>
    public Func<ControlEvent, Instant, ControlState, ControlStep> Decide { get; init; } = ControlMachine.Step;

    private ControlState state = null!;
    private readonly Queue<SupervisorInput.Reload> early = new();
    private readonly SortedSet<int> unpublished = [];
    private Instant publishedAt = Instant.Zero;
    private readonly System.Collections.Generic.HashSet<BackendId> unanswered = [];
    private int lookups;
    private bool started;
    private bool exited;
    private bool recording = true;
    private Option<Instant> stopsBy;
    private readonly Ordering ordering = new();

    /// <summary>Where orders of operators outlive the process; nowhere unless one is given.</summary>
    public IOverrideFile Overrides { private get; init; } = new Unkept();

    /// <summary>Sees every decision; nobody does unless one is given.</summary>
    public IDecisionRecorder Recorder { private get; init; } = new Unrecorded();

    /// <summary>
    /// Begins to serve a configuration that the event loops have prepared; false where a stop came first, so that
    /// nobody was ever accepted and only <see cref="Run"/> is left to do.
    /// </summary>
    public bool Start(BalConfig config)
    {
        var now = inbox.Now;
        var step = ControlMachine.Start(config, now);
        Recorder.Began(now, step.State);
        Take(step);
        // Before anybody is served: no client comes to a backend that is drained.
        Overrides.Read().IfSome(read => Step(read));
        Publish();
        unanswered.UnionWith(state.Services.Values.SelectMany(service => service.Backends.Values)
            .Where(StatusReports.IsNotChecked).Select(backend => backend.Id));
        Step(new ControlEvent.Tick());
        var patience = inbox.Now.Plus(FirstLookups);
        while (!exited && !patience.IsDue(inbox.Now) && LooksUpFirst())
            HandleNext(patience);
        var serving = state.Phase is Phase.Running or Phase.Delaying;
        if (serving)
            plane.Commit();
        else
            plane.Abandon();

        // A reload prepares listeners of its own, and must find those of the start in service, or it would discard
        // them.
        started = true;
        while (early.TryDequeue(out var reload))
            Handle(reload);
        return serving;
    }

    /// <summary>
    /// Begins to serve where another process has stopped; the event loops have prepared its configuration.
    /// </summary>
    public void Adopt(ControlState carried)
    {
        recording = false;
        Take(ControlMachine.Adopt(inbox.Now, carried));
        // The other process kept nothing: a file that an earlier one has left means nothing any more.
        if (state.Keeping == OverrideKeeping.None)
            Overrides.Keep(0, OverrideDocument.Of(state));
        Publish();
        plane.Commit();
        started = true;
    }

    /// <summary>After <see cref="Adopt"/>: the other process records nothing any more, so that this one may.</summary>
    public void BeginRecording()
    {
        if (!recording)
            Recorder.Began(inbox.Now, state);
        recording = true;
    }

    /// <summary>Everything decided so far.</summary>
    public ControlState State => state;

    /// <summary>The configuration in force; none before the start.</summary>
    public Option<BalConfig> Served => Prelude.Optional(state).Map(s => s.Config);

    /// <summary>Serves until the core wants the process to end.</summary>
    public void Run()
    {
        while (!exited)
            HandleNext(Instant.Never);
    }

    private void HandleNext(Instant until)
    {
        var due = Instant.Min(Instant.Min(until, ordering.DueAt), ControlMachine.NextDue(state));
        inbox.Next(due).Match(Some: Handle, None: () => { });
        if (!exited && ControlMachine.NextDue(state).IsDue(inbox.Now))
            Step(new ControlEvent.Tick());
        if (ordering.DueAt.IsDue(inbox.Now))
        {
            Step(new ControlEvent.OverridesKept(state.Keeping.Kept, Ordering.TooSlow));
            ordering.Overdue(inbox.Now);
        }

        if (!inbox.HasMore || PublishEvery.Milliseconds <= inbox.Now.Since(publishedAt).Milliseconds)
            Publish();
    }

    // The first client should find a backend: what is due at the start is begun, and names and checks that decide have
    // their first answers.
    private bool LooksUpFirst() =>
        lookups > 0 || unanswered.Count > 0 || ControlMachine.NextDue(state).IsDue(inbox.Now);

    private void Handle(SupervisorInput input)
    {
        switch (input)
        {
            case SupervisorInput.Happened happened:
                if (happened.Event is ControlEvent.Resolved)
                    lookups--;
                if (happened.Event is ControlEvent.ProbeEnded ended)
                    unanswered.Remove(ended.Backend);
                Step(happened.Event);
                if (happened.Event is ControlEvent.OverridesKept kept)
                    ordering.Ended(kept);
                break;
            case SupervisorInput.Status status:
                // What the loops report once a second would be missing in the answer.
                foreach (var news in plane.News())
                    Step(news);
                status.Answer(StatusReports.Of(identity, plane.Measure(), Clock(), state));
                break;
            case SupervisorInput.Look look:
                look.Answer(new SupervisorView(state, plane.Measure(), Clock(), started));
                break;
            case SupervisorInput.Reload reload when !started:
                early.Enqueue(reload);
                break;
            case SupervisorInput.Order order:
                Order(order);
                break;
            case SupervisorInput.Call call:
                call.Action();
                break;
            case SupervisorInput.Reload reload:
                manager.Reloading();
                var answer = Reload(reload);
                Publish();
                manager.Ready();
                reload.Answer(answer);
                break;
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    private ClockReading Clock() => new(inbox.Now, wallClock());

    private ReloadAnswer Reload(SupervisorInput.Reload reload) => state.Phase is not Phase.Running
        ? Refuse(state.Phase.IsHandedOver ? Replaced : Stopping, Arr<Finding>.Empty)
        : reload.Reading.IfNone(() => ConfigReadings.Guarded(readConfig)).Match(
            Right: reading => plane.Prepare(reading.Config).Match(
                Right: _ => Apply(reading),
                Left: problem => Refuse(problem, reading.Warnings)),
            Left: refusal => Refuse(refusal.Problem, refusal.Findings));

    private ReloadAnswer Apply(ConfigReading reading)
    {
        var others = SecretChanges.Between(state, reading.Config);
        var changes = ReloadDiff.Describe(state.Config, reading.Config)
            .Append(SecretChanges.Told(others, state).Map(change => change.ToText()));
        Step(new ControlEvent.Reloaded(reading.Config) { OtherSecrets = others });
        Publish();
        plane.Commit();
        onReloaded(reading.Config);
        return new(state.ConfigVersion, Option<Problem>.None, reading.Warnings, changes);
    }

    private void Order(SupervisorInput.Order input)
    {
        var (before, now) = (state, inbox.Now);
        if (before.Phase is not (Phase.Running or Phase.Delaying))
        {
            input.Answer(OrderReport.Failed(before.Phase.IsHandedOver ? Replaced : TooLate));
            return;
        }

        var by = new Operator(input.User, input.Uid, Math.Max(0, wallClock().ToUnixTimeMilliseconds()));
        Orders.Of(input.Request, before).Match(
            Right: wanted =>
            {
                var refused = wanted.Exists(order => Overriding.IsRefused(order, by, before));
                var why = refused ? Orders.Last(input.Request, before) : Option<Problem>.None;
                wanted.IfSome(order => Step(new ControlEvent.Ordered(order, by)));
                Publish();
                ordering.Answer(
                    input.Answer,
                    Orders.Report(input.Request, before, state, plane.Measure(), now) with { Problem = why },
                    state.Keeping, before.Keeping.Changes, now);
            },
            Left: problem => input.Answer(OrderReport.Failed(problem)));
    }

    private ReloadAnswer Refuse(Problem problem, Arr<Finding> findings)
    {
        plane.Abandon();
        Step(new ControlEvent.ReloadRefused(problem));
        return new(state.ConfigVersion, problem, findings, Arr<string>.Empty);
    }

    private void Step(ControlEvent happened)
    {
        var now = inbox.Now;
        var step = Decide(happened, now, state);
        if (recording)
            Recorder.Decided(happened, now, step);
        Take(step);
    }

    private void Take(ControlStep step)
    {
        state = step.State;
        if (state.Phase.StopsBy is { IsSome: true } by && by != stopsBy)
        {
            stopsBy = by;
            by.IfSome(end => manager.Stopping(end.Since(inbox.Now)));
        }

        foreach (var effect in step.Effects)
            Do(effect);
    }

    /// <summary>Tells the loops, once for all that has been decided since the last time.</summary>
    private void Publish()
    {
        publishedAt = inbox.Now;
        foreach (var id in unpublished)
            state.Services.Find(id).IfSome(service => plane.Publish(Publishing.TableOf(service)));
        unpublished.Clear();
        manager.Show(state);
    }

    private void Do(ControlEffect effect) => effect.Match<Unit>(
        publish: e => Done(() => unpublished.Add(e.Service.Value)),
        startProbe: e => Done(() => prober.Start(e)),
        resolve: e => Done(() => Resolve(e.Name)),
        log: e => Done(() => log.Write(e.Line)),
        forget: e => Told(() => plane.Forget(e.Backend)),
        forgetService: e => Told(() => plane.ForgetService(e.Service)),
        stopAccepting: () => Done(Drain),
        cut: e => Told(() => plane.Cut(e.OneOf)),
        reset: e => Told(() => plane.Reset(e.Backend, e.Reason)),
        keepOverrides: e => Done(() => Overrides.Keep(e.Change, OverrideDocument.Of(state))),
        exit: () => Done(() => exited = true));

    private void Drain()
    {
        Publish();
        plane.StopAccepting();
    }

    private void Resolve(string name)
    {
        lookups++;
        prober.Resolve(name);
    }

    // What was decided before must have reached the loops.
    private Unit Told(Action action)
    {
        Publish();
        return Done(action);
    }

    private static Unit Done(Action action)
    {
        action();
        return Unit.Default;
    }

    private sealed class Unkept : IOverrideFile
    {
        public Option<ControlEvent.OverridesRead> Read() => Option<ControlEvent.OverridesRead>.None;

        public void Keep(long change, OverrideDocument document)
        {
        }
    }

    private sealed class Unrecorded : IDecisionRecorder
    {
        public void Began(Instant now, ControlState state)
        {
        }

        public void Decided(ControlEvent happened, Instant now, ControlStep step)
        {
        }
    }
}
