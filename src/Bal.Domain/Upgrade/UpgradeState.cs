using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Upgrade;

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
    /// <param name="StopAfter">A stop came meanwhile: whoever serves in the end is stopped.</param>
    public sealed record HandingOver(int Pid, Instant Until, bool StopAfter) : UpgradeState;

    /// <summary>The new process serves, and takes over the PID file and the control socket.</summary>
    /// <param name="Pid">The new process.</param>
    /// <param name="Until">When it is given up.</param>
    /// <param name="StopAfter">A stop came meanwhile.</param>
    public sealed record Settling(int Pid, Instant Until, bool StopAfter) : UpgradeState;

    /// <summary>The new process is being ended; as soon as it is gone this one serves as before.</summary>
    /// <param name="Pid">The new process.</param>
    /// <param name="Problem">Why; none where how it ended will tell.</param>
    /// <param name="Rests">The event loops rest, and must not accept before the new process is gone.</param>
    /// <param name="StopAfter">A stop came meanwhile.</param>
    public sealed record RollingBack(int Pid, Option<Problem> Problem, bool Rests, bool StopAfter) : UpgradeState;

    /// <summary>The new process serves; this one only finishes its connections.</summary>
    /// <param name="Pid">The new process.</param>
    public sealed record Replaced(int Pid) : UpgradeState;

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
        replaced: _ => Instant.Never);

    /// <summary>Applies the function of the case that this state is.</summary>
    public T Match<T>(
        Func<T> idle,
        Func<Spawning, T> spawning,
        Func<Starting, T> starting,
        Func<Resting, T> resting,
        Func<HandingOver, T> handingOver,
        Func<Settling, T> settling,
        Func<RollingBack, T> rollingBack,
        Func<Replaced, T> replaced) => this switch
        {
            Idle => idle(),
            Spawning s => spawning(s),
            Starting s => starting(s),
            Resting s => resting(s),
            HandingOver s => handingOver(s),
            Settling s => settling(s),
            RollingBack s => rollingBack(s),
            Replaced s => replaced(s),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
}
