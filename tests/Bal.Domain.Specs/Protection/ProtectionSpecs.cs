using Bal.Domain.Primitives;
using Bal.Domain.Protection;
using Bal.Domain.Specs.Generators;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Protection;

/// <summary>
/// When protection mode turns on and off (docs/behaviour.md, Protection mode): on by a storm of failed client connects
/// within the window or by one client for which every backend failed; off by enough successes in a row.
/// </summary>
[Properties(Arbitrary = [typeof(Values)])]
public class ProtectionSpecs
{
    private static readonly ProtectionEvent OneFailed = new ProtectionEvent.ClientConnectsFailed(1);
    private static readonly ProtectionEvent OneSucceeded = new ProtectionEvent.Succeeded(1);
    private static readonly ProtectionEvent Exhausted = new ProtectionEvent.ClientExhausted();
    private static readonly ProtectionEvent FailedOtherwise = new ProtectionEvent.ClientConnectsFailedOtherwise();

    [Property]
    public void It_turns_on_exactly_at_the_trigger(ProtectionPolicy policy, Instant now)
    {
        var before = Repeat(policy, OneFailed, policy.TriggerThreshold - 1, now, ProtectionState.Quiet);
        Assert.False(before.IsOn);

        var at = ProtectionMachine.Step(policy, OneFailed, now, before);
        Assert.Equal(new ProtectionState.On(ProtectionReason.TimeoutOrRefusedStorm, now, 0), at.State);
        Assert.Equal(ProtectionChange.TurnedOn, at.Change);
    }

    [Property]
    public void A_failure_one_window_old_no_longer_counts(ProtectionPolicy policy)
    {
        var before = Repeat(policy, OneFailed, policy.TriggerThreshold - 1, Instant.Zero, ProtectionState.Quiet);

        var justWithin = new Instant(policy.Window.Milliseconds - 1);
        Assert.True(ProtectionMachine.Step(policy, OneFailed, justWithin, before).State.IsOn);

        var justOutside = new Instant(policy.Window.Milliseconds);
        Assert.Equal(
            policy.TriggerThreshold == 1,
            ProtectionMachine.Step(policy, OneFailed, justOutside, before).State.IsOn);
    }

    [Property]
    public void One_client_for_which_every_backend_failed_turns_it_on(ProtectionPolicy policy, Instant now)
    {
        var step = ProtectionMachine.Step(policy, Exhausted, now, ProtectionState.Quiet);

        Assert.Equal(new ProtectionState.On(ProtectionReason.AllBackendsUnavailable, now, 0), step.State);
        Assert.Equal(ProtectionChange.TurnedOn, step.Change);
    }

    [Property]
    public void Only_timeouts_and_refusals_make_a_storm(ProtectionPolicy policy, Instant now) =>
        Assert.False(Repeat(policy, FailedOtherwise, 100, now, ProtectionState.Quiet).IsOn);

    [Property]
    public void A_success_while_off_forgets_no_failure(ProtectionPolicy policy, Instant now)
    {
        var before = Repeat(policy, OneFailed, policy.TriggerThreshold - 1, now, ProtectionState.Quiet);
        var interrupted = Repeat(policy, OneSucceeded, 3, now, before);

        Assert.True(ProtectionMachine.Step(policy, OneFailed, now, interrupted).State.IsOn);
    }

    [Property]
    public void It_turns_off_exactly_at_the_stable_successes(ProtectionPolicy policy, Instant now)
    {
        var before = Repeat(policy, OneSucceeded, policy.StableSuccessThreshold - 1, now, On(policy, now));
        Assert.True(before.IsOn);

        var at = ProtectionMachine.Step(policy, OneSucceeded, now, before);
        Assert.False(at.State.IsOn);
        Assert.Equal(ProtectionChange.TurnedOff, at.Change);
    }

    [Property]
    public void Every_failed_client_connect_starts_the_successes_again(ProtectionPolicy policy, Instant now)
    {
        var almost = Repeat(policy, OneSucceeded, policy.StableSuccessThreshold - 1, now, On(policy, now));
        foreach (var failure in new[] { OneFailed, FailedOtherwise, Exhausted })
        {
            var interrupted = ProtectionMachine.Step(policy, failure, now, almost).State;
            Assert.True(Repeat(policy, OneSucceeded, policy.StableSuccessThreshold - 1, now, interrupted).IsOn);
        }
    }

    [Property]
    public void Reason_and_beginning_stay_while_it_is_on(ProtectionPolicy policy, ProtectionMoment[] moments)
    {
        var state = On(policy, new Instant(7));
        foreach (var moment in moments)
        {
            state = ProtectionMachine.Step(policy, moment.What, new Instant(9), state).State;
            if (state is not ProtectionState.On on)
                return;
            Assert.Equal(ProtectionReason.AllBackendsUnavailable, on.Reason);
            Assert.Equal(new Instant(7), on.Since);
        }
    }

    [Property]
    public void After_it_turned_off_nothing_old_is_remembered(
        ProtectionPolicy policy, ProtectionMoment[] past, Instant now)
    {
        var state = past.Aggregate(On(policy, now), (s, m) => ProtectionMachine.Step(policy, m.What, now, s).State);
        if (!state.IsOn)
            state = On(policy, now);

        var off = Repeat(policy, OneSucceeded, policy.StableSuccessThreshold, now, state);

        Assert.Equal(ProtectionState.Quiet, off);
        Assert.False(Repeat(policy, OneFailed, policy.TriggerThreshold - 1, now, off).IsOn);
    }

    [Property]
    public void One_event_never_both_turns_it_on_and_off(ProtectionPolicy policy, ProtectionMoment[] moments)
    {
        var now = 0L;
        var state = ProtectionState.Quiet;
        foreach (var moment in moments)
        {
            now += moment.Gap.Milliseconds;
            var step = ProtectionMachine.Step(policy, moment.What, new Instant(now), state);
            var expected = (state.IsOn, step.State.IsOn) switch
            {
                (false, true) => ProtectionChange.TurnedOn,
                (true, false) => ProtectionChange.TurnedOff,
                _ => ProtectionChange.None,
            };
            Assert.Equal(expected, step.Change);
            Assert.Equal(moment.What is ProtectionEvent.Succeeded, expected == ProtectionChange.TurnedOff
                || (expected == ProtectionChange.None && moment.What is ProtectionEvent.Succeeded));
            state = step.State;
        }
    }

    /// <summary>The naive definition, kept beside the machine over any history.</summary>
    [Property(MaxTest = 1000)]
    public void It_is_on_exactly_when_the_list_of_all_failure_times_says_so(
        ProtectionPolicy policy, ProtectionMoment[] moments)
    {
        var naive = new NaiveProtection(policy);
        var state = ProtectionState.Quiet;
        var now = 0L;
        foreach (var moment in moments)
        {
            now += moment.Gap.Milliseconds;
            naive.Happened(moment.What, now);
            state = ProtectionMachine.Step(policy, moment.What, new Instant(now), state).State;
            Assert.Equal(naive.On, state.IsOn);
        }
    }

    [Property]
    public void Happenings_told_together_count_like_happenings_told_apart(ProtectionPolicy policy, Instant now)
    {
        foreach (var start in new[] { ProtectionState.Quiet, On(policy, now) })
        {
            Assert.Equal(
                Repeat(policy, OneFailed, 5, now, start),
                ProtectionMachine.Step(policy, new ProtectionEvent.ClientConnectsFailed(5), now, start).State);
            Assert.Equal(
                Repeat(policy, OneSucceeded, 5, now, start),
                ProtectionMachine.Step(policy, new ProtectionEvent.Succeeded(5), now, start).State);
        }
    }

    [Fact]
    public void What_is_remembered_is_bounded_and_no_failure_is_lost_by_that()
    {
        var failures = ProtectionMachine.MaxMarks + 500;
        var policy = new ProtectionPolicy(failures, new(long.MaxValue), 1);
        var state = ProtectionState.Quiet;
        for (var ms = 0; ms < failures - 1; ms++)
            state = ProtectionMachine.Step(policy, OneFailed, new Instant(ms), state).State;

        var off = Assert.IsType<ProtectionState.Off>(state);
        Assert.Equal(ProtectionMachine.MaxMarks, off.Recent.Count);
        Assert.Equal(failures - 1, ProtectionMachine.CountWithin(policy, new Instant(failures), off));
        Assert.True(ProtectionMachine.Step(policy, OneFailed, new Instant(failures), state).State.IsOn);
    }

    [Fact]
    public void Counts_beyond_all_counting_do_not_overflow()
    {
        var policy = new ProtectionPolicy(int.MaxValue, new(1_000), int.MaxValue);
        var many = new ProtectionEvent.ClientConnectsFailed(int.MaxValue - 1);
        var nearly = ProtectionMachine.Step(policy, many, Instant.Zero, ProtectionState.Quiet).State;
        Assert.False(nearly.IsOn);

        var on = ProtectionMachine.Step(policy, many, Instant.Zero, nearly).State;
        Assert.True(on.IsOn);

        var most = new ProtectionEvent.Succeeded(int.MaxValue - 1);
        on = ProtectionMachine.Step(policy, most, Instant.Zero, on).State;
        Assert.True(on.IsOn);
        Assert.False(ProtectionMachine.Step(policy, most, Instant.Zero, on).State.IsOn);
    }

    [Fact]
    public void The_reasons_have_stable_names()
    {
        Assert.Equal("timeout_or_refused_storm", ProtectionText.Of(ProtectionReason.TimeoutOrRefusedStorm));
        Assert.Equal("all_backends_unavailable", ProtectionText.Of(ProtectionReason.AllBackendsUnavailable));
    }

    private static ProtectionState On(ProtectionPolicy policy, Instant now) =>
        ProtectionMachine.Step(policy, Exhausted, now, ProtectionState.Quiet).State;

    private static ProtectionState Repeat(
        ProtectionPolicy policy, ProtectionEvent what, int times, Instant now, ProtectionState from) =>
        Enumerable.Repeat(what, times).Aggregate(from, (s, e) => ProtectionMachine.Step(policy, e, now, s).State);
}
