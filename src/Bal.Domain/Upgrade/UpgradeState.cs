using Bal.Domain.Control;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Upgrade;

/// <summary>
/// A stop that comes while two processes may serve: whoever serves in the end is stopped, and the other one with it.
/// </summary>
/// <param name="Stop">As it was asked for; none where no stop came.</param>
/// <param name="NewKnows">The new process was asked itself and need not be told.</param>
public sealed record PendingStop(Option<ControlEvent.StopRequested> Stop, bool NewKnows)
{
    /// <summary>No stop came.</summary>
    public static readonly PendingStop None = new(Option<ControlEvent.StopRequested>.None, NewKnows: false);

    /// <summary>With one more that came.</summary>
    public PendingStop And(ControlEvent.StopRequested stop, bool newKnows) => new(stop, NewKnows || newKnows);
}

/// <summary>
/// Where the serving process is in replacing itself. At every moment exactly one of the two processes accepts
/// connections: the new one may from <see cref="HandingOver"/> on, and only while the old one rests.
/// </summary>
public abstract record UpgradeState
{
    private UpgradeState() { }

    /// <summary>No upgrade is under way: this process serves.</summary>
    public sealed record Idle : UpgradeState;

    /// <summary>A new process is being started.</summary>
    /// <param name="Patience">How long it may take until it is ready.</param>
    /// <param name="Stopping">A stop came meanwhile: it is ended as soon as it is there.</param>
    public sealed record Spawning(Duration Patience, bool Stopping) : UpgradeState;

    /// <summary>The new process reads the configuration and prepares to serve; this one serves.</summary>
    /// <param name="Pid">The new process.</param>
    /// <param name="Until">When it is given up.</param>
    public sealed record Starting(int Pid, Instant Until) : UpgradeState;

    /// <summary>
    /// The new process is ready; the event loops of this one come to rest, so that nothing changes any more.
    /// </summary>
    /// <param name="Pid">The new process.</param>
    /// <param name="Until">When it is given up.</param>
    public sealed record Resting(int Pid, Instant Until) : UpgradeState;

    /// <summary>
    /// The new process has been given what is known, and may accept; it has not yet said that it does.
    /// </summary>
    /// <param name="Pid">The new process.</param>
    /// <param name="Until">When it is given up.</param>
    /// <param name="Stop">A stop that came meanwhile.</param>
    public sealed record HandingOver(int Pid, Instant Until, PendingStop Stop) : UpgradeState;

    /// <summary>The new process serves, and takes over the PID file and the control socket.</summary>
    /// <param name="Pid">The new process.</param>
    /// <param name="Until">When it is given up.</param>
    /// <param name="Stop">A stop that came meanwhile.</param>
    public sealed record Settling(int Pid, Instant Until, PendingStop Stop) : UpgradeState;

    /// <summary>The new process is being ended; as soon as it is gone this one serves as before.</summary>
    /// <param name="Pid">The new process.</param>
    /// <param name="Problem">Why; none where how it ended will tell.</param>
    /// <param name="Rests">The event loops rest, and must not accept before the new process is gone.</param>
    /// <param name="Stop">A stop that came meanwhile and waits for the end of the new process.</param>
    /// <param name="Stopping">This process is stopping already.</param>
    public sealed record RollingBack(
        int Pid, Option<Problem> Problem, bool Rests, PendingStop Stop, bool Stopping) : UpgradeState;

    /// <summary>The new process serves; this one only finishes its connections.</summary>
    /// <param name="Pid">The new process.</param>
    public sealed record Replaced(int Pid) : UpgradeState;

    /// <summary>This process was asked to stop: it serves until it has stopped, and no upgrade begins.</summary>
    public sealed record Ending : UpgradeState;

    /// <summary>No upgrade is under way.</summary>
    public static readonly UpgradeState None = new Idle();

    /// <summary>When waiting ends at the latest; <see cref="Instant.Never"/> where nothing is waited for.</summary>
    public Instant DueAt => Match(
        idle: () => Instant.Never,
        spawning: _ => Instant.Never,
        starting: s => s.Until,
        resting: s => s.Until,
        handingOver: s => s.Until,
        settling: s => s.Until,
        rollingBack: _ => Instant.Never,
        replaced: _ => Instant.Never,
        ending: () => Instant.Never);

    /// <summary>Applies the function of the case that this state is.</summary>
    public T Match<T>(
        Func<T> idle,
        Func<Spawning, T> spawning,
        Func<Starting, T> starting,
        Func<Resting, T> resting,
        Func<HandingOver, T> handingOver,
        Func<Settling, T> settling,
        Func<RollingBack, T> rollingBack,
        Func<Replaced, T> replaced,
        Func<T> ending) => this switch
        {
            Idle => idle(),
            Spawning s => spawning(s),
            Starting s => starting(s),
            Resting s => resting(s),
            HandingOver s => handingOver(s),
            Settling s => settling(s),
            RollingBack s => rollingBack(s),
            Replaced s => replaced(s),
            Ending => ending(),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
}
