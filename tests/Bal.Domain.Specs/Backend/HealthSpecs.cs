using Bal.Domain.Backend;
using Bal.Domain.Specs.Generators;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Backend;

/// <summary>
/// Rise and fall (docs/behaviour.md, Health): <c>fail_threshold</c> consecutive failures take a backend out,
/// <c>success_threshold</c> consecutive successes bring it back.
/// </summary>
[Properties(Arbitrary = [typeof(Values)])]
public class HealthSpecs
{
    [Property]
    public void A_new_backend_is_up(HealthPolicy policy) => Assert.True(HealthMachine.Initial(policy).Up);

    [Property]
    public void A_new_backend_goes_down_at_its_first_failure(HealthPolicy policy, Evidence failure)
    {
        var step = HealthMachine.Step(policy, failure.Outcome, HealthMachine.Initial(policy));

        Assert.Equal(HealthChange.WentDown, step.Change);
        Assert.False(step.State.Up);
    }

    [Property]
    public void A_backend_goes_down_exactly_at_the_fail_threshold(HealthPolicy policy, Evidence failure)
    {
        var health = Healthy(policy);
        for (var failures = 1; failures < policy.FailThreshold; failures++)
        {
            var before = HealthMachine.Step(policy, failure.Outcome, health);
            Assert.Equal(HealthChange.None, before.Change);
            Assert.True(before.State.Up);
            health = before.State;
        }

        var at = HealthMachine.Step(policy, failure.Outcome, health);
        Assert.Equal(HealthChange.WentDown, at.Change);
        Assert.False(at.State.Up);
    }

    [Property]
    public void One_success_brings_back_a_backend_that_was_never_reached(
        HealthPolicy policy, Evidence first, Evidence[] more)
    {
        var down = After(policy, more.Prepend(first).Select(failure => failure.Outcome));

        var step = HealthMachine.Step(policy, Outcome.Success, down);

        Assert.False(down.Up);
        Assert.Equal(new HealthStep(new Health(true, 0, 0), HealthChange.CameUp), step);
    }

    [Property]
    public void A_new_backend_goes_down_by_a_failure_of_this_machine_too(HealthPolicy policy) => Assert.Equal(
        HealthChange.WentDown,
        HealthMachine.Step(policy, Outcome.Failure(FailureKind.Local), HealthMachine.Initial(policy)).Change);

    [Property]
    public void What_leads_to_bal_itself_is_out_at_once(HealthPolicy policy, Outcome[] past) => Assert.False(
        HealthMachine.Step(policy, Outcome.Failure(FailureKind.OwnListener), After(policy, past)).State.Up);

    [Property]
    public void A_backend_comes_up_exactly_at_the_success_threshold(HealthPolicy policy)
    {
        var health = Down(policy);
        for (var successes = 1; successes < policy.SuccessThreshold; successes++)
        {
            var before = HealthMachine.Step(policy, Outcome.Success, health);
            Assert.Equal(HealthChange.None, before.Change);
            Assert.False(before.State.Up);
            health = before.State;
        }

        var at = HealthMachine.Step(policy, Outcome.Success, health);
        Assert.Equal(HealthChange.CameUp, at.Change);
        Assert.True(at.State.Up);
    }

    [Property]
    public void One_success_starts_the_count_of_failures_again(HealthPolicy policy, Evidence failure)
    {
        var almost = Repeat(policy, failure.Outcome, policy.FailThreshold - 1, Healthy(policy));
        var interrupted = HealthMachine.Step(policy, Outcome.Success, almost).State;

        Assert.True(Repeat(policy, failure.Outcome, policy.FailThreshold - 1, interrupted).Up);
    }

    [Property]
    public void One_failure_starts_the_count_of_successes_again(HealthPolicy policy, Evidence failure)
    {
        var almost = Repeat(policy, Outcome.Success, policy.SuccessThreshold - 1, Down(policy));
        var interrupted = HealthMachine.Step(policy, failure.Outcome, almost).State;

        Assert.False(Repeat(policy, Outcome.Success, policy.SuccessThreshold - 1, interrupted).Up);
    }

    [Property]
    public void A_backend_that_came_up_has_the_whole_fail_threshold_ahead_of_it(HealthPolicy policy, Evidence failure)
    {
        var back = Repeat(policy, Outcome.Success, policy.SuccessThreshold, Down(policy));

        Assert.Equal(policy.FailThreshold == 1, !HealthMachine.Step(policy, failure.Outcome, back).State.Up);
        Assert.False(Repeat(policy, failure.Outcome, policy.FailThreshold, back).Up);
    }

    [Property]
    public void A_local_failure_is_not_held_against_a_backend_that_was_reached(HealthPolicy policy, Outcome[] past)
    {
        var health = After(policy, past.Append(Outcome.Success));

        var step = HealthMachine.Step(policy, Outcome.Failure(FailureKind.Local), health);

        Assert.Equal(health, step.State);
        Assert.Equal(HealthChange.None, step.Change);
    }

    [Property]
    public void The_change_reported_is_the_change_that_happened(HealthPolicy policy, Outcome[] past, Outcome next)
    {
        var before = After(policy, past);

        var step = HealthMachine.Step(policy, next, before);

        Assert.Equal(step.State.Up != before.Up, step.Change != HealthChange.None);
        Assert.Equal(before.Up && !step.State.Up, step.Change == HealthChange.WentDown);
    }

    /// <summary>The naive definition: look back for the last run of equal results that was long enough.</summary>
    [Property(MaxTest = 1000)]
    public void The_last_run_that_reached_its_threshold_decides(HealthPolicy policy, Outcome[] past) =>
        Assert.Equal(NaiveHealth.IsUp(policy, past), After(policy, past).Up);

    [Fact]
    public void Failures_beyond_all_counting_do_not_overflow()
    {
        var policy = new HealthPolicy(new(1), new(1), int.MaxValue, int.MaxValue);

        var down = Repeat(policy, Outcome.Failure(FailureKind.Refused), 3, new Health(true, int.MaxValue - 1, 0));

        Assert.Equal(new Health(false, int.MaxValue, 0), down);
        Assert.True(HealthMachine.Step(policy, Outcome.Success, down with { Successes = int.MaxValue - 1 }).State.Up);
    }

    private static Health Healthy(HealthPolicy policy) =>
        HealthMachine.Step(policy, Outcome.Success, HealthMachine.Initial(policy)).State;

    private static Health Down(HealthPolicy policy) =>
        Repeat(policy, Outcome.Failure(FailureKind.Refused), policy.FailThreshold, Healthy(policy));

    private static Health Repeat(HealthPolicy policy, Outcome outcome, int times, Health from) =>
        Enumerable.Repeat(outcome, times).Aggregate(from, (h, o) => HealthMachine.Step(policy, o, h).State);

    private static Health After(HealthPolicy policy, IEnumerable<Outcome> past) =>
        past.Aggregate(HealthMachine.Initial(policy), (h, o) => HealthMachine.Step(policy, o, h).State);
}
