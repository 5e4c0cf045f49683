using System.Globalization;
using System.Text;
using Bal.Domain.Admission;
using Bal.Domain.Counting;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Reports;

/// <summary>The status report as an operator reads it; order and labels are stable.</summary>
public static class StatusText
{
    /// <summary>
    /// Up to so many services are all shown; of more only those with a problem, and the rest is counted.
    /// </summary>
    public const int AllShown = 10;

    /// <summary>Of many services, at most so many with a problem are shown.</summary>
    public const int MostShown = 20;

    /// <summary>The concise form.</summary>
    public static string Concise(StatusReport report) => Text(report, verbose: false);

    /// <summary>The concise form with every detail.</summary>
    public static string Verbose(StatusReport report) => Text(report, verbose: true);

    private static string Text(StatusReport report, bool verbose)
    {
        var text = new StringBuilder();
        Head(text, report);
        Services(text, report, verbose);
        if (verbose)
            Details(text, report);
        foreach (var problem in StatusProblems.Of(report))
            text.Append(problem.ToText());
        return text.Append("next: ").Append(Next(report)).Append('\n').ToString();
    }

    private static void Head(StringBuilder text, StatusReport report)
    {
        var pid = report.Pid.Match(p => p.ToString(CultureInfo.InvariantCulture), () => "?");
        Line(text, "overall", Word(report.Overall));
        Line(text, "daemon",
            (report.Running ? $"running (pid={pid})" : "not running") + (report.Stopping ? ", stopping" : ""));
        foreach (var old in report.Previous)
        {
            Line(text, "draining", $"old process pid={old.Pid} (version {old.Version}) with "
                + Plural.Of(old.ActiveConnections, "connection"));
        }

        Line(text, "backends", $"{report.BackendReachable}/{report.BackendTotal} reachable");
        Line(text, "protection_mode", report.Protection.Reason.Match(reason => $"on ({reason})", () => "off"));
    }

    private static void Services(StringBuilder text, StatusReport report, bool verbose)
    {
        if (report.Services.Count <= 1)
            return;
        var troubled = report.Services.Filter(s => s.Level != OverallStatus.Ok || s.Removed);
        var shown = verbose || report.Services.Count <= AllShown
            ? report.Services
            : new Arr<ServiceReport>(troubled.OrderByDescending(s => s.Level).Take(MostShown));
        foreach (var service in shown)
            Line(text, $"service {service.Name}", Summary(service));
        var hidden = report.Services.Count - shown.Count;
        var bad = verbose ? 0 : Math.Max(0, troubled.Count - shown.Count);
        if (hidden > 0 && shown.Count < report.Services.Count && report.Services.Count > AllShown)
            text.Append(bad > 0
                ? $"{Plural.Of(bad, "more service")} with problems, {hidden - bad} OK\n"
                : $"{Plural.Of(hidden, "more service")}: OK\n");
    }

    private static string Summary(ServiceReport service) => service.Removed
        ? $"removed, {Plural.Of(service.ActiveConnections, "connection")} draining"
        : $"{Word(service.Level)}, {service.BackendReachable}/{Plural.Of(service.BackendTotal, "backend")} reachable, "
            + Plural.Of(service.ActiveConnections, "connection")
            + service.Protection.Reason.Match(reason => $", protection mode on ({reason})", () => "");

    private static void Details(StringBuilder text, StatusReport report)
    {
        if (report.Running)
        {
            Line(text, "version", report.Version);
            Line(text, "uptime", new Duration(report.UptimeMs).ToText());
            Line(text, "config", $"{report.ConfigPath} (version {report.ConfigVersion})");
            Line(text, "connections",
                $"{report.ActiveConnections} active, {report.Of(ServiceCounters.Of(Refusal.Limit))} rejected");
            Line(text, "ended", Ended(report));
            var (spliced, directions) =
                (report.Of(ServiceCounters.SplicedConnections), report.Of(ServiceCounters.SplicedDirections));
            Line(text, "relay",
                $"{Plural.Of(spliced, "connection")} spliced in the kernel (in {Plural.Of(directions, "direction")}), "
                    + $"{Math.Max(0, report.ActiveConnections - spliced)} copied");
        }

        var several = report.Services.Count > 1;
        var backends = report.Backends.ToLookup(b => b.Service);
        foreach (var service in report.Services)
        {
            if (several)
                Line(text, "details of service", service.Name);
            Line(text, "method", service.Method);
            Line(text, "listen", $"{string.Join(", ", service.BindAddresses)} port {service.Port}");
            foreach (var backend in backends[service.Name])
                Line(text, $"backend {backend.Address}", Detail(backend));
        }
    }

    private static string Detail(BackendReport b) => string.Create(
        CultureInfo.InvariantCulture,
        $"{b.State}, {b.ActiveConnections} active, {b.TotalConnections} total, {b.BytesIn} bytes in, {b.BytesOut} "
        + $"bytes out, "
            + $"failed connects: {b.Counters.Timeout} timeout, {b.Counters.Refused} refused, {b.Counters.Other} other")
        + b.LastCheckTime.Match(
            at => string.Create(CultureInfo.InvariantCulture, $", last check {at.UtcDateTime:HH:mm:ss}Z"), () => "");

    private static string Ended(StatusReport report)
    {
        var some = ServiceCounters.All.Filter(c => c.Kind == CounterKind.Ended && report.Of(c) > 0);
        return some.IsEmpty ? "none" : string.Join(", ", some.Map(c => $"{report.Of(c)} {c.Word}"));
    }

    private static string Next(StatusReport report) => report switch
    {
        { Running: false } => "run 'bal start -d'",
        { Overall: OverallStatus.Ok } => "continue monitoring with 'bal status'",
        { Stopping: true } => "wait for it to end, or run 'bal status' again",
        _ => "run 'bal doctor'",
    };

    private static string Word(OverallStatus overall) => overall switch
    {
        OverallStatus.Ok => "OK",
        OverallStatus.Warn => "WARN",
        _ => "CRITICAL",
    };

    private static void Line(StringBuilder text, string label, string value) =>
        text.Append(Printable.Line(label)).Append(": ").Append(Printable.Line(value)).Append('\n');
}
