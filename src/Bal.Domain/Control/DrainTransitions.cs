using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;
using static Bal.Domain.Control.Decisions;

namespace Bal.Domain.Control;

/// <summary>
/// A stop: for the configured delay clients are still accepted, then connections may end by themselves, and what is
/// left at last is cut in equal shares, so that not every client reconnects at the same moment.
/// </summary>
internal static class DrainTransitions
{
    /// <summary>How often a share is cut.</summary>
    public static readonly Duration CutEvery = new(100);

    public static Instant DueAt(Phase phase) => phase.Match(
        () => Instant.Never, delaying => delaying.Until, draining => draining.NextCutAt, () => Instant.Never);

    public static ControlStep Stop(ControlEvent.StopRequested stop, Instant now, ControlState state)
    {
        var within = stop.Within.IfNone(state.Config.DrainTimeout);
        return state.Phase.Match(
            running: () => state.Config.StopDelay == Duration.Zero
                ? Drain(within, now, state)
                : Delay(within, now, state),
            delaying: d => stop.ByCommand ? Shorten(stop.Within, d, state) : AtOnce(state),
            draining: d => d.IsHandedOver ? Drain(within, now, state)
                : stop.ByCommand ? Shorten(stop.Within, d, now, state)
                : AtOnce(state),
            ended: () => Nothing(state));
    }

    /// <summary>
    /// Nobody waits for the end of this drain, so it is not bounded, like that of a backend that a reload removed.
    /// </summary>
    public static ControlStep HandOver(int pid, Instant now, ControlState state) => state.Phase.Match(
        running: () => Nothing((state with { Phase = Phase.Draining.Replaced(now) }).Indexed())
            .Say(LogEvent.Info("lifecycle", "handed_over",
                $"process {pid} accepts connections now; this one ends with its last open connection",
                LogField.Of("pid", pid)))
            .And(new ControlEffect.StopAccepting()),
        delaying: _ => Nothing(state),
        draining: _ => Nothing(state),
        ended: () => Nothing(state));

    public static ControlStep AllIdle(Instant now, ControlState state) => state.Phase.Match(
        running: () => Nothing(state),
        delaying: _ => Nothing(state),
        draining: d => End(state, $"stopped: every connection has ended, after {now.Since(d.Since).ToText()}"),
        ended: () => Nothing(state));

    public static ControlStep Tick(Instant now, ControlState state) => state.Phase.Match(
        running: () => Nothing(state),
        delaying: d => d.Until.IsDue(now) ? Drain(d.Within, now, state) : Nothing(state),
        draining: d => d.NextCutAt.IsDue(now) ? Cut(d, now, state) : Nothing(state),
        ended: () => Nothing(state));

    private static ControlStep Delay(Duration within, Instant now, ControlState state) =>
        Nothing(state with { Phase = new Phase.Delaying(now, now.Plus(state.Config.StopDelay), within) })
            .Say(LogEvent.Info("lifecycle", "stop_delayed",
                $"stopping in {state.Config.StopDelay.ToText()}: clients are accepted until then; 'bal ready' fails",
                LogField.Of("delay_ms", state.Config.StopDelay.Milliseconds),
                LogField.Of("limit_ms", within.Milliseconds)));

    private static ControlStep Drain(Duration within, Instant now, ControlState state)
    {
        var accepts = !state.Phase.IsHandedOver;
        var step = Nothing(state);
        if (within == Duration.Zero)
            return (accepts ? step.And(new ControlEffect.StopAccepting()) : step)
                .And(new ControlEffect.Cut(1))
                .Then(s => End(s, "stopped: open connections were cut, as 'drain_timeout_ms' or '--timeout' is 0"));
        step = Nothing((state with { Phase = Phase.Draining.Until(now, now.Plus(within), within) }).Indexed())
            .Say(LogEvent.Info("lifecycle", "draining",
                accepts
                    ? $"stopping: no new connections are accepted, open ones have up to {within.ToText()} to finish"
                    : "stopping: this process has been replaced; its open connections have up to "
                        + $"{within.ToText()} to finish",
                LogField.Of("limit_ms", within.Milliseconds)));
        return accepts ? step.And(new ControlEffect.StopAccepting()) : step;
    }

    private static ControlStep Shorten(Option<Duration> asked, Phase.Delaying delaying, ControlState state) =>
        asked.Filter(within => within.Milliseconds < delaying.Within.Milliseconds).Match(
            Some: within => Nothing(state with { Phase = delaying with { Within = within } }).Say(Shortened(within)),
            None: () => Nothing(state));

    private static ControlStep Shorten(
        Option<Duration> asked, Phase.Draining draining, Instant now, ControlState state) =>
        asked.Filter(within => now.Plus(within).Milliseconds < draining.EndsAt.Milliseconds).Match(
            Some: within => within == Duration.Zero
                ? Nothing(state).And(new ControlEffect.Cut(1))
                    .Then(s => End(s, "stopped: open connections were cut, as the last 'bal stop' requested"))
                : Nothing(state with { Phase = Phase.Draining.Until(draining.Since, now.Plus(within), within) })
                    .Say(Shortened(within)),
            None: () => Nothing(state));

    private static LogEvent Shortened(Duration within) => LogEvent.Info("lifecycle", "drain_shortened",
        $"stopping: open connections now have up to {within.ToText()} to finish",
        LogField.Of("limit_ms", within.Milliseconds));

    private static ControlStep Cut(Phase.Draining draining, Instant now, ControlState state)
    {
        // The share depends on the time that is left, so that late ticks catch up and the last one cuts everything.
        var cuts = Math.Max(1, draining.Cutting.Milliseconds / CutEvery.Milliseconds);
        var elapsed = now.Since(draining.CutsFrom).Milliseconds;
        var left = (int)Math.Max(1, cuts - elapsed / CutEvery.Milliseconds);
        var step = Nothing(state with { Phase = draining with { NextCutAt = now.Plus(CutEvery) } })
            .And(new ControlEffect.Cut(left));
        return elapsed >= (cuts - 1) * CutEvery.Milliseconds
            ? step.Then(s => End(s, "stopped: connections that did not finish within "
                + $"{draining.EndsAt.Since(draining.Since).ToText()} were cut"))
            : step;
    }

    private static ControlStep AtOnce(ControlState state) => End(state, "stopped immediately: second stop signal");

    private static ControlStep End(ControlState state, string message) =>
        Nothing(state with { Phase = Phase.Over })
            .Say(LogEvent.Info("lifecycle", "stopped", message))
            .And(new ControlEffect.Exit());
}
