using System.Text;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Simulation;

/// <summary>The same scenario under two configurations, and where the runs part.</summary>
/// <param name="Left">The run of <c>--config</c>.</param>
/// <param name="Right">The run of <c>--compare</c>.</param>
/// <param name="Partings">
/// When they differed in what bal decided, the first one first, at most <see cref="MaxPartings"/>.
/// </param>
/// <param name="LeftOut">How many more there were.</param>
/// <param name="Differences">Totals that differ.</param>
public sealed record SimulationComparison(
    SimulationReport Left, SimulationReport Right, Arr<Parting> Partings, long LeftOut,
        Arr<FigureDifference> Differences)
{
    /// <summary>Partings that are told one by one.</summary>
    public const int MaxPartings = 100;

    /// <summary>Whether every expectation holds in both.</summary>
    public bool Passed => Left.Passed && Right.Passed;

    /// <summary>
    /// Compares two runs of one scenario. Services and backends are matched by their place in the two configurations.
    /// </summary>
    public static SimulationComparison Of(SimulationReport left, SimulationReport right)
    {
        var places = Math.Max(left.Backends.Count, right.Backends.Count);
        var lanes = Enumerable.Range(0, places).SelectMany(i => Between(
            NameOf(i, left, right), StatesOf(i, left), StatesOf(i, right)));
        var partings = lanes
            .Concat(Enumerable.Range(0, Math.Max(left.Services.Count, right.Services.Count)).SelectMany(i => Between(
                SubjectOf(i, left, right), ProtectionOf(i, left), ProtectionOf(i, right))))
            .OrderBy(p => p.During.From.Milliseconds)
            .ToList();
        var others = SimulationText.FiguresOf(right);
        var figures = SimulationText.FiguresOf(left)
            .Select((figure, i) => new FigureDifference(figure.Name, figure.Value, others[i].Value))
            .Where(difference => difference.Left != difference.Right);
        return new(
            left, right,
            new Arr<Parting>(partings.Take(MaxPartings)),
            Math.Max(0, partings.Count - MaxPartings),
            new Arr<FigureDifference>(figures));
    }

    /// <summary>As an operator reads it.</summary>
    public string ToText()
    {
        var text = new StringBuilder();
        text.Append($"result: {(Passed ? "OK" : "FAILED")}\n");
        text.Append($"left: {Left.ConfigName}\n");
        text.Append($"right: {Right.ConfigName}\n");
        text.Append($"scenario: {Left.ScenarioName} (seed {Left.Scenario.Seed}, {Left.Scenario.Length.ToText()})\n");
        text.Append(Partings.IsEmpty ? "partings: none, both decide the same\n" : "partings:\n");
        foreach (var parting in Partings)
            text.Append($"  {parting.During.From.ToClock()} to {parting.During.To.ToClock()}  {parting.Subject}: ")
                .Append($"left {parting.Left}, right {parting.Right}\n");
        if (LeftOut > 0)
            text.Append($"  and {LeftOut} more (see --json)\n");
        text.Append(Differences.IsEmpty ? "totals: the same\n" : "totals that differ:\n");
        foreach (var difference in Differences)
            text.Append($"  {difference.Name}: left {difference.Left}, right {difference.Right}\n");
        Verdicts(text, "left", Left);
        Verdicts(text, "right", Right);
        return text.ToString();
    }

    private static void Verdicts(StringBuilder text, string side, SimulationReport report)
    {
        foreach (var verdict in report.Verdicts)
            text.Append($"{side}: {(verdict.Holds ? "ok    " : "FAILED")}  {verdict.Expected} (seen: "
                + $"{verdict.Seen})\n");
    }

    private static string NameOf(int place, SimulationReport left, SimulationReport right)
    {
        var (l, r) = (EndpointAt(place, left), EndpointAt(place, right));
        return $"backend {(l == r || r.Length == 0 ? l : l.Length == 0 ? r : $"{l} / {r}")}";
    }

    private static string EndpointAt(int place, SimulationReport report) =>
        place < report.Backends.Count ? report.NameOf(report.Backends[place]) : "";

    private static List<Stretch> StatesOf(int place, SimulationReport report) => place < report.Backends.Count
        ? [.. report.Backends[place].Lane.Select(s => new Stretch(s.During, LaneText.Of(s.State)))]
        : [new Stretch(
            new Period(Instant.Zero, Instant.Zero.Plus(report.Scenario.Length)), LaneText.Of(LaneState.Absent))];

    private static string SubjectOf(int place, SimulationReport left, SimulationReport right)
    {
        if (left.Services.Count < 2 && right.Services.Count < 2)
            return "protection mode";
        var names = new[] { left, right }.Where(run => place < run.Services.Count)
            .Select(run => run.Services[place].Name).Distinct();
        return $"protection mode of {string.Join(" / ", names)}";
    }

    private static List<Stretch> ProtectionOf(int place, SimulationReport report)
    {
        var stretches = new List<Stretch>();
        var from = Instant.Zero;
        foreach (var on in place < report.Services.Count ? report.Services[place].Protection : Arr<Period>.Empty)
        {
            stretches.Add(new(new Period(from, on.From), "off"));
            stretches.Add(new(on, "on"));
            from = on.To;
        }

        stretches.Add(new(new Period(from, Instant.Zero.Plus(report.Scenario.Length)), "off"));
        return stretches;
    }

    // Walks both lists at once; neighbours that differ in the same way are one parting.
    private static List<Parting> Between(string subject, List<Stretch> left, List<Stretch> right)
    {
        var partings = new List<Parting>();
        for (int l = 0, r = 0; l < left.Count && r < right.Count;)
        {
            var (a, b) = (left[l], right[r]);
            var during = new Period(
                Instant.Max(a.During.From, b.During.From), Instant.Min(a.During.To, b.During.To));
            if (a.Word != b.Word && during.Length != Duration.Zero)
            {
                if (partings is [.., var last] && last.During.To == during.From && last.Left == a.Word
                    && last.Right == b.Word)
                    partings[^1] = last with { During = last.During with { To = during.To } };
                else
                    partings.Add(new(during, subject, a.Word, b.Word));
            }

            if (a.During.To.IsDue(b.During.To))
                l++;
            if (b.During.To.IsDue(a.During.To))
                r++;
        }

        return partings;
    }

    private sealed record Stretch(Period During, string Word);
}

/// <summary>Two runs differ for a while.</summary>
/// <param name="During">When.</param>
/// <param name="Subject">In what: a backend, or protection mode.</param>
/// <param name="Left">How it was in the left run.</param>
/// <param name="Right">How it was in the right one.</param>
public sealed record Parting(Period During, string Subject, string Left, string Right);

/// <summary>A total that differs.</summary>
/// <param name="Name">Which.</param>
/// <param name="Left">In the left run.</param>
/// <param name="Right">In the right one.</param>
public sealed record FigureDifference(string Name, string Left, string Right);
