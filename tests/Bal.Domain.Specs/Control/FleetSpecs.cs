using Bal.Domain.Backend;
using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Primitives;
using Bal.Domain.Specs.Generators;
using FsCheck.Xunit;
using LanguageExt;

namespace Bal.Domain.Specs.Control;

/// <summary>
/// Several services in one process (docs/behaviour.md, Several services): each has its own state, and a reload adds,
/// removes and renames them.
/// </summary>
[Properties(Arbitrary = [typeof(Values), typeof(Configs), typeof(Scenarios)])]
public class FleetSpecs
{
    private static readonly Instant Now = new(10_000_000);

    [Property]
    public void Nothing_that_happens_to_one_service_changes_another(Scenario scenario) => Life.Of(scenario, o =>
    {
        if (ConcernedBy(o) is not { } concerned)
            return;
        foreach (var before in o.Before.InOrder.Filter(s => s.Id != concerned && !IsChangedByTime(s, o.Now)))
        {
            Assert.Same(before, o.After.State.Services[before.Id.Value]);
            Assert.DoesNotContain(new ControlEffect.Publish(before.Id), o.After.Effects);
        }
    });

    [Property]
    public void A_service_has_the_same_life_beside_others_as_alone(SteadyFleet steady)
    {
        // Without reloads: which events concern the first service is then known from its backends alone.
        var quiet = steady.Scenario with
        {
            Moments = steady.Scenario.Moments.Filter(m => m.What is not ControlEvent.Reloaded),
        };
        var alone = quiet with { Config = quiet.Config with { Services = quiet.Config.Services.Take(1).ToArr() } };
        var tables = new List<RoutingTable>();
        Life.Of(alone, o => tables.Add(o.After.State.Services[1].Table));

        var at = 0;
        Life.Of(quiet, o => Assert.Equal(tables[at++], o.After.State.Services[1].Table));
    }

    [Property]
    public void An_identity_is_given_to_one_service_in_the_life_of_the_process(Scenario scenario)
    {
        var (known, gone) =
            (new System.Collections.Generic.HashSet<int>(), new System.Collections.Generic.HashSet<int>());
        Life.Of(scenario, o =>
        {
            var living = o.After.State.InOrder.Map(s => s.Id.Value).ToHashSet();
            gone.UnionWith(known.Except(living));
            known.UnionWith(living);
            Assert.Empty(gone.Intersect(living));
            Assert.All(living, id => Assert.InRange(id, 1, o.After.State.NextServiceId - 1));
            Assert.Equal(o.After.State.Services.Keys, o.After.State.InOrder.Map(s => s.Id.Value).Order());
        });
    }

    [Property]
    public void No_two_backends_have_one_identity_whatever_service_they_are_of(Scenario scenario) =>
        Life.Of(scenario, o => Assert.Distinct(o.After.State.Backends().Select(b => b.Id)));

    [Property]
    public void The_services_are_those_of_the_file_in_its_order_and_then_those_that_drain(Scenario scenario) =>
        Life.Of(scenario, o =>
        {
            var services = o.After.State.InOrder;
            Assert.Equal(o.After.State.Config.Services, services.Take(o.After.State.Config.Services.Count)
                .Select(s => s.Config));
            Assert.Equal(
                services.Map((i, _) => i >= o.After.State.Config.Services.Count), services.Map(s => s.Removed));
            Assert.All(services.Filter(s => s.Removed), s => Assert.All(s.InOrder, b => Assert.True(b.Draining)));
        });

    [Property]
    public void A_renamed_service_on_the_same_listener_keeps_identity_health_counters_and_protection(SteadyFleet past)
    {
        var before = Past(past.Scenario);
        var renamed = before.Config with
        {
            Services = before.Config.Services.Map((i, s) => i == 0 ? s with { Name = "renamed" } : s).ToArr(),
        };

        var step = Reload(renamed, before);

        Assert.Equal("renamed", step.State.InOrder[0].Config.Name);
        AssertAsBefore(before.InOrder[0], step.State.InOrder[0]);
        Assert.Equal(before.NextServiceId, step.State.NextServiceId);
        Assert.Equal(before.NextBackendId, step.State.NextBackendId);
    }

    [Property]
    public void Where_two_services_swap_their_names_each_goes_with_its_name(SteadyFleet past)
    {
        var before = Past(past.Scenario);
        var last = before.Config.Services.Count - 1;

        var after = Reload(Fleets.NamesSwapped(before.Config, 0, last), before).State;

        Assert.All(before.InOrder.Filter(s => !s.Removed), s => Assert.Equal(
            s.Id, after.InOrder.Filter(a => !a.Removed).Single(a => a.Config.Name == s.Config.Name).Id));
    }

    [Property]
    public void The_order_of_the_file_changes_nothing_but_the_order(SteadyFleet past)
    {
        var before = Past(past.Scenario);
        var turned = before.Config with { Services = new(before.Config.Services.Reverse()) };

        var after = Reload(turned, before).State;

        Assert.Equal(
            before.InOrder.Filter(s => !s.Removed).Map(s => s.Id).Reverse(), after.InOrder.Filter(s => !s.Removed)
                .Map(s => s.Id));
        Assert.All(before.InOrder, s => AssertAsBefore(s, after.Services[s.Id.Value]));
    }

    [Property]
    public void A_removed_service_still_offers_its_backends_and_is_neither_probed_nor_talked_about(
        SteadyFleet past, Gap gap)
    {
        var before = Past(past.Scenario);
        var removed = Reload(Elsewhere(before), before).State;
        foreach (var service in removed.InOrder.Filter(s => s.Removed))
        {
            var table = service.Table;
            Assert.True(table.Removed);
            Assert.Equal(
                service.InOrder.Filter(b => b.IsPlaced).Map(b => b.Id.Value).Order(),
                table.Routes().Select(r => r.Id.Value).Order());
            Assert.Equal(service.InOrder.Map(b => b.Id), table.Draining);
            Assert.All(table.Routes(), r => Assert.False(r.WantsSuccess));

            var silent = Quiet(removed, Now.Plus(new(gap.Milliseconds)));
            ControlEvent[] events =
            [
                Life.Tick, new ControlEvent.ClientExhausted(service.Id),
                .. service.InOrder.Bind(b => Prelude.Array(
                    Life.ConnectsFailed(b.Id.Value, 100), Life.ConnectsSucceeded(b.Id.Value), Life.ProbeFailed(
                        b.Id.Value))),
            ];
            foreach (var happened in events)
            {
                var step = ControlMachine.Step(happened, Now.Plus(new(gap.Milliseconds)), silent);
                Assert.DoesNotContain(
                    step.Effects, e => e is not ControlEffect.StartProbe and not ControlEffect.Resolve);
                Assert.DoesNotContain(
                    step.Effects, e =>
                        e is ControlEffect.StartProbe p && service.Backends.Exists(b => b.Id == p.Backend));
            }
        }
    }

    [Property]
    public void A_removed_service_is_forgotten_exactly_with_its_last_backend(SteadyFleet past)
    {
        var before = Past(past.Scenario);
        var state = Reload(Elsewhere(before), before).State;
        foreach (var service in state.InOrder.Filter(s => s.Removed))
        {
            foreach (var (i, backend) in service.InOrder.Map((i, b) => (i, b)))
            {
                var step = ControlMachine.Step(new ControlEvent.BackendIdle(backend.Id), Now, state);
                var last = i == service.Backends.Count - 1;

                Assert.Equal(!last, step.State.Services.ContainsKey(service.Id.Value));
                Assert.Equal(
                    last
                        ? [new ControlEffect.Forget(backend.Id), new ControlEffect.ForgetService(service.Id)]
                        : (ControlEffect[])[new ControlEffect.Publish(service.Id),
                            new ControlEffect.Forget(backend.Id)],
                    step.Effects.Filter(e => e is not ControlEffect.Log));
                state = step.State;
            }
        }
    }

    [Property]
    public void A_service_is_forgotten_once_and_only_after_it_was_removed(Scenario scenario) => Life.Of(scenario, o =>
    {
        var gone = o.Before.InOrder.Map(s => s.Id).Except(o.After.State.InOrder.Map(s => s.Id)).ToArray();

        Assert.Equal(gone, o.Effects<ControlEffect.ForgetService>().Select(e => e.Service));
        Assert.All(gone, id => Assert.True(o.Before.Services[id.Value].Removed));
    });

    [Property]
    public void A_removed_service_that_comes_back_before_its_last_connection_ends_is_the_same(SteadyFleet past, Gap gap)
    {
        var before = Past(past.Scenario);
        var removed = Reload(Elsewhere(before), before).State;

        var back = ControlMachine.Step(
            new ControlEvent.Reloaded(before.Config), Now.Plus(new(gap.Milliseconds)), removed).State;

        foreach (var service in before.InOrder.Filter(s => !s.Removed))
        {
            AssertAsBefore(service, back.Services[service.Id.Value]);
            Assert.False(back.Services[service.Id.Value].Removed);
        }
    }

    [Property]
    public void Of_two_removed_services_of_one_name_the_later_comes_back(Tuning tuning)
    {
        Service One(string name, int port) =>
            Fleets.At(port, Configs.Service(tuning, Configs.Pool[0])) with { Name = name };
        var other = One("other", 1);

        var state = new[]
        {
            Configs.Of(other),
            Configs.Of(other, One("renamed later", 3)),
            // On that listener, so that it is that one; the first "web" still drains.
            Configs.Of(other, One("web", 3)),
            Configs.Of(other),
            Configs.Of(other, One("web", 4)),
        }.Aggregate(ControlMachine.Start(Configs.Of(other, One("web", 2)), Now).State, (s, next) =>
            Reload(next, s).State);

        Assert.Equal((true, false), (state.Services[2].Removed, state.Services[3].Removed));
    }

    [Property]
    public void However_many_backends_share_a_name_there_is_one_lookup_of_it_at_a_time(Scenario scenario) =>
        Life.Of(scenario, o =>
        {
            var started = o.Effects<ControlEffect.Resolve>().Select(e => e.Name).ToArray();
            Assert.Distinct(started);
            Assert.All(started, name => Assert.DoesNotContain(
                o.Before.Backends(), b => StateIndex.NameOf(b) == name && b.Resolution.InFlight));
            Assert.All(started, name => Assert.All(
                o.After.State.Backends().Where(b => StateIndex.NameOf(b) == name), b =>
                    Assert.True(b.Resolution.InFlight)));
        });

    [Property]
    public void An_answer_reaches_every_backend_of_that_name_in_every_service(Scenario scenario) =>
        Life.Of(scenario, o =>
    {
        if (o.Happened is ControlEvent.Resolved answer && o.Before.Phase is not Phase.Ended)
        {
            Assert.All(o.After.State.Backends().Where(b => StateIndex.NameOf(b) == answer.Name), b =>
            {
                Assert.False(b.Resolution.InFlight);
                if (!answer.Addresses.IsEmpty)
                    Assert.Equal(answer.Addresses.Order(ByText), b.Addresses.Order(ByText));
            });
        }
    });

    private static readonly IComparer<System.Net.IPAddress> ByText =
        Comparer<System.Net.IPAddress>.Create((a, b) => string.CompareOrdinal(a.ToString(), b.ToString()));

    private static ServiceId? ConcernedBy(Observation o) => o.Happened switch
    {
        ControlEvent.ProbeEnded e => OwnerOf(e.Backend, o.Before),
        ControlEvent.ConnectsFailed e => OwnerOf(e.Backend, o.Before),
        ControlEvent.ConnectsSucceeded e => OwnerOf(e.Backend, o.Before),
        ControlEvent.BackendIdle e => OwnerOf(e.Backend, o.Before),
        ControlEvent.ClientExhausted e => e.Service,
        ControlEvent.ClientsRefused e => e.Service,
        ControlEvent.ConnectionsSilenced e => e.Service,
        _ => null,
    };

    // An event about a backend that nobody knows concerns none.
    private static ServiceId OwnerOf(BackendId id, ControlState state) => state.InOrder
        .Filter(s => s.Backends.Exists(b => b.Id == id)).Map(s => s.Id).SingleOrDefault(new ServiceId(0));

    private static bool IsChangedByTime(ServiceState service, Instant now) =>
        service.Backends.Exists(b => !b.Draining && ((b.Cools && b.Cooldown.Until.IsDue(now))
            || b.SlowStart.Exists(start => start.NextAt.IsDue(now))));

    private static void AssertAsBefore(ServiceState before, ServiceState after)
    {
        Assert.Equal((before.Id, before.Protection, before.Refusals), (after.Id, after.Protection, after.Refusals));
        Assert.Equal(before.Silenced, after.Silenced);
        Assert.Equal(before.History, after.History);
        Assert.Equal(
            before.InOrder.Map(b => (b.Id, b.Endpoint, b.Health, b.Cooldown, b.Failures, b.Addresses)),
            after.InOrder.Map(b => (b.Id, b.Endpoint, b.Health, b.Cooldown, b.Failures, b.Addresses)));
    }

    // A life without an end, in which time has done its work.
    private static ControlState Past(Scenario scenario) => Life.Of(
        scenario with
        {
            Moments = scenario.Moments.Filter(m => m.What is not (ControlEvent.StopRequested or ControlEvent.AllIdle)),
        },
        _ => { }).Then(Now, Life.Tick);

    private static ControlStep Reload(BalConfig config, ControlState state) =>
        ControlMachine.Step(new ControlEvent.Reloaded(config), Now, state);

    private static BalConfig Elsewhere(ControlState state) => state.Config with
    {
        Services = Prelude.Array(
            Fleets.At(1, Configs.Service(Tuning.For(1), Configs.At("10.9.9.9", 1)) with { Name = "elsewhere" })),
    };

    // Whatever was due about others has been done, and nobody cools down any more.
    private static ControlState Quiet(ControlState state, Instant now) => state.Then(now, Life.Tick);
}
