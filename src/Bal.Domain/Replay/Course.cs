using Bal.Domain.Balancing;
using Bal.Domain.Control;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Replay;

/// <summary>Something that the bal with the other configuration would have logged.</summary>
internal sealed record Said(Instant At, LogEvent Line);

/// <summary>The bal with the other configuration on its way through one recorded step.</summary>
internal sealed record Course(ComparisonState State, ControlState Other, Arr<Said> Said)
{
    public Course Count(Evidence evidence) =>
        this with { State = State with { Evidence = State.Evidence.Add(evidence) } };

    /// <summary>Lets it decide, and answers the probes that it starts.</summary>
    public Course Decide(ControlEvent happened, Instant at, ControlState recorded)
    {
        var step = ControlMachine.Step(happened, at, Other);
        var course = this with
        {
            Other = step.State,
            Said = Said.AddRange(step.Effects.Bind(e => e is ControlEffect.Log log
                ? Prelude.Array(new Said(at, log.Line))
                : Arr<Said>.Empty)),
        };
        return step.Effects.Fold(course, (soFar, effect) => effect is ControlEffect.StartProbe probe
            ? soFar.Answer(probe, at, recorded)
            : soFar);
    }

    /// <summary>Takes note of probes that the recorded bal started, and of how one ended.</summary>
    public Course Observe(Replayed.Step recorded)
    {
        var (starts, checks) = (State.RecordedProbes, State.Checks);
        foreach (var effect in recorded.After.Effects)
            if (effect is ControlEffect.StartProbe probe)
                foreach (var placed in Translation.Find(probe.Backend, recorded.After.State))
                    starts = starts.SetItem(ProbeOf.Backend(placed), recorded.Line.At);
        if (recorded.Line.Happened is ControlEvent.ProbeEnded ended)
            foreach (var placed in Translation.Find(ended.Backend, recorded.Before))
                if (placed.Backend.Probe.InFlight)
                    checks = checks.SetItem(ProbeOf.Backend(placed), new LastCheck(ended.Outcome, ended.Via));
        return this with { State = State with { RecordedProbes = starts, Checks = checks } };
    }

    /// <summary>Whether the probe that ended had been started in the same moment here as there.</summary>
    public bool StartedTogether(ControlEvent happened, ControlState before) =>
        happened is ControlEvent.ProbeEnded ended
        && Translation.Find(ended.Backend, before).Map(ProbeOf.Backend).Exists(probe =>
            State.RecordedProbes.TryGetValue(probe, out var there)
            && State.OtherProbes.TryGetValue(probe, out var here)
            && there == here);

    /// <summary>Holds the tables of both against each other, and adds up the time in which they differ.</summary>
    public Course Compare(Instant at, long sequence, ControlState recorded)
    {
        var services = new Arr<ServiceState>(recorded.Services.Values.Concat(Other.Services.Values));
        var same = services.Count == State.Compared.Count
            && !services.Zip(State.Compared, ReferenceEquals).Contains(false);
        var differences = same ? Arr<string>.Empty : TableDifference.Describe(recorded, Other);
        return this with
        {
            State = State with
            {
                Now = at,
                Apart = State.IsApart
                    ? new(State.Apart.Milliseconds + at.Since(State.Now).Milliseconds)
                    : State.Apart,
                Compared = services,
                IsApart = same ? State.IsApart : !differences.IsEmpty,
                FirstParting = State.FirstParting.IsSome || differences.IsEmpty
                    ? State.FirstParting
                    : new Parting(at, sequence, differences),
            },
        };
    }

    // A probe that the recorded bal has under way as well waits for its result. One that it has not was never made, and
    // the last result is the best that is known.
    private Course Answer(ControlEffect.StartProbe probe, Instant at, ControlState recorded) =>
        Translation.Find(probe.Backend, Other).Match(
            Some: placed =>
            {
                var whose = ProbeOf.Backend(placed);
                var flying = Translation.Counterpart(placed, recorded).Exists(there => there.Backend.Probe.InFlight);
                return !flying && State.Checks.TryGetValue(whose, out var last)
                    ? Count(Evidence.ProbeNeverMade)
                        .Decide(new ControlEvent.ProbeEnded(probe.Backend, last.Outcome, last.Via), at, recorded)
                    : this with { State = State with { OtherProbes = State.OtherProbes.SetItem(whose, at) } };
            },
            None: () => this);
}

/// <summary>In what two states would serve clients differently.</summary>
internal static class TableDifference
{
    /// <summary>A line for each backend that both have, and for protection mode.</summary>
    public static Arr<string> Describe(ControlState recorded, ControlState other) =>
        recorded.InOrder.Filter(here => !here.Removed).Bind(here => other.ServiceNamed(here.Config.Name).Match(
            Some: there => Between(here, there),
            None: () => Arr<string>.Empty));

    private static Arr<string> Between(ServiceState here, ServiceState there)
    {
        var lines = new List<string>();
        if (here.Protection.IsOn != there.Protection.IsOn)
            lines.Add($"protection mode is {OnOff(here)} as recorded, {OnOff(there)} with the new configuration");
        var (places, others) = (Places(Publishing.TableOf(here)), Places(Publishing.TableOf(there)));
        var shared = there.Config.Endpoints.ToHashSet();
        foreach (var endpoint in here.Config.Endpoints.Filter(shared.Contains))
        {
            var (is_, was) = (Place(endpoint, others), Place(endpoint, places));
            if (is_ != was)
                lines.Add($"backend {endpoint} is {was} as recorded, {is_} with the new configuration");
        }

        return new Arr<string>(lines);
    }

    private static string OnOff(ServiceState service) => service.Protection.IsOn ? "on" : "off";

    private static string Place(Endpoint endpoint, Dictionary<Endpoint, string> places) =>
        places.GetValueOrDefault(endpoint, "without an address");

    private static Dictionary<Endpoint, string> Places(RoutingTable table)
    {
        var places = new Dictionary<Endpoint, string>();
        foreach (var route in table.Up)
            places[route.Endpoint] = "up";
        foreach (var route in table.Cooling)
            places[route.Endpoint] = "cooling";
        foreach (var route in table.Down)
            places[route.Endpoint] = "down";
        return places;
    }
}
