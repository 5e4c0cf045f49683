using Bal.Domain.Backend;
using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Counting;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Recording;
using Bal.Domain.Reports;
using LanguageExt;

namespace Bal.Application;

/// <summary>The event loops, as the supervisor needs them.</summary>
public interface IDataPlane
{
    /// <summary>
    /// Acquires what a configuration needs of the system, its listening sockets above all, without changing anything
    /// that serves. What was acquired takes effect with <see cref="Commit"/> and is given back by
    /// <see cref="Abandon"/>.
    /// </summary>
    Either<Problem, Unit> Prepare(BalConfig config);

    /// <summary>
    /// Puts what <see cref="Prepare"/> acquired into service; listeners that go are accepted empty first.
    /// </summary>
    void Commit();

    /// <summary>Gives back what <see cref="Prepare"/> acquired.</summary>
    void Abandon();

    /// <summary>Gives the loops a new table.</summary>
    void Publish(RoutingTable table);

    /// <summary>See <see cref="ControlEffect.Forget"/>.</summary>
    void Forget(BackendId backend);

    /// <summary>See <see cref="ControlEffect.ForgetService"/>.</summary>
    void ForgetService(ServiceId service);

    /// <summary>See <see cref="ControlEffect.StopAccepting"/>.</summary>
    void StopAccepting();

    /// <summary>See <see cref="ControlEffect.Cut"/>.</summary>
    void Cut(int oneOf);

    /// <summary>See <see cref="ControlEffect.Reset"/>.</summary>
    void Reset(BackendId backend, TerminationReason reason);

    /// <summary>What has passed, at this moment.</summary>
    Traffic Measure();

    /// <summary>What has been counted of clients that got no service, and that no event has told of yet.</summary>
    IEnumerable<ControlEvent> News() => [];
}

/// <summary>Probes and lookups: started here, ended by an event.</summary>
public interface IProber
{
    /// <summary>See <see cref="ControlEffect.StartProbe"/>.</summary>
    void Start(ControlEffect.StartProbe probe);

    /// <summary>See <see cref="ControlEffect.Resolve"/>.</summary>
    void Resolve(string name);
}

/// <summary>Where what operators have ordered outlives the process.</summary>
public interface IOverrideFile
{
    /// <summary>What an earlier process has kept; none where it has kept nothing.</summary>
    Option<ControlEvent.OverridesRead> Read();

    /// <summary>
    /// See <see cref="ControlEffect.KeepOverrides"/>. What is asked for while an earlier attempt is under way follows
    /// it, and only the last of it. Must never block for long.
    /// </summary>
    void Keep(long change, OverrideDocument document);
}

/// <summary>What happens to the supervisor: events of the core and requests of the operator.</summary>
public interface IInbox
{
    /// <summary>The monotonic clock.</summary>
    Instant Now { get; }

    /// <summary>The next thing that happened; none at <paramref name="until"/> at the latest.</summary>
    Option<SupervisorInput> Next(Instant until);

    /// <summary>
    /// Whether <see cref="Next"/> has another input at once that belongs to the same batch: what follows from a batch
    /// is published once. False at the end of a batch, even where more is waiting.
    /// </summary>
    bool HasMore { get; }
}

/// <summary>Where decisions are told. Must never block.</summary>
public interface ILogSink
{
    /// <summary>Writes a line.</summary>
    void Write(LogEvent line);
}

/// <summary>The service manager that has started this process, if there is one. Must never block.</summary>
public interface IServiceManager
{
    /// <summary>Connections are accepted, or a reload has ended: applied or refused, bal serves.</summary>
    void Ready();

    /// <summary>The configuration is being read again; <see cref="Ready"/> follows.</summary>
    void Reloading();

    /// <summary>A stop was asked for, or has been shortened.</summary>
    /// <param name="within">How long it takes at most.</param>
    void Stopping(Duration within);

    /// <summary>How things are, after each batch of decisions; forwarded only when the text changes.</summary>
    void Show(ControlState state);
}

/// <summary>Sees every decision in order, with all that it was made from. Must never block.</summary>
public interface IDecisionRecorder
{
    /// <summary>A state that decisions go on from: of a start, or handed over by another process.</summary>
    void Began(Instant now, ControlState state);

    /// <summary>A step, before its effects are done.</summary>
    void Decided(ControlEvent happened, Instant now, ControlStep step);
}

/// <summary>Something for the supervisor to handle.</summary>
public abstract record SupervisorInput
{
    private SupervisorInput() { }

    /// <summary>An event for the core.</summary>
    /// <param name="Event">The event.</param>
    public sealed record Happened(ControlEvent Event) : SupervisorInput;

    /// <summary>Read the configuration again and apply it.</summary>
    /// <param name="Answer">Called with the outcome.</param>
    public sealed record Reload(Action<ReloadAnswer> Answer) : SupervisorInput
    {
        /// <summary>The configuration, where it has been read already; otherwise the supervisor reads it.</summary>
        public Option<Either<ConfigRefusal, ConfigReading>> Reading { get; init; }
    }

    /// <summary>Have a backend used otherwise.</summary>
    /// <param name="Request">Which, and how.</param>
    /// <param name="User">The name of who asks.</param>
    /// <param name="Uid">Its number.</param>
    /// <param name="Answer">Told what came of it, once that outlives the process or is known not to.</param>
    public sealed record Order(OrderRequest Request, string User, long Uid, Action<OrderReport> Answer)
        : SupervisorInput;

    /// <summary>
    /// Something of the shell's own, to be done between two events: after everything that was reported before it.
    /// </summary>
    /// <param name="Action">What to do.</param>
    public sealed record Call(Action Action) : SupervisorInput;

    /// <summary>Report.</summary>
    /// <param name="Answer">Told the report.</param>
    public sealed record Status(Action<StatusReport> Answer) : SupervisorInput;

    /// <summary>Look at everything as it is; nothing may come of it.</summary>
    /// <param name="Answer">Told what is seen, on the supervisor's thread.</param>
    public sealed record Look(Action<SupervisorView> Answer) : SupervisorInput;
}

/// <summary>Everything that the supervisor knows at one moment.</summary>
/// <param name="State">The control state.</param>
/// <param name="Traffic">What has passed.</param>
/// <param name="Clock">Both clocks.</param>
/// <param name="Accepts">Whether the event loops accept clients; not yet while bal starts.</param>
public sealed record SupervisorView(ControlState State, Traffic Traffic, ClockReading Clock, bool Accepts);

/// <summary>What came of a reload.</summary>
/// <param name="ConfigVersion">The version in force afterwards.</param>
/// <param name="Problem">Why nothing was changed; none where the configuration was applied.</param>
/// <param name="Findings">Errors and warnings of the file.</param>
/// <param name="Changes">What changed, a line each.</param>
public sealed record ReloadAnswer(
    long ConfigVersion, Option<Problem> Problem, Arr<Finding> Findings, Arr<string> Changes)
{
    /// <summary>Whether the configuration was applied.</summary>
    public bool Applied => Problem.IsNone;
}
