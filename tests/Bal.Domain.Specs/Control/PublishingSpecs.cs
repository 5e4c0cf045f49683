using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Primitives;
using Bal.Domain.Specs.Generators;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Control;

/// <summary>What the event loops are told: everything they need, and only when it has changed.</summary>
[Properties(Arbitrary = [typeof(Values), typeof(Configs), typeof(Scenarios)])]
public class PublishingSpecs
{
    [Property]
    public void At_the_start_every_service_gets_its_first_table(Scenario scenario)
    {
        var start = ControlMachine.Start(scenario.Config, Life.Birth);

        var tables = start.Tables.ToArray();
        Assert.Equal(scenario.Config.Services, tables.Select(t => t.Service));
        Assert.All(tables, t => Assert.Empty(t.Cooling.Concat(t.Down)));
        Assert.Equal(tables.Length, start.Effects.Count);
    }

    [Property]
    public void A_table_holds_every_backend_that_can_be_tried_once_and_in_its_tier(Scenario scenario) =>
        Life.Of(scenario, o => Assert.All(Living(o), service =>
        {
            foreach (var (tier, routes) in new[]
            {
                (Tier.Up, service.Table.Up), (Tier.Cooling, service.Table.Cooling), (Tier.Down, service.Table.Down),
            })
            {
                Assert.Equal(
                    service.InOrder
                        .Where(b => (!b.Draining || service.Removed) && b.IsPlaced
                            && !b.IsDrained && b.Weight > 0
                            // A removed service has nothing to look after: it keeps the table that it had.
                            && (service.Removed ? b.Tier : NaiveTier(b, o.Now)) == tier)
                        .Select(b => (b.Id, b.Endpoint, b.Addresses)),
                    routes.AsEnumerable().Select(r => (r.Id, r.Endpoint, r.Addresses)));
            }
        }));

    [Property]
    public void A_table_holds_the_policies_in_force(Scenario scenario) => Life.Of(scenario, o =>
        Assert.All(Living(o), service =>
        {
            Assert.Equal((service.Id, service.Removed), (service.Table.Id, service.Table.Removed));
            Assert.Equal(service.Config, service.Table.Service with { Backends = service.Config.Backends });
            Assert.Equal(
                service.Config.Backends.Map(config => config with
                {
                    Weight = service.InOrder.Find(b => !b.Draining && b.Endpoint == config.Endpoint)
                        .Match(b => b.Weight, () => config.Weight),
                }),
                service.Table.Service.Backends);
            Assert.Equal(service.Protection.IsOn, service.Table.Protection);
            Assert.Equal(service.InOrder.Filter(b => b.Draining).Map(b => b.Id), service.Table.Draining);
        }));

    [Property]
    public void A_policy_of_the_loops_is_published_where_nothing_else_changes(Tuning tuning)
    {
        var state = Life.At(Life.Birth, Configs.Of(Configs.Service(tuning, Configs.Pool[0])), Life.Tick);
        Tuning[] others =
        [
            tuning with { ConnectTimeout = new(tuning.ConnectTimeout.Milliseconds + 1) },
            tuning with { IdleTimeout = new(tuning.IdleTimeout.Milliseconds + 1) },
            tuning with { MaxConcurrentConnections = tuning.MaxConcurrentConnections + 1 },
            tuning with { Relay = tuning.Relay == RelayMode.Copy ? RelayMode.Splice : RelayMode.Copy },
        ];

        Assert.All(others, other => Assert.Single(
            ControlMachine.Step(
                new ControlEvent.Reloaded(Configs.Of(Configs.Service(other, Configs.Pool[0]))), Life.Birth, state)
                .Effects.OfType<ControlEffect.Publish>()));
    }

    [Property]
    public void A_table_is_published_whenever_it_changed(Scenario scenario) => Life.Of(scenario, o =>
        Assert.All(
            Living(o).Where(after => o.Before.Services.Find(after.Id.Value)
                .Match(before => after.Table != before.Table, () => true)),
            changed => Assert.Contains(o.Effects<ControlEffect.Publish>(), p => p.Service == changed.Id)));

    [Property]
    public void A_table_is_published_only_where_it_changed_or_a_cooldown_ended_or_a_share_grew(Scenario scenario) =>
        Life.Of(scenario, o =>
        Assert.All(
            Living(o).Where(after => o.Before.Services.Find(after.Id.Value).Exists(before =>
                after.Table == before.Table && before.InOrder.ForAll(b => !b.Cools || !b.Cooldown.Until.IsDue(o.Now))
                // In the table it shows only where others are offered beside it.
                && before.InOrder.ForAll(b => b.SlowStart.ForAll(start => !start.NextAt.IsDue(o.Now))))),
            same => Assert.DoesNotContain(o.Effects<ControlEffect.Publish>(), p => p.Service == same.Id)));

    [Property]
    public void A_table_asks_for_successes_exactly_where_one_would_change_the_state(Scenario scenario) =>
        Life.Of(scenario, o =>
        {
            var state = o.After.State;
            if (state.Phase is Phase.Ended)
                return;
            foreach (var route in state.InOrder.SelectMany(s => s.Table.Routes()))
            {
                var after = ControlMachine.Step(new ControlEvent.ConnectsSucceeded(route.Id, 1), o.Now, state).State;
                Assert.Equal(after != state, route.WantsSuccess);
            }
        });

    [Property]
    public void The_end_of_a_cooldown_is_published_by_the_tick_at_its_end(Scenario scenario) => Life.Of(scenario, o =>
    {
        if (o.After.State.Phase is Phase.Ended)
            return;
        // A removed service has nothing to look after: the clients left in its queue are served by the table it has.
        foreach (var cooling in o.After.State.InOrder.Filter(s => !s.Removed).SelectMany(s => s.Table.Cooling))
        {
            var end = o.After.State.Backend(cooling.Id.Value).Cooldown.Until;
            Assert.True(ControlMachine.NextDue(o.After.State).Milliseconds <= end.Milliseconds);

            var at = ControlMachine.Step(Life.Tick, end, o.After.State);
            Assert.Contains(at.Tables, table => table.Up.Exists(r => r.Id == cooling.Id));
        }
    });

    [Property]
    public void On_a_healthy_system_no_success_is_asked_for(Scenario scenario)
    {
        var start = ControlMachine.Start(scenario.Config, Life.Birth).State;
        var healthy = start.Backends().Where(b => b.IsPlaced)
            .Aggregate(start, (s, b) => s.Then(Life.Birth, Life.ConnectsSucceeded(b.Id.Value)));

        Assert.All(healthy.InOrder.SelectMany(s => s.Table.Routes()), route => Assert.False(route.WantsSuccess));
    }

    // The tier in other words than the machine's: down wins over cooling, and a cooldown needs a failure behind it.
    private static Tier NaiveTier(BackendState backend, Instant now) =>
        backend.Health.Up
            ? backend.Cooldown.Streak > 0 && now.Milliseconds < backend.Cooldown.Until.Milliseconds
                ? Tier.Cooling
                : Tier.Up
            : Tier.Down;

    private static IEnumerable<ServiceState> Living(Observation o) =>
        o.Before.Phase is Phase.Ended ? [] : o.After.State.InOrder;
}
