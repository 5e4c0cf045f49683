using Bal.Domain.Backoff;
using Bal.Domain.Primitives;
using Bal.Domain.Specs.Generators;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Backoff;

/// <summary>
/// How long a backend whose client connects fail cools down (docs/behaviour.md, Failover):
/// <c>max(backoff, cooldown)</c>, where backoff is <c>initial * 2^(streak-1)</c> capped at max.
/// </summary>
[Properties(Arbitrary = [typeof(Values)])]
public class CooldownSpecs
{
    [Property]
    public void The_first_failure_backs_off_for_the_initial_time(BackoffPolicy policy, bool protection) =>
        Assert.Equal(policy.Initial, CooldownMachine.Backoff(policy, protection, 1));

    [Property]
    public void Every_further_failure_doubles_the_backoff_up_to_the_cap(BackoffPolicy policy, bool protection, Count n)
    {
        var streak = Math.Min(n.Value, int.MaxValue - 1);
        var cap = protection ? policy.Max.Times(2) : policy.Max;

        Assert.Equal(
            Duration.Min(cap, CooldownMachine.Backoff(policy, protection, streak).Times(2)),
            CooldownMachine.Backoff(policy, protection, streak + 1));
    }

    [Property]
    public void The_backoff_never_shrinks_as_the_streak_grows(
        BackoffPolicy policy, bool protection, Count a, Count b) =>
        Assert.True(
            CooldownMachine.Backoff(policy, protection, Math.Min(a.Value, b.Value)).Milliseconds
            <= CooldownMachine.Backoff(policy, protection, Math.Max(a.Value, b.Value)).Milliseconds);

    [Property]
    public void The_backoff_ends_at_the_cap(BackoffPolicy policy)
    {
        Assert.Equal(policy.Max, CooldownMachine.Backoff(policy, protection: false, int.MaxValue));
        Assert.Equal(policy.Max.Times(2), CooldownMachine.Backoff(policy, protection: true, int.MaxValue));
    }

    [Property]
    public void A_cooldown_lasts_for_the_longer_of_backoff_and_floor(BackoffPolicy policy, Count streak)
    {
        Assert.Equal(
            Duration.Max(CooldownMachine.Backoff(policy, false, streak.Value), policy.Cooldown),
            CooldownMachine.Length(policy, protection: false, streak.Value));
        Assert.Equal(
            Duration.Max(CooldownMachine.Backoff(policy, true, streak.Value), policy.Cooldown.Times(2)),
            CooldownMachine.Length(policy, protection: true, streak.Value));
    }

    [Property]
    public void A_failure_cools_the_backend_down_from_that_moment(BackoffPolicy policy, bool protection, Instant now)
    {
        var length = CooldownMachine.Length(policy, protection, 1);

        var cooldown = CooldownMachine.Failed(policy, protection, 1, now, Cooldown.None);

        Assert.Equal(new Cooldown(1, now.Plus(length)), cooldown);
        Assert.Equal(length.Milliseconds > 0, cooldown.IsCooling(now));
    }

    [Property]
    public void A_cooldown_is_over_exactly_at_its_end(BackoffPolicy policy, bool protection, Gap start)
    {
        var now = new Instant(start.Milliseconds);
        var cooldown = CooldownMachine.Failed(policy, protection, 1, now, Cooldown.None);

        Assert.True(cooldown.IsCooling(new Instant(cooldown.Until.Milliseconds - 1)));
        Assert.False(cooldown.IsCooling(cooldown.Until));
    }

    [Property]
    public void No_failure_moves_the_end_of_a_cooldown_earlier(
        BackoffPolicy before, BackoffPolicy after, bool wasOn, bool isOn, Gap gap, Count n)
    {
        var first = CooldownMachine.Failed(before, wasOn, n.Value, Instant.Zero, Cooldown.None);

        // Neither under a gentler policy nor once protection mode is off.
        var second = CooldownMachine.Failed(after, isOn, 1, new Instant(gap.Milliseconds), first);

        Assert.True(second.Until.Milliseconds >= first.Until.Milliseconds);
    }

    [Property]
    public void Failures_told_together_cool_down_like_failures_told_apart(
        BackoffPolicy policy, bool protection, Instant now)
    {
        var apart = Enumerable.Range(0, 7)
            .Aggregate(Cooldown.None, (c, _) => CooldownMachine.Failed(policy, protection, 1, now, c));

        Assert.Equal(apart, CooldownMachine.Failed(policy, protection, 7, now, Cooldown.None));
    }

    [Property]
    public void A_success_ends_the_cooldown_and_the_streak(BackoffPolicy policy, bool protection, Instant now)
    {
        var reset = CooldownMachine.Succeeded();

        Assert.False(reset.IsCooling(now));
        Assert.Equal(
            CooldownMachine.Length(policy, protection, 1),
            CooldownMachine.Failed(policy, protection, 1, Instant.Zero, reset).Until.Since(Instant.Zero));
    }

    [Property]
    public void Nothing_overflows_however_long_and_often_it_fails(
        BackoffPolicy policy, bool protection, Count n, Instant now)
    {
        var once = CooldownMachine.Failed(policy, protection, n.Value, now, Cooldown.None);
        var again = CooldownMachine.Failed(policy, protection, int.MaxValue, now, once);

        Assert.Equal(int.MaxValue, again.Streak);
        Assert.True(again.Until.Milliseconds >= now.Milliseconds);
        Assert.True(CooldownMachine.Length(policy, protection, again.Streak).Milliseconds > 0);
    }
}
