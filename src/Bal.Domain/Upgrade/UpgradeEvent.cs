using Bal.Domain.Control;
using Bal.Domain.Messages;

namespace Bal.Domain.Upgrade;

/// <summary>Something that happened in the course of an upgrade, as the serving process sees it.</summary>
public abstract record UpgradeEvent
{
    private UpgradeEvent() { }

    /// <summary>The operator wants the binary replaced.</summary>
    /// <param name="Patience">How long the new process may take until it is ready.</param>
    /// <param name="StillDraining">Replaced processes that have not ended yet.</param>
    /// <param name="IsInit">Whether the end of this process is that of all others (pid_namespaces(7)).</param>
    public sealed record Requested(Duration Patience, int StillDraining, bool IsInit) : UpgradeEvent;

    /// <summary>The new process has been started.</summary>
    /// <param name="Pid">Its process id.</param>
    public sealed record Spawned(int Pid) : UpgradeEvent;

    /// <summary>The new process could not be started.</summary>
    /// <param name="Problem">Why.</param>
    public sealed record NotSpawned(Problem Problem) : UpgradeEvent;

    /// <summary>The new process has checked everything and could serve.</summary>
    public sealed record Ready : UpgradeEvent;

    /// <summary>The new process says why it cannot serve.</summary>
    /// <param name="Problem">Why.</param>
    public sealed record Refused(Problem Problem) : UpgradeEvent;

    /// <summary>No event loop of this process accepts any more.</summary>
    public sealed record AtRest : UpgradeEvent;

    /// <summary>The new process accepts connections.</summary>
    public sealed record Serves : UpgradeEvent;

    /// <summary>The new process holds the PID file and answers on the control socket.</summary>
    public sealed record Settled : UpgradeEvent;

    /// <summary>The new process has closed its end of the link, or talks nonsense.</summary>
    public sealed record LinkBroken : UpgradeEvent;

    /// <summary>The new process is gone.</summary>
    /// <param name="How">How it ended, such as <c>ended with exit code 1</c>.</param>
    public sealed record Gone(string How) : UpgradeEvent;

    /// <summary>Time has passed.</summary>
    public sealed record Tick : UpgradeEvent;

    /// <summary>This process was asked to stop, by a signal or a command.</summary>
    /// <param name="Stop">As it was asked for.</param>
    public sealed record StopRequested(ControlEvent.StopRequested Stop) : UpgradeEvent;

    /// <summary>The new process was asked to stop, and stops; it says so, for the stop is meant for both.</summary>
    /// <param name="Stop">As it was asked for.</param>
    public sealed record NewStops(ControlEvent.StopRequested Stop) : UpgradeEvent;

    /// <summary>Applies the function of the case that this event is.</summary>
    public T Match<T>(
        Func<Requested, T> requested,
        Func<Spawned, T> spawned,
        Func<NotSpawned, T> notSpawned,
        Func<T> ready,
        Func<Refused, T> refused,
        Func<T> atRest,
        Func<T> serves,
        Func<T> settled,
        Func<T> linkBroken,
        Func<Gone, T> gone,
        Func<T> tick,
        Func<StopRequested, T> stopRequested,
        Func<NewStops, T> newStops) => this switch
        {
            Requested e => requested(e),
            Spawned e => spawned(e),
            NotSpawned e => notSpawned(e),
            Ready => ready(),
            Refused e => refused(e),
            AtRest => atRest(),
            Serves => serves(),
            Settled => settled(),
            LinkBroken => linkBroken(),
            Gone e => gone(e),
            Tick => tick(),
            StopRequested e => stopRequested(e),
            NewStops e => newStops(e),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
}
