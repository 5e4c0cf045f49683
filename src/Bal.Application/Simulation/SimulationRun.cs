using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Recording;
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
    private readonly VirtualDisk overrides;
    private BalConfig file;
    private Duration away;
    private bool over;

    private SimulationRun(
        BalConfig config, string configName, Scenario scenario, string scenarioName, SimulationRules rules)
    {
        (this.config, this.configName, this.scenario, this.scenarioName, this.rules) =
            (config, configName, scenario, scenarioName, rules);
        file = config;
        overrides = new VirtualDisk(clock);
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
                // Stopped: from here on clients are refused.
                chronicle.BalGone();
                if (!over)
                    clock.Pass(Instant.Never);
                break;
            }

            chronicle.BalGone();
            clock.Pass(clock.Now.Plus(away));
            // A bal that is not running cannot be killed, stopped or reloaded.
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
            Overrides = overrides,
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
                ? $"{a.Name} no longer resolves"
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
        order: a =>
        {
            chronicle.Scene(
                a.Kind switch { OrderKind.Drain => "drain", OrderKind.Enable => "enable", _ => "weight" }, a.ToText());
            var meant = a.Backend.In(config);
            foreach (var service in file.Services.Where(s => IsMeant(a.Backend, s)))
            {
                foreach (var endpoint in service.Endpoints.Filter(e => meant.Contains(e)))
                {
                    clock.Post(new SupervisorInput.Order(
                        new OrderRequest(a.Kind, $"{service.Name}/{endpoint}") { Weight = a.Weight, Force = true },
                        "scenario", 0, _ => { }));
                }
            }

            return Unit.Default;
        },
        stop: () =>
        {
            chronicle.Scene("stop", "bal is told to stop");
            clock.Post(new ControlEvent.StopRequested());
            return Unit.Default;
        });

    // A number counts in the list of one service; an address means it wherever it is.
    private bool IsMeant(BackendRef backend, Service service) => backend is BackendRef.Position
        ? backend.ServiceIn(config).Exists(its => its.Name == service.Name)
        : backend.Service.ForAll(name => name == service.Name);

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
            // A connect timeout may be weeks long, so this does not poll in steps of 10 ms.
            var waited = clock.Now.Since(End).Milliseconds;
            clock.After(new Duration(waited < LongWaitMs ? 10 : waited / 100), Settle);
            return;
        }

        over = clock.Crashed = true;
    }

    /// <summary>What operators have ordered outlives a crash here as it does in production.</summary>
    private sealed class VirtualDisk(VirtualClock clock) : IOverrideFile
    {
        private Option<OverrideDocument> kept;

        public Option<ControlEvent.OverridesRead> Read() => kept.Map(document =>
            new ControlEvent.OverridesRead(document.Overrides, document.PutAside));

        public void Keep(long change, OverrideDocument document)
        {
            kept = document.IsEmpty ? Option<OverrideDocument>.None : document;
            clock.Post(new ControlEvent.OverridesKept(change, Option<string>.None));
        }
    }

    private sealed class NoServiceManager : IServiceManager
    {
        public void Ready() { }

        public void Reloading() { }

        public void Stopping(Duration within) { }

        public void Show(ControlState state) { }
    }
}
