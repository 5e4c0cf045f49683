using Bal.Domain.Backend;
using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.History;
using Bal.Domain.Primitives;
using Bal.Domain.Specs.Generators;
using LanguageExt;

namespace Bal.Domain.Specs.Control;

/// <summary>One step of a life: what was, what happened when, and what came of it.</summary>
internal sealed record Observation(ControlState Before, ControlEvent Happened, Instant Now, ControlStep After)
{
    public IEnumerable<T> Effects<T>() where T : ControlEffect => After.Effects.OfType<T>();
}

/// <summary>Runs scenarios through the composed machine, and reads its states.</summary>
internal static class Life
{
    public static readonly Instant Birth = new(1_000);

    public static ControlState Of(Scenario scenario, Action<Observation> observe)
    {
        var now = Birth;
        var state = ControlMachine.Start(scenario.Config, now).State;
        foreach (var moment in scenario.Moments)
        {
            now = now.Plus(new Duration(moment.AfterMs));
            var step = ControlMachine.Step(moment.What, now, state);
            observe(new Observation(state, moment.What, now, step));
            state = step.State;
        }

        return state;
    }

    /// <summary>The state after a start and some events, all at one instant.</summary>
    public static ControlState At(Instant now, BalConfig config, params ControlEvent[] events) =>
        events.Aggregate(ControlMachine.Start(config, now).State, (s, e) => ControlMachine.Step(e, now, s).State);

    public static ControlState Then(this ControlState state, Instant now, params ControlEvent[] events) =>
        events.Aggregate(state, (s, e) => ControlMachine.Step(e, now, s).State);

    public static IEnumerable<BackendState> Backends(this ControlState state) =>
        state.InOrder.SelectMany(service => service.InOrder);

    public static BackendState Backend(this ControlState state, int id) =>
        state.Backends().Single(b => b.Id == new BackendId(id));

    /// <summary>The service of that backend.</summary>
    public static ServiceState ServiceOf(this ControlState state, int backend) =>
        state.InOrder.Single(s => s.Backends.Exists(b => b.Id == new BackendId(backend)));

    /// <summary>The same state with nothing remembered: what it will decide, without why it came to it.</summary>
    public static ControlState WithoutHistory(this ControlState state) => state with
    {
        Services = state.Services.Map(s => s with
        {
            History = ProtectionHistory.None,
            Backends = s.Backends.Map(b => b.WithoutHistory()),
        }),
    };

    public static BackendState WithoutHistory(this BackendState backend) =>
        backend with { History = BackendHistory.Begin(Birth) };

    public static bool Protected(this ControlState state) => state.InOrder[0].Protection.IsOn;

    public static IEnumerable<Route> Routes(this RoutingTable table) =>
        table.All;

    public static ControlEvent ProbePassed(int id) =>
        new ControlEvent.ProbeEnded(new BackendId(id), Outcome.Success, Option<System.Net.IPAddress>.None);

    public static ControlEvent ProbeFailed(int id, FailureKind kind = FailureKind.Refused) =>
        new ControlEvent.ProbeEnded(
            new BackendId(id), Outcome.Failure(kind), Option<System.Net.IPAddress>.None);

    public static ControlEvent ConnectsFailed(int id, int count = 1, FailureKind kind = FailureKind.Refused) =>
        new ControlEvent.ConnectsFailed(new BackendId(id), kind, count);

    public static ControlEvent ConnectsSucceeded(int id, int count = 1) =>
        new ControlEvent.ConnectsSucceeded(new BackendId(id), count);

    public static readonly ControlEvent Tick = new ControlEvent.Tick();
    public static readonly ControlEvent Exhausted = new ControlEvent.ClientExhausted(new ServiceId(1));
    public static readonly ControlEvent Stop = new ControlEvent.StopRequested();
    public static readonly ControlEvent AllIdle = new ControlEvent.AllIdle();
}
