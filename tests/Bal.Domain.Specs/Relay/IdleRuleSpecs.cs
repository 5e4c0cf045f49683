using Bal.Domain.Counting;
using Bal.Domain.Relay;
using FsCheck.Xunit;
using LanguageExt;

namespace Bal.Domain.Specs.Relay;

/// <summary>When a session without traffic ends, and when its timer is armed again.</summary>
public class IdleRuleSpecs
{
    [Property(MaxTest = 500)]
    public void A_session_is_over_once_it_has_been_idle_for_the_timeout_and_not_before(
        uint lastByte, ushort timeout, ushort idleFor) => Assert.Equal(
            idleFor >= Idle(timeout).Idle, At(lastByte, 0, Idle(timeout), (long)lastByte + idleFor).IsOver);

    [Property(MaxTest = 500)]
    public void Once_a_side_has_sent_its_FIN_the_half_closed_timeout_counts_from_then_on_or_from_the_last_byte(
        ushort lastByte, ushort finAfter, ushort idle, ushort halfClosed, ushort wait)
    {
        var limits = SilenceLimits.Of(idle, halfClosed);
        var fin = 1L + lastByte + finAfter;
        var now = fin + wait;

        var step = At(lastByte, fin, limits, now);

        var byIdle = idle > 0 && now - lastByte >= idle;
        var byHalfClosed = halfClosed > 0 && now - fin >= halfClosed;
        Assert.Equal(byIdle || byHalfClosed, step.IsOver);
    }

    [Property(MaxTest = 500)]
    public void The_reason_is_the_limit_that_was_reached_first(ushort lastByte, ushort idle, ushort halfClosed)
    {
        var limits = SilenceLimits.Of(idle + 1L, halfClosed + 1);

        var step = At(lastByte + 1L, lastByte + 1L, limits, long.MaxValue / 2);

        Assert.True(step.IsOver);
        Assert.Equal(
            halfClosed < idle ? TerminationReason.HalfClosedTimeout : TerminationReason.IdleTimeout, step.Reason);
    }

    [Property(MaxTest = 500)]
    public void Zero_is_never_and_a_half_closed_timeout_above_the_idle_timeout_has_no_effect(
        ushort lastByte, ushort idle, ushort halfClosed, ushort wait)
    {
        var now = (long)lastByte + wait;

        Assert.False(At(lastByte, lastByte, SilenceLimits.Of(0, 0), now).IsOver);
        Assert.False(At(lastByte, lastByte, SilenceLimits.Of(0, Option<int>.None), now).IsOver);
        Assert.Equal(SilenceLimits.Never, At(lastByte, lastByte, SilenceLimits.Of(0, 0), now).LookAt);
        Assert.Equal(Idle(1 + idle), SilenceLimits.Of(1 + idle, 1 + idle + halfClosed));
        Assert.Equal(Idle(1 + idle), SilenceLimits.Of(1 + idle, 0));
        Assert.Equal(1 + halfClosed, SilenceLimits.Of(0, 1 + halfClosed).HalfClosed);
    }

    [Property(MaxTest = 500)]
    public void A_timer_that_is_armed_again_is_never_due_at_once_or_the_loop_would_spin(
        uint lastByte, bool finished, ushort timeout, ushort halfClosed, ushort idleFor)
    {
        var now = (long)lastByte + idleFor;
        var step = At(lastByte, finished ? now : 0, SilenceLimits.Of(timeout, halfClosed), now);
        if (!step.IsOver)
            Assert.True(step.LookAt > now);
    }

    [Property(MaxTest = 500)]
    public void Without_further_traffic_the_session_is_over_when_the_timer_fires_again_and_not_before(
        uint lastByte, ushort timeout, ushort idleFor)
    {
        var limits = Idle(1 + timeout);
        var step = At(lastByte, 0, limits, (long)lastByte + idleFor);

        Assert.True(At(lastByte, 0, limits, step.LookAt).IsOver);
        Assert.False(At(lastByte, 0, limits, step.LookAt - 1).IsOver);
    }

    [Property]
    public void Traffic_always_puts_the_end_off(uint before, ushort later, ushort timeout)
    {
        var limits = Idle(1 + timeout);
        var earlier = At(before, 0, limits, before);

        Assert.Equal(
            earlier.LookAt + later, At((long)before + later, 0, limits, (long)before + later).LookAt);
    }

    [Property]
    public void A_new_session_is_looked_at_when_it_could_end_or_its_backend_is_to_be_asked(
        ushort now, ushort idle, ushort keepalive)
    {
        var asks = Keepalive.Of(keepalive);

        var first = IdleRule.FirstLook(now, Idle(idle), asks);

        Assert.Equal(
            Math.Min(
                idle == 0 ? SilenceLimits.Never : now + idle,
                asks.IsOn ? now + asks.BeginsAfterMs : SilenceLimits.Never),
            first);
    }

    private static IdleStep At(long lastByte, long fin, SilenceLimits limits, long now) =>
        IdleRule.At(lastByte, fin, limits, now);

    private static SilenceLimits Idle(long ms) => SilenceLimits.Of(ms, Option<int>.None);
}
