using Bal.Domain.Backend;
using Bal.Domain.Backoff;
using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Primitives;
using Bal.Domain.Protection;
using Bal.Domain.Specs.Generators;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Control;

/// <summary>
/// What client connects do to a backend and to protection mode (docs/behaviour.md, Failover), in a service of two
/// backends.
/// </summary>
[Properties(Arbitrary = [typeof(Values), typeof(Configs), typeof(Scenarios)])]
public class ClientConnectSpecs
{
    private static readonly Instant Now = Life.Birth;

    [Property]
    public void A_failed_client_connect_cools_the_backend_down_and_only_it(Tuning tuning, Evidence failure)
    {
        var state = Healthy(tuning).Then(Now, Life.ConnectsFailed(1, 1, failure.Kind));

        Assert.Equal(
            CooldownMachine.Failed(tuning.Backoff, state.Protected(), 1, Now, Cooldown.None),
            state.Backend(1).Cooldown);
        Assert.Equal(Cooldown.None, state.Backend(2).Cooldown);
        Assert.Equal(tuning.Health.FailThreshold == 1 ? Tier.Down : Tier.Cooling, state.Backend(1).Tier);
        Assert.Equal(Tier.Up, state.Backend(2).Tier);
    }

    [Property]
    public void A_successful_client_connect_ends_the_cooldown_and_the_streak(Tuning tuning, Count failures)
    {
        var state = Healthy(tuning).Then(Now, Life.ConnectsFailed(1, failures.Value), Life.ConnectsSucceeded(1));

        Assert.Equal(Cooldown.None, state.Backend(1).Cooldown);
    }

    [Property]
    public void Failed_client_connects_count_towards_down_exactly_like_failed_probes(Tuning tuning, Count failures)
    {
        var state = Healthy(tuning).Then(Now, Life.ConnectsFailed(1, failures.Value));

        Assert.Equal(failures.Value < tuning.Health.FailThreshold, state.Backend(1).Health.Up);
    }

    [Property]
    public void Successful_client_connects_count_towards_up_exactly_like_successful_probes(
        Tuning tuning, Count successes)
    {
        var down = Healthy(tuning).Then(Now, Life.ConnectsFailed(1, tuning.Health.FailThreshold));
        Assert.False(down.Backend(1).Health.Up);

        Assert.Equal(
            successes.Value >= tuning.Health.SuccessThreshold,
            down.Then(Now, Life.ConnectsSucceeded(1, successes.Value)).Backend(1).Health.Up);
    }

    [Property]
    public void A_probe_and_a_client_connect_make_up_one_count(Tuning tuning)
    {
        var two = tuning with { Health = tuning.Health with { FailThreshold = 2 } };

        var state = Healthy(two).Then(Now, Life.Tick, Life.ProbeFailed(1), Life.ConnectsFailed(1));

        Assert.False(state.Backend(1).Health.Up);
    }

    [Property]
    public void Failures_of_clients_and_probes_are_counted_together_by_kind(Tuning tuning, Count clients)
    {
        var state = Healthy(tuning).Then(Now, Life.Tick, Life.ProbeFailed(1, FailureKind.Timeout),
            Life.ConnectsFailed(1, clients.Value, FailureKind.Timeout), Life.ConnectsFailed(1, 1, FailureKind.Other));

        Assert.Equal(new FailureCounters(1L + clients.Value, 0, 1), state.Backend(1).Failures);
    }

    [Property]
    public void Failures_of_clients_and_probes_are_counted_apart_too(Tuning tuning, Count clients, Evidence failure)
    {
        var state = Healthy(tuning).Then(Now, Life.Tick, Life.ProbeFailed(1, FailureKind.Timeout),
            Life.ConnectsFailed(1, clients.Value, failure.Kind));

        Assert.Equal(new FailureCounters(1, 0, 0), state.Backend(1).ProbeFailures);
        Assert.Equal(FailureCounters.Zero.Add(failure.Kind, clients.Value), state.Backend(1).ConnectFailures);
    }

    [Property]
    public void Timeouts_and_refusals_of_all_backends_together_turn_protection_on_at_the_trigger(Tuning tuning)
    {
        var state = Healthy(tuning);
        for (var i = 1; i <= tuning.Protection.TriggerThreshold; i++)
        {
            Assert.False(state.Protected());
            var kind = i % 3 == 0 ? FailureKind.Timeout : FailureKind.Refused;
            state = state.Then(Now, Life.ConnectsFailed(1 + i % 2, 1, kind));
        }

        Assert.True(state.Protected());
    }

    [Property]
    public void Other_failures_of_clients_do_not_turn_protection_on(Tuning tuning, Count failures) =>
        Assert.False(Healthy(tuning).Then(Now, Life.ConnectsFailed(1, failures.Value, FailureKind.Other)).Protected());

    [Property]
    public void That_every_backend_cools_down_does_not_by_itself_turn_protection_on(Tuning tuning)
    {
        var calm = tuning with { Protection = tuning.Protection with { TriggerThreshold = 3 } };

        var state = Healthy(calm).Then(Now, Life.ConnectsFailed(1), Life.ConnectsFailed(2), Life.Tick);

        Assert.All(state.Backends(), b => Assert.True(b.Cooldown.IsCooling(Now)));
        Assert.False(state.Protected());
    }

    [Property]
    public void A_client_for_which_every_backend_failed_turns_protection_on_for_its_service_alone(Tuning tuning)
    {
        var main = Configs.Service(tuning, Configs.Pool[0]);
        var config = Configs.Of(main, main with { Name = Configs.Other });

        var state = Life.At(Now, config, new ControlEvent.ClientExhausted(new ServiceId(2)));

        Assert.Equal(new[] { false, true }, state.InOrder.Select(s => s.Protection.IsOn));
        Assert.Equal(new[] { false, true }, state.InOrder.Select(s => s.Table.Protection));
    }

    [Property]
    public void Probes_and_clients_together_turn_protection_off_after_the_stable_successes(Tuning tuning)
    {
        var state = Healthy(tuning).Then(Now, Exhausted);
        var now = Now;
        for (var successes = 0; successes < tuning.Protection.StableSuccessThreshold; successes++)
        {
            Assert.True(state.Protected());
            now = now.Plus(tuning.Health.Interval);
            // Failed probes in between do not start the count again; only failed client connects do.
            state = successes % 2 == 0
                ? state.Then(now, Life.ConnectsSucceeded(2))
                : state.Then(now, Life.Tick, Life.ProbeFailed(2), Life.ProbePassed(1));
        }

        Assert.False(state.Protected());
        Assert.Equal(ProtectionState.Quiet, state.InOrder[0].Protection);
    }

    [Property]
    public void Any_failed_client_connect_but_a_local_one_starts_the_stable_successes_again(
        Tuning tuning, FailureKind kind)
    {
        var stable = tuning.Protection.StableSuccessThreshold;
        var almost = Healthy(tuning).Then(Now, Exhausted).Then(Now, Successes(stable - 1));

        var state = almost.Then(Now, Life.ConnectsFailed(1, 1, kind), Life.ConnectsSucceeded(2));

        Assert.Equal(kind != FailureKind.Local && stable > 1, state.Protected());
    }

    [Property]
    public void While_protection_is_on_cooldown_and_cap_are_doubled(Tuning tuning, Count failures)
    {
        var state = Healthy(tuning).Then(Now, Exhausted, Life.ConnectsFailed(1, failures.Value));

        Assert.Equal(
            Now.Plus(CooldownMachine.Length(tuning.Backoff, protection: true, failures.Value)),
            state.Backend(1).Cooldown.Until);
    }

    private static ControlEvent Exhausted => new ControlEvent.ClientExhausted(new ServiceId(1));

    private static ControlEvent[] Successes(int count) =>
        Enumerable.Repeat(Life.ConnectsSucceeded(1), count).ToArray();

    private static BalConfig TwoBackends(Tuning tuning) =>
        Configs.Of(Configs.Service(tuning, Configs.Pool[0], Configs.Pool[1]));

    private static ControlState Healthy(Tuning tuning) =>
        Life.At(Now, TwoBackends(tuning), Life.ConnectsSucceeded(1), Life.ConnectsSucceeded(2));
}
