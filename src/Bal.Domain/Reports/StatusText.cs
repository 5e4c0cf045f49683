using System.Globalization;
using System.Text;
using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Counting;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Reports;

/// <summary>The status report as an operator reads it; order and labels are stable.</summary>
public static class StatusText
{
    /// <summary>
    /// Up to this many services are all shown; of more, only those with a problem, and the rest are counted.
    /// </summary>
    public const int AllShown = 10;

    /// <summary>At most this many services with a problem are shown.</summary>
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
        if (report.Running)
            Overrides(text, report, verbose);
        if (verbose)
            Details(text, report);
        foreach (var problem in StatusProblems.Of(report))
            text.Append(problem.ToText());
        return text.Append("next: ").Append(Next(report)).Append('\n').ToString();
    }

    private static void Head(StringBuilder text, StatusReport report)
    {
        var pid = report.Pid.Match(p => p.ToString(CultureInfo.InvariantCulture), () => "?");
        Line(text, "overall", report.Running ? Word(report.Overall) : "STOPPED");
        Line(text, "daemon",
            (report.Running ? $"running (pid={pid})" : $"not running{In(report)}")
            + (report.Stopping ? ", stopping" : ""));
        foreach (var other in report.Unobserved.Match(u => u.Elsewhere, () => Arr<string>.Empty))
            Line(text, "running_elsewhere", other);
        foreach (var old in report.Previous)
        {
            Line(text, "draining", $"old process pid={old.Pid} (version {old.Version}) with "
                + Plural.Of(old.ActiveConnections, "connection"));
        }

        foreach (var left in report.Leftover)
            Line(text, "draining", $"process pid={left}, left by a bal that was killed");

        if (report.Running)
        {
            Line(text, "backends", $"{report.BackendReachable}/{report.BackendTotal} reachable");
            Line(text, "protection_mode", report.Protection.Reason.Match(reason => $"on ({reason})", () => "off"));
        }
        else
        {
            // A valid configuration has at least one.
            Line(text, "backends", report.BackendTotal == 0
                ? "unknown (no valid configuration)"
                : $"unknown ({report.BackendTotal} configured)");
            Line(text, "protection_mode", "unknown");
        }

        foreach (var service in report.Serving.Filter(s => s.ConfiguredConnections.IsSome).Take(MostShown))
        {
            Line(text, report.Services.Count > 1 ? $"connection_limit {service.Name}" : "connection_limit",
                $"{service.MaxConcurrentConnections} in force, {service.ConfiguredConnections.IfNone(0)} configured "
                + "(the limit of open files is too low)");
        }

        foreach (var service in report.Serving.Filter(s => s.QueueLength > 0).Take(MostShown))
        {
            Line(text, report.Services.Count > 1 ? $"queue {service.Name}" : "queue",
                $"{Plural.Of(service.QueueLength, "client waits", "clients wait")} for a backend with room");
        }
    }

    private static void Overrides(StringBuilder text, StatusReport report, bool verbose)
    {
        var held = report.Backends.Filter(b => b.Override.IsSome);
        foreach (var backend in held.Take(verbose ? int.MaxValue : MostShown))
            backend.Override.IfSome(its => Line(text, $"{its.Action} {NameIn(report, backend)}", Said(backend, its)));
        if (!verbose && held.Count > MostShown)
        {
            text.Append(
                CultureInfo.InvariantCulture, $"{held.Count - MostShown} more drained or with another weight\n");
        }
    }

    private static string NameIn(StatusReport report, BackendReport backend) =>
        report.Services.Count > 1 ? $"{backend.Service}/{backend.Address}" : backend.Address;

    private static string Said(BackendReport backend, Override its) => string.Create(
        CultureInfo.InvariantCulture,
        $"{(its.Drained ? $"{Plural.Of(backend.ActiveConnections, "connection")} left" : "")}")
        + (its.Weight.IsSome ? string.Create(CultureInfo.InvariantCulture,
            $"{(its.Drained ? ", weight " : "")}{backend.Weight} ({backend.ConfiguredWeight} configured)") : "")
        + $", by {its.By.Name} since {OverrideText.Time(its.By.At)}";

    private static string In(StatusReport report) =>
        report.Unobserved.Match(unobserved => $" (BAL_HOME={unobserved.Home})", () => "");

    private static void Services(StringBuilder text, StatusReport report, bool verbose)
    {
        if (report.Services.Count <= 1 || !report.Running)
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
            + (service.BackupsInUse > 0 ? ", backups in use" : "")
            + (service.QueueLength > 0 ? $", {Plural.Of(service.QueueLength, "client waits", "clients wait")}" : "")
            + service.Protection.Reason.Match(reason => $", protection mode on ({reason})", () => "");

    private static void Details(StringBuilder text, StatusReport report)
    {
        if (report.Running)
        {
            Line(text, "version", report.Version);
            Line(text, "uptime", new Duration(report.UptimeMs).ToText());
            Line(text, "config", $"{GivenConfig.PlaceOf(report.ConfigPath)} (version {report.ConfigVersion})");
            Line(text, "connections",
                $"{report.ActiveConnections} active, {report.Of(ServiceCounters.Of(Refusal.Limit))} rejected");
            Line(text, "not_served", Counted(report, CounterKind.Refused));
            Line(text, "ended", Counted(report, CounterKind.Ended));
            report.AccessLog.IfSome(log => Line(text, "access_log",
                $"{log.Path}: {Plural.Of(log.Counts.Lines, "line")}, {log.Counts.Suppressed} suppressed, "
                    + $"{log.Counts.Dropped} dropped"));
            var (spliced, directions) =
                (report.Of(ServiceCounters.SplicedConnections), report.Of(ServiceCounters.SplicedDirections));
            Line(text, "relay",
                $"{Plural.Of(spliced, "connection")} spliced in the kernel (in {Plural.Of(directions, "direction")}), "
                    + $"{Math.Max(0, report.ActiveConnections - spliced)} copied"
                    + (report.Of(ServiceCounters.PipesUnavailable) is > 0 and var times
                        ? $"; no pipe was left {Plural.Of(times, "time")}" : ""));
        }

        var several = report.Services.Count > 1;
        var backends = report.Backends.ToLookup(b => b.Service);
        foreach (var service in report.Services)
        {
            if (several)
                Line(text, "details of service", service.Name);
            Line(text, "method", service.Method);
            if (service.Of(ServiceCounters.QueueWaits) is var waits && waits + service.QueueLength > 0)
            {
                Line(text, "queue",
                    $"{service.QueueLength} waiting, {waits} have waited: {service.QueueMeanWaitMs} ms on average, "
                        + $"{service.Of(ServiceCounters.QueueLongestWaitMs)} ms at most");
            }

            service.Clients.IfSome(known => Line(text, "clients", ClientsText.Of(service.ClientLimits, known)));
            Line(text, "listen", string.Join(", ", service.BindAddresses)
                + (service.Port == 0 ? "" : $" port {service.Port}"));
            foreach (var backend in backends[service.Name])
                Line(text, $"backend {backend.Address}", Detail(backend));
        }
    }

    private static string Detail(BackendReport b) => string.Create(
        CultureInfo.InvariantCulture,
        $"{b.State}{(b.Backup ? ", backup" : "")}, {b.ActiveConnections}{Limit(b)} active, {b.TotalConnections} total, "
            + $"{b.BytesIn} bytes in, {b.BytesOut} bytes out, "
            + $"failed health checks: {Counts(b.ProbeFailures)}; failed client connects: {Counts(b.ConnectFailures)}")
        + b.LastCheckTime.Match(
            at => string.Create(CultureInfo.InvariantCulture, $", last check {at.UtcDateTime:HH:mm:ss}Z"), () => "")
        + string.Create(CultureInfo.InvariantCulture, $", weight {b.Weight}")
        + b.SlowStart.Match(start => $", {SlowStart.ToText(start.SharePercent, new(start.LeftMs))}", () => "");

    private static string Limit(BackendReport b) =>
        b.MaxConnections.Match(limit => $" of {limit}{(b.IsFull ? " (full)" : "")}", () => "");

    private static string Counts(FailureCounters counters) => string.Create(
        CultureInfo.InvariantCulture,
        $"{counters.Timeout} timeout, {counters.Refused} refused, {counters.Other} other");

    private static string Counted(StatusReport report, CounterKind kind)
    {
        var some = ServiceCounters.All.Filter(c => c.Kind == kind && report.Of(c) > 0);
        return some.IsEmpty ? "none" : string.Join(", ", some.Map(c => $"{report.Of(c)} {c.Word}"));
    }

    private static string Next(StatusReport report) => report switch
    {
        { Running: false, Leftover.IsEmpty: false } => "run 'bal start -d', or 'bal stop' to end what is left",
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
