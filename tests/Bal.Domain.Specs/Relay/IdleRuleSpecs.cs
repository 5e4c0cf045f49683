using Bal.Domain.Relay;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Relay;

/// <summary>When a session without traffic ends, and when its timer is armed again.</summary>
public class IdleRuleSpecs
{
    [Property(MaxTest = 500)]
    public void A_session_is_over_once_it_has_been_idle_for_the_timeout_and_not_before(
        uint lastActivity, ushort timeout, ushort idleFor) => Assert.Equal(
            idleFor >= timeout, IdleRule.At(lastActivity, timeout, (long)lastActivity + idleFor).IsOver);

    [Property]
    public void Exactly_at_the_deadline_it_is_over(uint lastActivity, ushort timeout) =>
        Assert.True(IdleRule.At(lastActivity, timeout, (long)lastActivity + timeout).IsOver);

    [Property(MaxTest = 500)]
    public void A_timer_that_is_armed_again_is_never_due_at_once_or_the_loop_would_spin(
        uint lastActivity, ushort timeout, ushort idleFor)
    {
        var now = (long)lastActivity + idleFor;
        var step = IdleRule.At(lastActivity, timeout, now);
        if (!step.IsOver)
            Assert.True(step.RearmAt > now);
    }

    [Property(MaxTest = 500)]
    public void Without_further_traffic_the_session_is_over_when_the_timer_fires_again(
        uint lastActivity, ushort timeout, ushort idleFor)
    {
        var step = IdleRule.At(lastActivity, timeout, (long)lastActivity + idleFor);

        Assert.True(IdleRule.At(lastActivity, timeout, step.RearmAt).IsOver);
        if (timeout > 0)
            Assert.False(IdleRule.At(lastActivity, timeout, step.RearmAt - 1).IsOver);
    }

    [Property]
    public void Traffic_always_puts_the_end_off(uint before, ushort later, ushort timeout)
    {
        var earlier = IdleRule.At(before, timeout, before);

        Assert.Equal(earlier.RearmAt + later, IdleRule.At((long)before + later, timeout, (long)before + later).RearmAt);
    }
}
