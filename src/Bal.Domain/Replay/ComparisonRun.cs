using Bal.Domain.Control;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Replay;

/// <summary>Something that the bal with the other configuration would have logged.</summary>
internal sealed record Said(Instant At, LogEvent Line);

/// <summary>The bal with the other configuration on its way through one recorded step.</summary>
internal sealed record ComparisonRun(ComparisonState State, ControlState Other, Arr<Said> Said)
{
    public ComparisonRun Count(Evidence evidence) =>
        this with { State = State with { Evidence = State.Evidence.Add(evidence) } };

    /// <summary>Lets it decide, and answers the probes that it starts.</summary>
    public ComparisonRun Decide(ControlEvent happened, Instant at, ControlState recorded)
    {
        var step = ControlMachine.Step(happened, at, Other);
        var run = this with
        {
            Other = step.State,
            Said = Said.AddRange(step.Effects.Bind(e => e is ControlEffect.Log log
                ? Prelude.Array(new Said(at, log.Line))
                : Arr<Said>.Empty)),
        };
        return step.Effects.Fold(run, (soFar, effect) => effect is ControlEffect.StartProbe probe
            ? soFar.Answer(probe, at, recorded)
            : soFar);
    }

    /// <summary>Takes note of probes that the recorded bal started, and of how one ended.</summary>
    public ComparisonRun Observe(Replayed.Step recorded)
    {
        var (starts, checks) = (State.RecordedProbes, State.Checks);
        foreach (var effect in recorded.After.Effects)
            if (effect is ControlEffect.StartProbe probe)
                foreach (var found in EventMapping.Find(probe.Backend, recorded.After.State))
                    starts = starts.SetItem(ProbeOf.Backend(found), recorded.Line.At);
        if (recorded.Line.Happened is ControlEvent.ProbeEnded ended)
            foreach (var found in EventMapping.Find(ended.Backend, recorded.Before))
                if (found.Backend.Probe.InFlight)
                    checks = checks.SetItem(ProbeOf.Backend(found), new LastCheck(ended.Outcome, ended.Via));
        return this with { State = State with { RecordedProbes = starts, Checks = checks } };
    }

    /// <summary>Whether the probe that ended had been started in the same moment here as there.</summary>
    public bool StartedTogether(ControlEvent happened, ControlState before) =>
        happened is ControlEvent.ProbeEnded ended
        && EventMapping.Find(ended.Backend, before).Map(ProbeOf.Backend).Exists(probe =>
            State.RecordedProbes.TryGetValue(probe, out var there)
            && State.OtherProbes.TryGetValue(probe, out var here)
            && there == here);

    /// <summary>Holds the tables of both against each other, and adds up the time in which they differ.</summary>
    public ComparisonRun Compare(Instant at, long sequence, ControlState recorded)
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
                FirstDivergence = State.FirstDivergence.IsSome || differences.IsEmpty
                    ? State.FirstDivergence
                    : new Divergence(at, sequence, differences),
            },
        };
    }

    // A probe that the recorded bal has under way as well waits for its result. One that it has not was never made, and
    // the last result is the best that is known.
    private ComparisonRun Answer(ControlEffect.StartProbe probe, Instant at, ControlState recorded) =>
        EventMapping.Find(probe.Backend, Other).Match(
            Some: found =>
            {
                var whose = ProbeOf.Backend(found);
                var flying = EventMapping.Counterpart(found, recorded).Exists(there => there.Backend.Probe.InFlight);
                return !flying && State.Checks.TryGetValue(whose, out var last)
                    ? Count(Evidence.ProbeNeverMade)
                        .Decide(new ControlEvent.ProbeEnded(probe.Backend, last.Outcome, last.Via), at, recorded)
                    : this with { State = State with { OtherProbes = State.OtherProbes.SetItem(whose, at) } };
            },
            None: () => this);
}
