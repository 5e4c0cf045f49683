using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Primitives;
using Bal.Domain.Specs.Generators;
using FsCheck.Xunit;
using LanguageExt;

namespace Bal.Domain.Specs.Control;

/// <summary>
/// What makes a step cheap however many backends there are: an index that always agrees with a look at all of them, and
/// steps that leave alone what they are not about.
/// </summary>
[Properties(Arbitrary = [typeof(Values), typeof(Configs), typeof(Scenarios)])]
public class IndexSpecs
{
    [Property(MaxTest = 300)]
    public void The_index_is_always_that_of_the_services(Scenario scenario)
    {
        var start = ControlMachine.Start(scenario.Config, Life.Birth).State;
        Assert.Equal(StateIndex.Of(start.Services.Values, handedOver: false), start.Index);

        Life.Of(scenario, o => Assert.Equal(Anew(o.After.State), o.After.State.Index));
    }

    [Property]
    public void The_index_is_that_of_the_services_after_an_upgrade_too(Scenario scenario, Instant now)
    {
        var last = Life.Of(scenario, _ => { });
        var handedOver = last.Then(now, new ControlEvent.HandedOver(4711));
        var stopped = handedOver.Then(now, Life.Stop);
        var adopted = ControlMachine.Adopt(now, handedOver).State;

        Assert.All(new[] { handedOver, stopped, adopted }, state => Assert.Equal(Anew(state), state.Index));
    }

    [Property]
    public void What_is_due_next_is_what_a_look_at_everything_finds(Scenario scenario) => Life.Of(scenario, o =>
    {
        if (o.After.State.Phase is not Phase.Ended)
            Assert.Equal(NaiveNextDue(o.After.State), ControlMachine.NextDue(o.After.State));
    });

    [Property]
    public void A_backend_is_found_where_it_is_and_nowhere_once_it_is_forgotten(Scenario scenario) =>
        Life.Of(scenario, o =>
    {
        foreach (var service in o.After.State.InOrder)
        {
            foreach (var (place, backend) in service.Backends)
                Assert.Equal(Option<Home>.Some(new(service.Id, place)), o.After.State.Index.Find(backend.Id));
        }

        Assert.All(o.Effects<ControlEffect.Forget>(), e => Assert.True(o.After.State.Index.Find(e.Backend).IsNone));
    });

    [Property]
    public void A_step_leaves_alone_every_backend_that_it_is_not_about(Scenario scenario) => Life.Of(scenario, o =>
    {
        // A reload is about all of them.
        if (o.Happened is ControlEvent.Reloaded)
            return;
        foreach (var service in o.Before.InOrder)
        {
            foreach (var before in service.InOrder.Filter(b => !IsAbout(o, b)))
                Assert.Same(before, o.After.State.Backend(before.Id.Value));
        }
    });

    [Property]
    public void A_step_leaves_alone_every_service_that_it_is_not_about(Scenario scenario) => Life.Of(scenario, o =>
    {
        if (o.Happened is ControlEvent.Reloaded)
            return;
        foreach (var before in o.Before.InOrder.Filter(
            s => !s.Backends.Exists(b => IsAbout(o, b)) && !IsAboutService(o, s)))
            Assert.Same(before, o.After.State.Services[before.Id.Value]);
    });

    [Property]
    public void A_tick_looks_after_so_many_backends_and_the_next_one_is_due_at_once_while_more_wait(ushort more)
    {
        var backends = 1 + more % (4 * ControlMachine.TickBatch);
        var (state, left) = (ControlMachine.Start(Many(backends), Life.Birth).State, backends);
        while (left > 0)
        {
            Assert.Equal(Life.Birth, ControlMachine.NextDue(state));
            var step = ControlMachine.Step(Life.Tick, Life.Birth, state);
            var probes = step.Effects.OfType<ControlEffect.StartProbe>().Count();
            Assert.Equal(Math.Min(left, ControlMachine.TickBatch), probes);
            (state, left) = (step.State, left - probes);
        }

        Assert.True(ControlMachine.NextDue(state).CompareTo(Life.Birth) > 0);
    }

    [Property]
    public void The_most_overdue_are_looked_after_first(byte late)
    {
        // Those of the second half are due as many milliseconds later.
        var config = Many(2 * ControlMachine.TickBatch);
        var half = config with
        {
            Services = Prelude.Array(config.Services[0] with
            {
                Backends = config.Services[0].Backends.Take(ControlMachine.TickBatch).ToArr(),
            })
        };
        var state = ControlMachine.Start(half, Life.Birth).State
            .Then(Life.Birth.Plus(new(late)), new ControlEvent.Reloaded(config));

        var first = ControlMachine.Step(Life.Tick, Life.Birth.Plus(new(1_000)), state);

        Assert.Equal(
            Enumerable.Range(1, ControlMachine.TickBatch),
            first.Effects.OfType<ControlEffect.StartProbe>().Select(p => p.Backend.Value));
    }

    /// <summary>So many backends in ten services, each with an address.</summary>
    internal static BalConfig Many(int backends) =>
        Configs.Of([.. Enumerable.Range(0, Math.Min(10, backends)).Select(s =>
        Fleets.At(10_000 + s, Configs.Service(Tuning.For(6), [.. Enumerable.Range(0, backends).Where(i => i % 10 == s)
            .Select(i => Configs.At($"10.{i >> 16}.{(i >> 8) & 255}.{i & 255}", 9_000))])) with { Name = $"s{s}" })]);

    private static StateIndex Anew(ControlState state) =>
        StateIndex.Of(state.Services.Values, state.Phase.IsHandedOver);

    // Every due time there is, one after the other.
    private static Instant NaiveNextDue(ControlState state)
    {
        var due = new List<Instant> { Instant.Never, state.Lost.DueAt, state.NotMade.DueAt };
        due.AddRange(state.InOrder.Bind(s => s.Refusals.AddRange(s.Silenced)).Map(notice => notice.DueAt));
        if (state.Phase is Phase.Draining draining)
            due.Add(draining.NextCutAt);
        if (state.Phase is Phase.Delaying delaying)
            due.Add(delaying.Until);
        if (!state.Phase.IsHandedOver)
            due.Add(state.Keeping.RetryAt);
        due.AddRange(state.Backends().Select(b => b.ResetAt));
        foreach (var backend in state.Backends().Where(b => !b.Draining))
        {
            if (backend.Cools)
                due.Add(backend.Cooldown.Until);
            due.AddRange(backend.SlowStart.Map(start => start.NextAt));
            if (!backend.Probe.InFlight && !state.Phase.IsHandedOver)
                due.Add(backend.Probe.NextAt);
            if (!backend.Resolution.InFlight && !state.Phase.IsHandedOver)
                due.Add(backend.Resolution.NextAt);
        }

        return due.Min();
    }

    private static bool IsAbout(Observation o, BackendState backend) =>
        IsChangedByTime(o, backend) || o.Happened switch
        {
            ControlEvent.Tick => backend.ResetAt.IsDue(o.Now)
                || StateIndex.WorkAt(backend, o.Before.Phase.IsHandedOver).IsDue(o.Now)
                || o.Effects<ControlEffect.Resolve>().Any(e => e.Name == StateIndex.NameOf(backend))
                || o.Before.Backends()
                    .Any(b => StateIndex.NameOf(b) == StateIndex.NameOf(backend) && b.Resolution.NextAt.IsDue(o.Now)),
            ControlEvent.ProbeEnded e => e.Backend == backend.Id,
            ControlEvent.ConnectsFailed e => e.Backend == backend.Id,
            ControlEvent.ConnectsSucceeded e => e.Backend == backend.Id,
            ControlEvent.BackendIdle e => e.Backend == backend.Id,
            ControlEvent.Resolved e => e.Name == StateIndex.NameOf(backend),
            ControlEvent.Ordered e => e.Order.Match(
                drain: order => order.Backend == backend.Id,
                enable: order => order.Backend == backend.Id,
                enableAll: () => backend.Override.IsSome,
                weight: order => order.Backend == backend.Id),
            _ => false,
        };

    private static bool IsChangedByTime(Observation o, BackendState backend) => !backend.Draining
        && ((backend.Cools && backend.Cooldown.Until.IsDue(o.Now))
            || backend.SlowStart.Exists(start => start.NextAt.IsDue(o.Now)));

    private static bool IsAboutService(Observation o, ServiceState service) => o.Happened switch
    {
        ControlEvent.Tick => service.LineDueAt.IsDue(o.Now),
        ControlEvent.ClientExhausted e => e.Service == service.Id,
        ControlEvent.ClientsRefused e => e.Service == service.Id,
        ControlEvent.ConnectionsSilenced e => e.Service == service.Id,
        _ => false,
    };
}
