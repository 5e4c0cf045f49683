using Bal.Domain.Reports;
using LanguageExt;

namespace Bal.Domain.Upgrade;

/// <summary>What <c>bal stop</c> has done about <see cref="Leftovers"/>.</summary>
/// <param name="Told">Those that it has asked to stop.</param>
/// <param name="ToldAt">How long it had been at it when it last asked one.</param>
/// <param name="Cut">Those that it has asked a second time, which ends them at once.</param>
public sealed record LeftoverStop(Arr<int> Told, Duration ToldAt, Arr<int> Cut)
{
    /// <summary>Nothing yet.</summary>
    public static readonly LeftoverStop None = new(Arr<int>.Empty, Duration.Zero, Arr<int>.Empty);

    /// <summary>How long they may take where the command names no time: the default of drain_timeout_ms.</summary>
    public static readonly Duration Usual = new(30_000);

    /// <summary>Beyond the time that they have, until the command gives up.</summary>
    public static readonly Duration Reserve = new(10_000);

    /// <summary>
    /// After so long one that goes on has taken the signal for another process: it was just being replaced.
    /// </summary>
    public static readonly Duration Again = new(1_000);

    /// <summary>
    /// Whom to send SIGTERM now. A first one begins a drain and a second one ends it, so who has heard one gets another
    /// only when the time that the command allows is over.
    /// </summary>
    /// <param name="seen">Those that are there.</param>
    /// <param name="since">How long the command has been at it.</param>
    /// <param name="within">The time that it allows.</param>
    public LeftoverStep Next(Leftovers seen, Duration since, Option<Duration> within)
    {
        var again = since.Milliseconds - ToldAt.Milliseconds >= Again.Milliseconds;
        var told = seen.Draining.Filter(pid => again || !Told.Contains(pid));
        var cut = within.Exists(time => since.Milliseconds >= time.Milliseconds)
            ? seen.Stopping.Filter(pid => !Cut.Contains(pid))
            : Arr<int>.Empty;
        return new(
            told.IsEmpty
                ? this with { Cut = Cut.AddRange(cut) }
                : new LeftoverStop(
                    Told.AddRange(told.Filter(pid => !Told.Contains(pid))), since, Cut.AddRange(cut)),
            told.AddRange(cut),
            GivesUp: since.Milliseconds > within.IfNone(Usual).Milliseconds + Reserve.Milliseconds);
    }
}

/// <summary>A step of <see cref="LeftoverStop"/>.</summary>
/// <param name="State">What has been done after it.</param>
/// <param name="Signal">Process ids that are sent SIGTERM now.</param>
/// <param name="GivesUp">They had their time; whoever is still there is reported.</param>
public sealed record LeftoverStep(LeftoverStop State, Arr<int> Signal, bool GivesUp);
