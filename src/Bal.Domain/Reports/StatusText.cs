using System.Globalization;
using System.Text;
using Bal.Domain.Counting;
using Bal.Domain.Doctor;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Reports;

/// <summary>
/// The status report as an operator reads it; order and labels are stable (docs/behaviour.md, Output).
/// </summary>
public static class StatusText
{
    /// <summary>The short form.</summary>
    public static string Concise(StatusReport report) => Head(report) + Problems(report) + Next(report);

    /// <summary>The long form: the short one with every backend and the process between.</summary>
    public static string Verbose(StatusReport report) =>
        Head(report) + Details(report) + Problems(report) + Next(report);

    /// <summary>What an operator can act on.</summary>
    public static Arr<Problem> ProblemsOf(StatusReport report)
    {
        if (!report.Running)
        {
            return Prelude.Array(new Problem(
                "not_running",
                "bal is not running",
                "it was never started, was stopped, or ended with an error that its log names",
                "run 'bal start -d'; if it does not start, run 'bal doctor'"));
        }

        var unreachable = report.Backends.Filter(b => !b.Reachable && b.State != BackendReport.Draining);
        var problems = unreachable.IsEmpty
            ? Arr<Problem>.Empty
            : Prelude.Array(Unreachable(report, unreachable));
        if (report.AtLimit)
            problems = problems.Add(AtLimit(report));
        if (report.Protection.Enabled)
            problems = problems.Add(Protected(report));
        return report.RefusedReload.Match(Some: refused => problems.Add(Refused(refused)), None: () => problems);
    }

    private static string Head(StatusReport report)
    {
        var daemon = report.Running
            ? $"running (pid={report.Pid.Match(p => p.ToString(CultureInfo.InvariantCulture), () => "?")})"
            : "not running";
        var stopping = report.Stopping ? ", stopping" : "";
        var protection = report.Protection.Reason.Match(reason => $"on ({Printable.Line(reason)})", () => "off");
        return $"""
            overall: {Word(report.Overall)}
            daemon: {daemon}{stopping}{Draining(report)}
            backends: {report.BackendReachable}/{report.BackendTotal} reachable
            protection_mode: {protection}

            """;
    }

    // A line of its own for each, and none where there is none: this one begins with the end of the line before.
    private static string Draining(StatusReport report) => string.Concat(report.Previous.Map(p => string.Create(
        CultureInfo.InvariantCulture,
        $"\ndraining: old process pid={p.Pid} (version {p.Version}) with {p.ActiveConnections} connection(s)")));

    private static string Details(StatusReport report)
    {
        var text = new StringBuilder();
        if (report.Running)
        {
            text.Append(CultureInfo.InvariantCulture, $"version: {Printable.Line(report.Version)}\n");
            text.Append(CultureInfo.InvariantCulture, $"uptime: {new Duration(report.UptimeMs).ToText()}\n");
            text.Append(CultureInfo.InvariantCulture,
                $"config: {Printable.Line(report.ConfigPath)} (version {report.ConfigVersion})\n");
            text.Append(CultureInfo.InvariantCulture,
                $"connections: {report.ActiveConnections} active, "
                + $"{report.Of(ServiceCounters.Of(Admission.Refusal.Limit))} rejected\n");
            text.Append(CultureInfo.InvariantCulture,
                $"ended: {Ended(report)}\n");
            text.Append(CultureInfo.InvariantCulture,
                $"relay: {report.Of(ServiceCounters.SplicedConnections)} connection(s) spliced in the kernel (in "
                + $"{report.Of(ServiceCounters.SplicedDirections)} " +
                $"direction(s)), "
                + $"{Math.Max(0, report.ActiveConnections - report.Of(ServiceCounters.SplicedConnections))} copied\n");
        }

        text.Append(CultureInfo.InvariantCulture, $"method: {Printable.Line(report.Method)}\n");
        if (report.Port > 0)
            text.Append(CultureInfo.InvariantCulture,
                $"listen: {Printable.Line(report.BindAddress)} port {report.Port}\n");
        foreach (var b in report.Backends)
        {
            text.Append(CultureInfo.InvariantCulture,
                $"backend {Printable.Line(b.Address)}: {Printable.Line(b.State)}, {b.ActiveConnections} active, "
                + $"{b.TotalConnections} total, " +
                $"{b.BytesIn} bytes in, {b.BytesOut} bytes out, failed connects: {b.Counters.Timeout} timeout, " +
                $"{b.Counters.Refused} refused, {b.Counters.Other} other{Checked(b)}\n");
        }

        return text.ToString();
    }

    private static string Ended(StatusReport report)
    {
        var some = ServiceCounters.All.Filter(c => c.Kind == CounterKind.Ended && report.Of(c) > 0);
        return some.IsEmpty ? "none" : string.Join(", ", some.Map(c => $"{report.Of(c)} {c.Word}"));
    }

    private static string Checked(BackendReport backend) => backend.LastCheckTime.Match(
        at => string.Create(CultureInfo.InvariantCulture, $", last check {at.UtcDateTime:HH:mm:ss}Z"), () => "");

    private static string Problems(StatusReport report) =>
        string.Concat(ProblemsOf(report).Map(problem => problem.ToText()));

    private static string Next(StatusReport report) => report switch
    {
        { Running: false } => "next: run 'bal start -d'\n",
        { Overall: OverallStatus.Ok } => "next: continue monitoring with 'bal status'\n",
        { Stopping: true } => "next: wait for it to end, or run 'bal status' again\n",
        _ => "next: run 'bal doctor'\n",
    };

    private static string Word(OverallStatus overall) => overall switch
    {
        OverallStatus.Ok => "OK",
        OverallStatus.Warn => "WARN",
        _ => "CRITICAL",
    };

    private static Problem Unreachable(StatusReport report, Arr<BackendReport> unreachable)
    {
        var counters = unreachable.Fold((Timeout: 0L, Refused: 0L, Other: 0L), (sum, b) =>
            (sum.Timeout + b.Counters.Timeout, sum.Refused + b.Counters.Refused, sum.Other + b.Counters.Other));
        var why = counters switch
        {
            { Refused: var r, Timeout: var t, Other: var o } when r >= t && r >= o && r > 0 =>
                "connections are refused: the service is not running, or listens on another address or port",
            { Timeout: var t, Other: var o } when t >= o && t > 0 =>
                "connections time out: the host is down, or a firewall drops the packets",
            _ => "the host is unreachable, or its name does not resolve",
        };
        var names = string.Join(", ", unreachable.Take(5).Select(b => b.Address))
            + (unreachable.Count > 5 ? $" and {unreachable.Count - 5} more" : "");
        return new Problem(
            "backends_unreachable",
            $"{unreachable.Count} of {report.BackendTotal} backend(s) unreachable: {names}",
            why,
            "start the service there, or correct host and port and run 'bal graceful'; 'bal doctor' probes each one "
            + "now");
    }

    private static Problem AtLimit(StatusReport report) => new(
        "connection_limit_reached",
        $"{report.ActiveConnections} of {report.MaxConcurrentConnections} connections are in use: new clients are "
        + $"rejected",
        "more clients than planned, or clients that keep idle connections open",
        "raise max_concurrent_connections and run 'bal graceful', or lower connection_idle_timeout_ms");

    private static Problem Refused(RefusedReloadReport refused) => new(
        "reload_refused",
        $"the reload at {Time(refused.At)} was refused, the earlier configuration keeps serving: "
            + refused.Problem.WhatHappened,
        refused.Problem.WhyLikely,
        $"{refused.Problem.DoThisNow}; then run 'bal graceful'");

    private static Problem Protected(StatusReport report) => new(
        "protection_on",
        $"protection mode is on since {report.Protection.Since.Match(Time, () => "an unknown time")}",
        report.Protection.Reason.IfNone("") == "all_backends_unavailable"
            ? "every backend failed for a client"
            : "many client connects timed out or were refused within a short time",
        "bring the backends back: it turns itself off after enough successful connects in a row");

    private static string Time(DateTimeOffset at) =>
        string.Create(CultureInfo.InvariantCulture, $"{at.UtcDateTime:yyyy-MM-dd HH:mm:ss}Z");
}
