using System.Net;
using System.Text;
using Bal.Domain.Messages;
using Bal.Domain.Simulation;
using LanguageExt;

namespace Bal.Infrastructure.Html;

/// <summary>
/// A simulated run as one page that needs nothing else: no script, no font, no picture from elsewhere.
/// </summary>
public static class SimulationHtml
{
    /// <summary>Lines of the timeline in the page.</summary>
    public const int MaxLines = 1_000;

    /// <summary>Writes the page; why not, where it cannot be written.</summary>
    public static Either<Problem, Unit> Save(string path, Arr<SimulationReport> runs)
    {
        try
        {
            File.WriteAllText(path, Write(runs), new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
            return Unit.Default;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return new Problem(
                "html_not_written",
                $"{path} could not be written: {e.Message}",
                "the directory does not exist, the disk is full, or the file belongs to another user",
                "name a file that you may write with --html");
        }
    }

    /// <summary>The page with one or more runs.</summary>
    public static string Write(Arr<SimulationReport> runs)
    {
        var page = new StringBuilder();
        page.Append("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
        page.Append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
        page.Append($"<title>bal simulate: {Text(Path.GetFileName(runs[0].ScenarioName))}</title>\n");
        page.Append("<style>\n").Append(Style).Append("</style>\n</head>\n<body>\n<main>\n");
        page.Append($"<h1>{Text(Path.GetFileName(runs[0].ScenarioName))}</h1>\n");
        page.Append($"<p class=\"about\">simulated: {runs[0].Scenario.Length.ToText()}, seed "
            + $"{runs[0].Scenario.Seed}</p>\n");
        for (var i = 0; i < runs.Count; i++)
            Run(page, runs[i], i);
        return page.Append("</main>\n</body>\n</html>\n").ToString();
    }

    private static void Run(StringBuilder page, SimulationReport run, int number)
    {
        var passed = run.Passed;
        page.Append("<section>\n");
        page.Append($"<h2><span class=\"badge {(passed ? "good" : "bad")}\">{(passed ? "OK" : "FAILED")}</span> ");
        page.Append($"{Text(run.ConfigName)}</h2>\n");
        page.Append("<figure>\n").Append(TimelineSvg.Write(run, number));
        page.Append("<figcaption>").Append(Legend).Append("</figcaption>\n</figure>\n");
        page.Append("<div class=\"columns\">\n");
        Totals(page, run);
        Expectations(page, run);
        page.Append("</div>\n");
        Backends(page, run);
        Timeline(page, run);
        page.Append("</section>\n");
    }

    private static void Totals(StringBuilder page, SimulationReport run)
    {
        page.Append("<div>\n<h3>Totals</h3>\n<table>\n<tbody>\n");
        foreach (var figure in SimulationText.FiguresOf(run))
            page.Append($"<tr><th scope=\"row\">{Text(figure.Name.Replace('_', ' '))}</th>"
                + $"<td>{Text(figure.Value)}</td></tr>\n");
        page.Append("</tbody>\n</table>\n</div>\n");
    }

    private static void Expectations(StringBuilder page, SimulationReport run)
    {
        page.Append("<div>\n<h3>Expectations</h3>\n");
        if (run.Verdicts.IsEmpty)
        {
            page.Append("<p>The scenario expects nothing.</p>\n</div>\n");
            return;
        }

        page.Append("<table>\n<thead><tr><th scope=\"col\"></th><th scope=\"col\">expected</th>");
        page.Append("<th scope=\"col\">seen</th></tr></thead>\n<tbody>\n");
        foreach (var verdict in run.Verdicts)
        {
            page.Append($"<tr><td><span class=\"badge {(verdict.Holds ? "good" : "bad")}\">");
            page.Append($"{(verdict.Holds ? "ok" : "FAILED")}</span></td>");
            page.Append($"<td>{Text(verdict.Expected)}</td><td>{Text(verdict.Seen)}</td></tr>\n");
        }

        page.Append("</tbody>\n</table>\n</div>\n");
    }

    private static void Backends(StringBuilder page, SimulationReport run)
    {
        page.Append("<h3>Backends</h3>\n<table>\n<thead><tr>");
        foreach (var head in (string[])["backend", "served", "refused", "timed out", "in rotation", "longest out"])
            page.Append($"<th scope=\"col\">{head}</th>");
        page.Append("</tr></thead>\n<tbody>\n");
        foreach (var backend in run.Backends)
        {
            page.Append($"<tr><th scope=\"row\">{Text(run.NameOf(backend))}</th><td>{backend.Served}</td>");
            page.Append($"<td>{backend.Refused}</td><td>{backend.TimedOut}</td><td>{backend.InRotation.ToText()}</td>");
            page.Append($"<td>{backend.LongestOut.ToText()}</td></tr>\n");
        }

        page.Append("</tbody>\n</table>\n");
    }

    private static void Timeline(StringBuilder page, SimulationReport run)
    {
        page.Append("<h3>Timeline</h3>\n<table class=\"timeline\">\n<thead><tr><th scope=\"col\">time</th>");
        page.Append("<th scope=\"col\">who</th><th scope=\"col\">what</th></tr></thead>\n<tbody>\n");
        foreach (var entry in run.Timeline.Take(MaxLines))
        {
            page.Append($"<tr class=\"{SimulationText.Word(entry.Kind)}\"><td>{entry.At.ToClock()}</td>");
            page.Append($"<td>{SimulationText.Word(entry.Kind)}</td><td>{Text(entry.Text)}</td></tr>\n");
        }

        page.Append("</tbody>\n</table>\n");
        if (run.Timeline.Count + run.LeftOut > MaxLines)
            page.Append($"<p>and {run.Timeline.Count - MaxLines + run.LeftOut} more</p>\n");
    }

    /// <summary>Text that cannot become markup.</summary>
    internal static string Text(string text) => WebUtility.HtmlEncode(text);

    private static string Legend => string.Concat(
        TimelineSvg.Legend.Select(key => $"<span class=\"key\"><i class=\"{key.Class}\"></i>{key.Meaning}</span> "));

    private const string Style = """
        :root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --line: #d0d7de; --paper: #ffffff;
          --card: #f6f8fa; --up: #2da44e; --cooling: #e0a100; --down: #cf222e; --draining: #8250df; --absent: #d8dee4;
          --fault: #57606a; --protect: #0969da; --mark: #bf3989; }
        @media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9198a1; --line: #3d444d;
          --paper: #0d1117;
          --card: #151b23; --absent: #2b323b; --up: #3fb950; --cooling: #d29922; --down: #f85149; --draining: #ab7df8;
          --fault: #9198a1; --protect: #4493f8; --mark: #f778ba; } }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--paper); color: var(--ink);
          font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
        main { max-width: 1120px; margin: 0 auto; padding: 28px 24px 48px; }
        h1 { font-size: 26px; margin: 0; } h2 { font-size: 17px; margin: 26px 0 12px; overflow-wrap: anywhere; }
        h3 { font-size: 15px; margin: 22px 0 6px; }
        .about { margin: 2px 0 0; color: var(--soft); }
        figure { margin: 0; padding: 16px; background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
        figcaption { margin-top: 10px; color: var(--soft); font-size: 13px; }
        svg { display: block; width: 100%; height: auto; }
        .key { display: inline-block; margin-right: 16px; white-space: nowrap; }
        .key i { display: inline-block; width: 14px; height: 10px; border-radius: 2px; margin-right: 6px; }
        .badge { display: inline-block; padding: 0 8px; border-radius: 10px; font-size: 12px; font-weight: 600;
          color: #fff; }
        .good { background: #1a7f37; } .bad { background: #cf222e; }
        .columns { display: grid; grid-template-columns: minmax(0, 2fr) minmax(0, 3fr); gap: 32px; }
        @media (max-width: 760px) { .columns { grid-template-columns: minmax(0, 1fr); gap: 0; } }
        table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: 14px; }
        th, td { text-align: left; padding: 4px 10px 4px 0; border-bottom: 1px solid var(--line); vertical-align: top;
          font-weight: 400; overflow-wrap: anywhere; }
        thead th { color: var(--soft); font-size: 13px; }
        .timeline td:nth-child(-n+2) { white-space: nowrap; width: 1%; padding-right: 18px; color: var(--soft); }
        .timeline .scenario td:last-child { font-weight: 600; }
        .up { fill: var(--up); background: var(--up); } .cooling { fill: var(--cooling); background: var(--cooling); }
        .down { fill: var(--down); background: var(--down); }
        .draining { fill: var(--draining); background: var(--draining); }
        .absent { fill: var(--absent); background: var(--absent); }
        .fault { fill: var(--fault); background: var(--fault); }
        .protect { fill: var(--protect); background: var(--protect); }
        .band { fill: var(--protect); opacity: .13; }
        .mark { fill: var(--mark); background: var(--mark); }
        .lost { fill: var(--ink); background: var(--ink); }
        svg text { fill: var(--ink); font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; }
        svg .soft { fill: var(--soft); font-size: 12px; } svg .word { fill: var(--soft); font-size: 11px; }
        svg .grid { stroke: var(--line); stroke-width: 1; }

        """;
}
