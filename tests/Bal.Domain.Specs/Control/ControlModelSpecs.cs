using Bal.Domain.Backend;
using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.History;
using Bal.Domain.Primitives;
using Bal.Domain.Specs.Generators;
using FsCheck;
using FsCheck.Experimental;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LanguageExt;

namespace Bal.Domain.Specs.Control;

/// <summary>
/// The composed machine as FsCheck's state machine sees it: a shell that keeps its promises (every probe that is
/// started ends once, only a backend that drains becomes idle, clients come only to what is offered) chooses what
/// happens next by what has happened, and after each step machine and naive telling agree on everything at once.
/// </summary>
public class ControlModelSpecs
{
    [Property(Arbitrary = [typeof(Values), typeof(Configs), typeof(Scenarios)], MaxTest = 40)]
    public Property Machine_and_naive_telling_agree_whatever_a_shell_reports(Fleet fleet, Tuning tuning) =>
        StateMachine.ToProperty(new Shell(fleet.Config with
        {
            // The naive telling knows only one of each policy.
            Services = fleet.Config.Services.Map(s => s with { Tuning = tuning }),
        }));
}

/// <summary>The machine under test: its state after everything that was reported.</summary>
internal sealed class Running(BalConfig config)
{
    public ControlState State { get; set; } = ControlMachine.Start(config, Life.Birth).State;
}

/// <summary>What has been reported so far, and when: all that the naive telling needs.</summary>
internal sealed record Past(BalConfig Config, long Now, Arr<(long At, ControlEvent What)> Events)
{
    public Past Then(long afterMs, ControlEvent what) =>
        this with { Now = Now + afterMs, Events = Events.Add((Now + afterMs, what)) };

    public override string ToString() => $"{Events.Count} event(s), {Now} ms";

    public NaiveControl Told()
    {
        var naive = new NaiveControl(Config, Life.Birth.Milliseconds);
        foreach (var (at, what) in Events)
            naive.Happened(what, at);
        return naive;
    }
}

internal sealed class Shell(BalConfig config) : Machine<Running, Past>
{
    public override Arbitrary<Setup<Running, Past>> Setup =>
        Gen.Constant<Setup<Running, Past>>(new Started(config)).ToArbitrary();

    public override Gen<Operation<Running, Past>> Next(Past past)
    {
        var told = past.Told();
        var probed = told.Backends.Concat(told.Leaving).Where(b => b.InFlight).Select(b => b.Id).ToArray();
        var offered = told.Backends.Where(b => b.Resolved).Select(b => b.Id).ToArray();
        var events = new List<(int, Gen<ControlEvent>)> { (5, Gen.Constant(Life.Tick)) };
        if (probed.Length > 0)
            events.Add((6, Gen.Elements(probed).Zip(Values.Outcomes().Generator, (id, outcome) =>
                (ControlEvent)new ControlEvent.ProbeEnded(
                    new BackendId(id), outcome, Option<System.Net.IPAddress>.None))));
        if (offered.Length > 0)
        {
            events.Add((4, from id in Gen.Elements(offered)
                           from kind in Values.FailureKinds().Generator
                           from count in Gen.Choose(1, 3)
                           select Life.ConnectsFailed(id, count, kind)));
            events.Add((3, Gen.Elements(offered).Zip(Gen.Choose(1, 3), (id, n) => Life.ConnectsSucceeded(id, n))));
        }

        foreach (var name in told.Backends.Concat(told.Leaving).Where(b => b.LookingUp)
            .Select(b => b.Endpoint.Host).OfType<Host.Name>().Distinct())
            events.Add((3, Gen.SubListOf(Configs.Addresses).Select(answer =>
                (ControlEvent)new ControlEvent.Resolved(name.Value, new Arr<System.Net.IPAddress>(answer)))));
        if (told.Leaving.Any())
            events.Add((2, Gen.Elements(told.Leaving.ToArray()).Select(b =>
                (ControlEvent)new ControlEvent.BackendIdle(new BackendId(b.Id)))));
        events.Add((1, Gen.Elements(told.Services.ToArray()).Select(s =>
            (ControlEvent)new ControlEvent.ClientExhausted(new ServiceId(s.Id)))));
        var tuning = config.Services[0].Tuning;
        events.Add((2, Fleets.Next(config, Configs.Services().Generator.Select(s => s with { Tuning = tuning }))
            .Select(next => (ControlEvent)new ControlEvent.Reloaded(next))));
        return Gen.Elements(0, 0, 1, 100, 499, 500, 501, 5_000).Zip(
            Gen.Frequency(events.ToArray()), (after, what) => (Operation<Running, Past>)new Reported(after, what));
    }

    private sealed class Started(BalConfig config) : Setup<Running, Past>
    {
        public override Running Actual() => new(config);

        public override Past Model() => new(config, Life.Birth.Milliseconds, Arr<(long, ControlEvent)>.Empty);

        public override string ToString() => Configs.Text(config);
    }
}

internal sealed class Reported(int afterMs, ControlEvent what) : Operation<Running, Past>
{
    public override Past Run(Past model) => model.Then(afterMs, what);

    public override Property Check(Running actual, Past model)
    {
        var now = new Instant(model.Now);
        actual.State = ControlMachine.Step(what, now, actual.State).State;
        var (told, state) = (model.Told(), actual.State);
        foreach (var (naive, service) in told.Services.Concat(told.Gone).Zip(state.InOrder, (n, s) => (n, s)))
        {
            Assert.Equal((naive.Id, naive.Name, naive.Protection.On),
                (service.Id.Value, service.Config.Name, service.Protection.IsOn));
            Assert.Equal(naive.Protection.On, service.History.Recent
                .LastOrDefault(
                    e => e.What is not ProtectionHappening.StartedOver)?.What is ProtectionHappening.TurnedOn);
            Assert.Equal(
                naive.Backends.Concat(naive.Leaving).Select(b => b.Id), service.InOrder.Map(b => b.Id.Value));
            Assert.Equal(
                naive.Backends.Select(b => b.Id), service.InOrder.Filter(b => !b.Draining).Map(b => b.Id.Value));
        }

        Assert.Equal(told.Services.Count + told.Gone.Count, state.Services.Count);
        Assert.Equal(StateIndex.Of(state.Services.Values, handedOver: false), state.Index);
        foreach (var naive in told.Backends)
        {
            var backend = state.Backend(naive.Id);
            Assert.Equal(
                (told.IsUp(naive), naive.InFlight, naive.FailedClients),
                (backend.Health.Up, backend.Probe.InFlight, backend.Cooldown.Streak));
            Assert.Equal(naive.CountOf(FailureKind.Refused), backend.Failures.Refused);
            Assert.Equal(
                !told.IsUp(naive) ? Tier.Down : model.Now < naive.CoolsUntil ? Tier.Cooling : Tier.Up,
                backend.Tier);
            NaiveControlSpecs.AgreeOnOutage(naive, backend);
        }

        return true.ToProperty();
    }

    public override string ToString() => $"+{afterMs} ms {what}";
}
