using System.Globalization;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Reports;

/// <summary>Two looks at the daemon, from which rates follow.</summary>
/// <param name="Now">The later one.</param>
/// <param name="Before">The one before; none at first.</param>
/// <param name="ElapsedMs">Between them.</param>
public sealed record TopLook(StatusReport Now, Option<StatusReport> Before, long ElapsedMs);

/// <summary><c>bal top</c> as text: a screen for a terminal, lines for everything else.</summary>
public static class TopText
{
    private const int LeastRows = 3;
    private const int MostProblems = 2;
    private const string Columns = "    STATE   CONNECTIONS    NEW/S       IN/S      OUT/S  FAILED";

    private sealed record Row(BackendReport Backend, string Name, double New, double In, double Out);

    /// <summary>What fits on the screen, a line each, none wider than it and never more than there are rows.</summary>
    /// <param name="look">What is shown.</param>
    /// <param name="view">How.</param>
    /// <param name="columns">Of the screen.</param>
    /// <param name="lines">Of the screen.</param>
    public static Arr<string> Screen(TopLook look, TopView view, int columns, int lines)
    {
        var now = look.Now;
        var rows = Sorted(Rows(look), view.Sort)
            .Where(row => row.Name.Contains(view.Filter, StringComparison.OrdinalIgnoreCase)
                || row.Backend.State.Contains(view.Filter, StringComparison.OrdinalIgnoreCase))
            .ToList();
        var problems = StatusProblems.Of(now);
        var head = new List<string>
        {
            $"bal {now.Version}  {now.Overall.ToString().ToUpperInvariant()}  "
                + $"up {new Duration(now.UptimeMs).ToText()}  backends {now.BackendReachable}/{now.BackendTotal}  "
                + $"connections {now.ActiveConnections}{(now.Stopping ? "  stopping" : "")}",
        };
        head.AddRange(problems.AsEnumerable().Take(MostProblems).SelectMany(Told));
        if (problems.Count > MostProblems)
            head.Add($"{Plural.Of(problems.Count - MostProblems, "more problem")}: run 'bal status'");
        head.Add("");
        var width = Math.Max(7, rows.Select(row => row.Name.Length).DefaultIfEmpty(0).Max());
        width = Math.Min(width, Math.Max(7, columns - Columns.Length));
        head.Add("BACKEND".PadRight(width) + Columns);
        var room = Math.Max(LeastRows, lines - head.Count - 2);
        var left = rows.Count > room ? rows.Count - room + 1 : 0;
        var foot = view.Typing ? $"/{view.Filter}"
            : $"s sort: {view.Sort.ToString().ToLowerInvariant()}   / filter: "
                + $"{(view.Filter.Length > 0 ? view.Filter : "none")}   q quit";
        return new([.. head
            .Concat(rows.Take(rows.Count - left).Select(row => Line(row, width)))
            .Concat(left > 0 ? [$"{Plural.Of(left, "more backend")}: / filters them"] : [])
            .Take(Math.Max(0, lines - 1))
            .Append(foot)
            .TakeLast(lines)
            .Select(line => Cut(Printable.Line(line), columns))]);
    }

    /// <summary>A line for each service at this moment, for where nothing can be redrawn.</summary>
    /// <param name="look">What is said.</param>
    /// <param name="time">The time of day.</param>
    public static string Lines(TopLook look, string time)
    {
        var rows = Rows(look);
        return string.Concat(look.Now.Services.Map(service =>
        {
            var own = rows.Where(row => row.Backend.Service == service.Name).ToList();
            return Printable.Line(string.Create(CultureInfo.InvariantCulture,
                $"{time} {service.Name} backends={service.BackendReachable}/{service.BackendTotal} "
                    + $"connections={service.ActiveConnections} new_per_s={own.Sum(r => r.New):0.0} "
                    + $"in_per_s={own.Sum(r => r.In):0} out_per_s={own.Sum(r => r.Out):0}")) + "\n";
        }));
    }

    private static IEnumerable<string> Told(Problem problem) =>
        [$"! {problem.WhatHappened}", $"  do this now: {problem.DoThisNow}"];

    private static List<Row> Rows(TopLook look)
    {
        var before = look.Before.Match(report => report.Backends, () => Arr<BackendReport>.Empty)
            .GroupBy(Key).ToDictionary(group => group.Key, group => group.First());
        var several = look.Now.Services.Count > 1;
        return [.. look.Now.Backends.Select(backend =>
        {
            double Rate(Func<BackendReport, long> of) =>
                look.ElapsedMs > 0 && before.TryGetValue(Key(backend), out var then)
                    ? Math.Max(0, of(backend) - of(then)) * 1000.0 / look.ElapsedMs
                    : 0;
            return new Row(
                backend, several ? Key(backend) : backend.Address,
                Rate(b => b.TotalConnections), Rate(b => b.BytesIn), Rate(b => b.BytesOut));
        })];
    }

    private static string Key(BackendReport backend) => $"{backend.Service}/{backend.Address}";

    private static IEnumerable<Row> Sorted(List<Row> rows, TopSort sort) => sort switch
    {
        TopSort.State => rows.OrderBy(row => Gravity(row.Backend)),
        TopSort.Connections => rows.OrderByDescending(row => row.Backend.ActiveConnections),
        TopSort.Traffic => rows.OrderByDescending(row => row.In + row.Out),
        _ => rows,
    };

    private static int Gravity(BackendReport backend) => backend.State switch
    {
        BackendReport.Down => 0,
        BackendReport.Up => 3,
        BackendReport.Draining => 2,
        _ => 1,
    };

    private static string Line(Row row, int width)
    {
        var failed = row.Backend.ConnectFailures;
        return string.Create(CultureInfo.InvariantCulture,
            $"{Cut(row.Name, width).PadRight(width)}  {row.Backend.State,-8} {row.Backend.ActiveConnections,12} "
                + $"{row.New,8:0.0} {SessionsText.Amount((long)row.In),10} {SessionsText.Amount((long)row.Out),10} "
                + $"{failed.Timeout + failed.Refused + failed.Other,7}");
    }

    private static string Cut(string text, int most) =>
        text.Length <= most ? text : most > 0 ? text[..(most - 1)] + "…" : "";
}
