using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Simulation;

/// <summary>What became of an expectation.</summary>
/// <param name="Expected">What was expected, such as <c>failed: 0</c>.</param>
/// <param name="Seen">What was seen.</param>
/// <param name="Holds">Whether it holds.</param>
public sealed record Verdict(string Expected, string Seen, bool Holds);

/// <summary>Compares expectations with what a run showed.</summary>
public static class ExpectationRule
{
    /// <summary>What became of <paramref name="expected"/> in <paramref name="report"/>.</summary>
    public static Verdict Judge(Expectation expected, SimulationReport report) => expected.Match(
        count: e => Judge(e, report.Totals, report.Protection.Count),
        failoverP99: e => report.Totals.FailoverP99.Match(
            p99 => new Verdict($"failover_p99_at_most: {e.Bound.ToText()}", p99.ToText(),
                p99.Milliseconds <= e.Bound.Milliseconds),
            () => new Verdict($"failover_p99_at_most: {e.Bound.ToText()}", "no client failed over", true)),
        protection: e =>
        {
            // A period ends before its last moment; what holds at the very end held just before.
            var last = new Instant(Math.Min(e.At.Milliseconds, report.Scenario.Length.Milliseconds - 1));
            var on = report.Services.Exists(service =>
                e.Service.ForAll(name => service.Name == name) && service.Protection.Exists(p => p.Covers(last)));
            var whose = e.Service.Match(name => $" of {name}", () => "");
            return new Verdict($"protection{whose}: {Word(e.On)} at {e.At.ToClock()}", Word(on), on == e.On);
        },
        state: e => Of(e.Backend, report, history =>
        {
            var seen = history.StateAt(e.At);
            return new Verdict(
                $"backend {report.NameOf(history)} {LaneText.Of(e.Is)} at {e.At.ToClock()}", LaneText.Of(
                    seen), seen == e.Is);
        }),
        outOfRotation: e => Of(e.Backend, report, history => new Verdict(
            $"backend {report.NameOf(history)} out_of_rotation_at_most: {e.Bound.ToText()}",
                history.LongestOut.ToText(),
            history.LongestOut.Milliseconds <= e.Bound.Milliseconds)));

    private static Verdict Judge(Expectation.Count expected, SimulationTotals totals, int protections)
    {
        var seen = expected.Number switch
        {
            CountedNumber.Served => totals.Served,
            CountedNumber.Failed => totals.Failed,
            CountedNumber.Rejected => totals.Rejected,
            CountedNumber.FailedOver => totals.FailedOver,
            CountedNumber.Protections or _ => protections,
        };
        var holds = expected.Limit switch
        {
            Limit.AtMost => seen <= expected.Bound,
            Limit.AtLeast => seen >= expected.Bound,
            Limit.Exactly or _ => seen == expected.Bound,
        };
        return new($"{ExpectationKeys.Of(expected.Number, expected.Limit)}: {expected.Bound}", $"{seen}", holds);
    }

    private static Verdict Of(BackendRef backend, SimulationReport report, Func<BackendHistory, Verdict> judge) =>
        report.HistoryOf(backend).Match(judge, () => new Verdict($"backend {backend}", "never configured", false));

    private static string Word(bool on) => on ? "on" : "off";
}

/// <summary>The words for the states of a lane.</summary>
public static class LaneText
{
    /// <summary>Every state with its word.</summary>
    public static Arr<LaneState> All => new(
        [LaneState.Up, LaneState.Cooling, LaneState.Down, LaneState.Draining, LaneState.Absent]);

    /// <summary>The word of <paramref name="state"/>.</summary>
    public static string Of(LaneState state) => state switch
    {
        LaneState.Up => "up",
        LaneState.Cooling => "cooling",
        LaneState.Down => "down",
        LaneState.Draining => "draining",
        LaneState.Absent or _ => "absent",
    };
}

/// <summary>Times of a run as they are written.</summary>
public static class RunClock
{
    /// <summary>Hours, minutes, seconds and milliseconds since the beginning: <c>00:01:02.345</c>.</summary>
    public static string ToClock(this Instant at)
    {
        var ms = at.Milliseconds;
        return $"{ms / 3_600_000:00}:{ms / 60_000 % 60:00}:{ms / 1_000 % 60:00}.{ms % 1_000:000}";
    }
}
