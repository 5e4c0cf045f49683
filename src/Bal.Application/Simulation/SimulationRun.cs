using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Reports;
using Bal.Domain.Simulation;
using LanguageExt;

namespace Bal.Application.Simulation;

/// <summary>
/// A run of bal in a simulated world: the supervisor of production, on a clock that jumps from one happening to the
/// next. The same configuration and scenario give the same report, to the byte.
/// </summary>
public sealed class SimulationRun
{
    private const long LongWaitMs = 60_000;

    private readonly BalConfig config;
    private readonly string configName;
    private readonly string scenarioName;
    private readonly Scenario scenario;
    private readonly SimulationRules rules;
    private readonly VirtualClock clock = new();
    private readonly Chronicle chronicle;
    private readonly VirtualNetwork network;
    private readonly VirtualPlane plane;
    private readonly VirtualProber prober;
    private readonly Arr<Arrivals> arrivals;
    private BalConfig file;
    private Duration away;
    private bool over;

    private SimulationRun(
        BalConfig config, string configName, Scenario scenario, string scenarioName, SimulationRules rules)
    {
        (this.config, this.configName, this.scenario, this.scenarioName, this.rules) =
            (config, configName, scenario, scenarioName, rules);
        file = config;
        chronicle = new Chronicle(scenario, clock);
        var dice = new Dice(scenario.Seed);
        network = new VirtualNetwork(clock, dice, scenario.ConnectLatency);
        plane = new VirtualPlane(clock, network, scenario, rules, chronicle);
        prober = new VirtualProber(clock, network, chronicle.EndpointOf);
        arrivals = new(scenario.Clients.Select((load, stream) => new Arrivals(clock, dice, scenario, stream, number =>
        {
            chronicle.Came();
            plane.Arrive(stream, number, load.Retries, connects: 0, again: false);
        })));
    }

    /// <summary>Runs a scenario.</summary>
    public static SimulationReport Of(BalConfig config, string configName, Scenario scenario, string scenarioName) =>
        Of(config, configName, scenario, scenarioName, SimulationRules.Production);

    /// <summary>Runs a scenario by other rules than those of production.</summary>
    public static SimulationReport Of(
        BalConfig config, string configName, Scenario scenario, string scenarioName, SimulationRules rules) =>
        new SimulationRun(config, configName, scenario, scenarioName, rules).Run();

    private Instant End => Instant.Zero.Plus(scenario.Length);

    private SimulationReport Run()
    {
        chronicle.Knows(config);
        foreach (var planned in scenario.Events)
            clock.Plan.At(planned.At, () => Do(planned.Do));
        for (var i = 0; i < arrivals.Count; i++)
            arrivals[i].Begin(scenario.Clients[i].Rate);
        clock.Plan.At(End, Finish);

        while (!over)
        {
            if (!Live())
            {
                // Stopped: clients come to a closed door until the end.
                chronicle.BalGone();
                if (!over)
                    clock.Pass(Instant.Never);
                break;
            }

            chronicle.BalGone();
            clock.Pass(clock.Now.Plus(away));
            // Who is not running is not killed, told to stop or asked to reload.
            clock.Forget();
            chronicle.BalBack();
        }

        return chronicle.ToReport(configName, scenarioName, config, End);
    }

    /// <summary>One life of the process; true where it ended by a crash, after which another one begins.</summary>
    private bool Live()
    {
        var supervisor = new SupervisorLoop(
            clock, plane, prober, chronicle, new NoServiceManager(),
            () => new ConfigReading(file, Arr<Finding>.Empty), _ => { },
            () => DateTimeOffset.UnixEpoch.AddMilliseconds(clock.Now.Milliseconds),
            new ProcessIdentity(1, configName, "simulated", clock.Now))
        {
            Decide = (happened, now, state) =>
                chronicle.Observe(happened, now, state, rules.Decide(happened, now, state)),
        };
        try
        {
            _ = plane.Prepare(file);
            supervisor.Start(file);
            supervisor.Run();
            return false;
        }
        catch (SimulatedCrash)
        {
            // At the end of the run whatever is still open stays as it is.
            if (!over)
            {
                plane.Crash();
                prober.Reset();
                clock.Forget();
            }

            return !over;
        }
    }

    private void Do(ScenarioAction action) => action.Match<Unit>(
        setFault: a =>
        {
            foreach (var endpoint in a.Backend.In(config))
            {
                network.Set(endpoint, a.Fault);
                chronicle.Suffers(endpoint, a.Fault);
                chronicle.Scene(a.Fault.Word, $"backend {endpoint} {a.Fault.ToText()}");
            }

            return Unit.Default;
        },
        reload: a =>
        {
            file = a.Config;
            chronicle.Knows(a.Config);
            chronicle.Scene("reload", $"reload with {a.Name}");
            clock.Post(new SupervisorInput.Reload(_ => { }));
            return Unit.Default;
        },
        setRate: a =>
        {
            var whose = a.Service.Match(name => $" of {name}", () => "");
            chronicle.Scene("rate", $"clients{whose} come at {a.Rate.ToText()} a second");
            for (var i = 0; i < arrivals.Count; i++)
            {
                if (scenario.Concerns(a, i))
                    arrivals[i].Begin(a.Rate);
            }

            return Unit.Default;
        },
        setAddresses: a =>
        {
            network.Set(a.Name, a.Addresses);
            chronicle.Scene("resolve", a.Addresses.IsEmpty
                ? $"{a.Name} does not resolve any more"
                : $"{a.Name} resolves to {string.Join(", ", a.Addresses)}");
            return Unit.Default;
        },
        crash: a =>
        {
            away = a.Away;
            chronicle.Scene("crash", $"bal is killed; it starts again after {a.Away.ToText()}");
            clock.Crashed = true;
            return Unit.Default;
        },
        stop: () =>
        {
            chronicle.Scene("stop", "bal is told to stop");
            clock.Post(new ControlEvent.StopRequested());
            return Unit.Default;
        });

    /// <summary>No client comes any more; those that wait for a backend still find out whether there is one.</summary>
    private void Finish()
    {
        foreach (var stream in arrivals)
            stream.End();
        plane.Closing = true;
        Settle();
    }

    private void Settle()
    {
        if (plane.Busy)
        {
            // A connect may be allowed to take weeks: then nobody looks every hundredth of a second whether it is over.
            var waited = clock.Now.Since(End).Milliseconds;
            clock.After(new Duration(waited < LongWaitMs ? 10 : waited / 100), Settle);
            return;
        }

        over = clock.Crashed = true;
    }

    private sealed class NoServiceManager : IServiceManager
    {
        public void Ready() { }

        public void Reloading() { }

        public void Stopping() { }

        public void Show(ControlState state) { }
    }
}
