using Bal.Domain.Control;
using Bal.Domain.Messages;
using LanguageExt;

namespace Bal.Domain.Upgrade;

/// <summary>Something to be done for an upgrade.</summary>
public abstract record UpgradeEffect
{
    private UpgradeEffect() { }

    /// <summary>Start the new process; exactly one <see cref="UpgradeEvent.Spawned"/> or
    /// <see cref="UpgradeEvent.NotSpawned"/> must follow.</summary>
    public sealed record Spawn : UpgradeEffect;

    /// <summary>Let no loop accept; the queues of the listeners fill meanwhile. <see cref="UpgradeEvent.AtRest"/> must
    /// follow.</summary>
    public sealed record Rest : UpgradeEffect;

    /// <summary>Let the loops accept again.</summary>
    public sealed record Resume : UpgradeEffect;

    /// <summary>Give the new process everything that is known, and tell it to serve.</summary>
    public sealed record HandOver : UpgradeEffect;

    /// <summary>Let go of the PID file and the control socket, and tell the new process so.</summary>
    public sealed record Yield : UpgradeEffect;

    /// <summary>Take the PID file and the control socket back; the new process is gone.</summary>
    public sealed record Reclaim : UpgradeEffect;

    /// <summary>The new process serves for good: let go of the listeners and drain.</summary>
    /// <param name="Pid">The new process.</param>
    public sealed record Leave(int Pid) : UpgradeEffect;

    /// <summary>End the new process by SIGKILL: it was given up.</summary>
    public sealed record Kill : UpgradeEffect;

    /// <summary>Ask the new process to stop (SIGTERM).</summary>
    public sealed record StopNew : UpgradeEffect;

    /// <summary>Stop this process, and those that it has replaced.</summary>
    /// <param name="Stop">As it was asked for.</param>
    public sealed record StopOwn(ControlEvent.StopRequested Stop) : UpgradeEffect;

    /// <summary>
    /// Tell everybody who asked for the upgrade the outcome; only the first answer counts.
    /// </summary>
    /// <param name="Outcome">The new process, or why there is none.</param>
    public sealed record Answer(Either<Problem, int> Outcome) : UpgradeEffect;

    /// <summary>Tell one who asks while an upgrade is under way, or cannot be, that it is refused.</summary>
    /// <param name="Problem">Why.</param>
    public sealed record RefuseLatest(Problem Problem) : UpgradeEffect;

    /// <summary>Write a line to the log.</summary>
    /// <param name="Line">The line.</param>
    public sealed record Log(LogEvent Line) : UpgradeEffect;

    /// <summary>Applies the function of the case that this effect is.</summary>
    public T Match<T>(
        Func<T> spawn,
        Func<T> rest,
        Func<T> resume,
        Func<T> handOver,
        Func<T> yields,
        Func<T> reclaim,
        Func<Leave, T> leave,
        Func<T> kill,
        Func<T> stopNew,
        Func<StopOwn, T> stopOwn,
        Func<Answer, T> answer,
        Func<RefuseLatest, T> refuseLatest,
        Func<Log, T> log) => this switch
        {
            Spawn => spawn(),
            Rest => rest(),
            Resume => resume(),
            HandOver => handOver(),
            Yield => yields(),
            Reclaim => reclaim(),
            Leave e => leave(e),
            Kill => kill(),
            StopNew => stopNew(),
            StopOwn e => stopOwn(e),
            Answer e => answer(e),
            RefuseLatest e => refuseLatest(e),
            Log e => log(e),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
}
