using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Primitives;
using Bal.Domain.Recording;
using Bal.Domain.Reload;
using LanguageExt;

namespace Bal.Domain.Replay;

/// <summary>
/// Leads a bal with another configuration through recorded events, by the same function that decides in production.
/// What it would have asked for and nobody observed is modelled, and counted as such.
/// </summary>
public static class ComparisonMachine
{
    /// <summary>
    /// Moments that the other configuration may have of its own between two recorded steps: more would only come of a
    /// probe interval of milliseconds in a record without events for hours.
    /// </summary>
    public const int MaxOwnMoments = 100_000;

    /// <summary>Before the first line.</summary>
    public static ComparisonState Begin(BalConfig config) => new(config);

    /// <summary>The state after a line of the record that was followed.</summary>
    public static ComparisonStep Next(Replayed line, ComparisonState state) => line.Match(
        checkpoint: c => new ComparisonStep(From(c.Line, state), Arr<TimelineEntry>.Empty),
        step: s => state.Other.Match(
            Some: other => Follow(s, new ComparisonRun(state, other, Arr<Said>.Empty)),
            None: () => new ComparisonStep(state, Arr<TimelineEntry>.Empty)));

    // From each checkpoint on: the recorded bal had lost its way to it, or was another process.
    private static ComparisonState From(DecisionLine.Checkpoint line, ComparisonState state)
    {
        var other = ControlMachine.Step(new ControlEvent.Reloaded(state.Config), line.At, line.State).State;
        var flying = line.State.Services.Values
            .SelectMany(s => s.Backends.Values.Where(b => b.Probe.InFlight).Select(b => new BackendOfService(s, b)))
            .Select(ProbeOf.Backend).Distinct().ToDictionary(probe => probe, _ => line.At);
        return state with
        {
            Other = other,
            Now = line.At,
            Sequence = line.Sequence,
            IsApart = false,
            Compared = Arr<ServiceState>.Empty,
            RecordedProbes = state.RecordedProbes.Clear().AddRange(flying),
            OtherProbes = state.OtherProbes.Clear().AddRange(flying),
            ConfigChanges = ReloadDiff.Describe(line.State.Config, state.Config),
            Unobserved = state.Config.Services.Bind(service => service.Endpoints.Filter(endpoint =>
                !line.State.Config.Services.Exists(s => s.Name == service.Name && s.Endpoints.Contains(endpoint)))),
        };
    }

    private static ComparisonStep Follow(Replayed.Step recorded, ComparisonRun run)
    {
        var (line, after) = (recorded.Line, recorded.After.State);
        run = Advance(recorded.Before, line.At, line.Sequence, run).Observe(recorded);

        var mapped = EventMapping.Of(
            line.Happened, recorded.Before, run.Other, run.StartedTogether(line.Happened, recorded.Before));
        foreach (var evidence in mapped.Evidence)
            run = run.Count(evidence);
        foreach (var happened in mapped.Event)
            run = run.Decide(happened, line.At, after);

        run = run.Compare(line.At, line.Sequence, after);
        var entries = Timeline.Merge(recorded.After.Effects, line.At, run.Said);
        return new(
            run.State with
            {
                Other = run.Other,
                Sequence = line.Sequence,
                Changes = Timeline.Tally(entries, run.State.Changes),
            },
            entries);
    }

    /// <summary>
    /// What the other configuration has due before anything is due to the recorded bal. Where both have, the recorded
    /// tick serves for both, as late as it came.
    /// </summary>
    private static ComparisonRun Advance(ControlState recorded, Instant until, long sequence, ComparisonRun run)
    {
        for (var i = 0; i < MaxOwnMoments; i++)
        {
            var now = run.State.Now;
            var due = ControlMachine.NextDue(run.Other);
            if (!due.IsDue(until) || ControlMachine.NextDue(recorded).IsDue(due))
                return run;
            var at = Instant.Max(due, now);
            run = run.Decide(new ControlEvent.Tick(), at, recorded).Compare(at, sequence, recorded);
            if (ControlMachine.NextDue(run.Other).IsDue(due))
                return run;
        }

        return run;
    }
}
