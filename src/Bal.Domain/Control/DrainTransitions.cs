using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using static Bal.Domain.Control.Decisions;

namespace Bal.Domain.Control;

/// <summary>
/// The drain of a stop: 25 s in which connections end by themselves, then 5 s in which what is left is cut in equal
/// shares, so that not every client reconnects at the same moment.
/// </summary>
internal static class DrainTransitions
{
    public static readonly Duration Grace = new(25_000);
    public static readonly Duration CutEvery = new(100);

    /// <summary>Everything is cut by then.</summary>
    public static readonly Duration Longest = new(30_000);

    /// <summary>Shares cut: every <see cref="CutEvery"/> over the last 5 s of 30.</summary>
    public const int Cuts = 50;

    public static Instant DueAt(Phase phase) =>
        phase.Match(() => Instant.Never, draining => draining.NextCutAt, () => Instant.Never);

    public static ControlStep Stop(Instant now, ControlState state) => state.Phase.Match(
        running: () => Nothing(state with { Phase = new Phase.Draining(now, now.Plus(Grace)) })
            .Say(LogEvent.Info("lifecycle", "draining",
                "stopping: no new connections are accepted, open ones have up to 30 s to end",
                LogField.Of("limit_ms", 30_000)))
            .And(new ControlEffect.StopAccepting()),
        draining: d => d.IsHandedOver
            ? Nothing((state with { Phase = new Phase.Draining(now, now.Plus(Grace)) }).Indexed())
                .Say(LogEvent.Info("lifecycle", "draining",
                    "stopping: the connections of this process, which another one has replaced, have up to 30 s to end",
                    LogField.Of("limit_ms", 30_000)))
            : End(state, "stopped at once, as asked a second time"),
        ended: () => Nothing(state));

    /// <summary>
    /// Nobody waits for the end of this drain, so it is not bounded, like that of a backend that a reload removed.
    /// </summary>
    public static ControlStep HandOver(int pid, Instant now, ControlState state) => state.Phase.Match(
        running: () => Nothing((state with { Phase = new Phase.Draining(now, Instant.Never) }).Indexed())
            .Say(LogEvent.Info("lifecycle", "handed_over",
                $"process {pid} accepts connections now; this one ends with its last open connection",
                LogField.Of("pid", pid)))
            .And(new ControlEffect.StopAccepting()),
        draining: _ => Nothing(state),
        ended: () => Nothing(state));

    public static ControlStep AllIdle(Instant now, ControlState state) => state.Phase.Match(
        running: () => Nothing(state),
        draining: d => End(state, $"stopped: every connection has ended, after {now.Since(d.Since).ToText()}"),
        ended: () => Nothing(state));

    public static ControlStep Tick(Instant now, ControlState state) => state.Phase.Match(
        running: () => Nothing(state),
        draining: d => d.NextCutAt.IsDue(now) ? Cut(d, now, state) : Nothing(state),
        ended: () => Nothing(state));

    private static ControlStep Cut(Phase.Draining draining, Instant now, ControlState state)
    {
        // The share depends on the time that is left, so that late ticks catch up and the last one cuts everything.
        var elapsed = now.Since(draining.Since.Plus(Grace)).Milliseconds;
        var cutsLeft = (int)Math.Max(1, Cuts - elapsed / CutEvery.Milliseconds);
        var step = Nothing(state with { Phase = draining with { NextCutAt = now.Plus(CutEvery) } })
            .And(new ControlEffect.Cut(cutsLeft));
        return elapsed >= (Cuts - 1) * CutEvery.Milliseconds
            ? step.Then(s => End(s, "stopped: connections that did not end within 30 s were cut"))
            : step;
    }

    private static ControlStep End(ControlState state, string message) =>
        Nothing(state with { Phase = Phase.Over })
            .Say(LogEvent.Info("lifecycle", "stopped", message))
            .And(new ControlEffect.Exit());
}
