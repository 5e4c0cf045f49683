using System.Globalization;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Reports;

/// <summary>What of a status report an operator can act on.</summary>
public static class StatusProblems
{
    /// <summary>Problems of so many services are said; more would hide the first ones.</summary>
    private const int MostServices = 10;

    private const int MostNames = 5;

    /// <summary>The problems, in the order in which they are said.</summary>
    public static Arr<Problem> Of(StatusReport report)
    {
        if (!report.Running)
        {
            return Prelude.Array(new Problem(
                "not_running",
                "bal is not running",
                "it was never started, was stopped, or ended with an error that its log names",
                "run 'bal start -d'; if it does not start, run 'bal doctor'"));
        }

        var several = report.Services.Count > 1;
        return new Arr<Problem>(report.Serving
                .Where(service => service.Level != OverallStatus.Ok)
                .OrderByDescending(service => service.Level)
                .Take(MostServices)
                .SelectMany(service => OfService(service, report, several ? $"service {service.Name}: " : "")))
            .Append(report.RefusedReload.Match(
                Some: refused => Prelude.Array(Refused(refused)), None: () => Arr<Problem>.Empty));
    }

    private static IEnumerable<Problem> OfService(ServiceReport service, StatusReport report, string where)
    {
        if (service.BackendReachable < service.BackendTotal)
        {
            yield return Unreachable(service, report.Backends.Filter(b => b.Service == service.Name
                && !b.Reachable && b.State != BackendReport.Draining), where);
        }

        if (service.AtLimit)
        {
            yield return new(
                "connection_limit_reached",
                $"{where}{service.ActiveConnections} of {service.MaxConcurrentConnections} connections are in use: "
                    + "new clients are rejected",
                "more clients than planned, or clients that keep idle connections open",
                "raise max_concurrent_connections and run 'bal graceful', or lower connection_idle_timeout_ms");
        }

        if (service.Protection.Enabled)
        {
            yield return new(
                "protection_on",
                $"{where}protection mode is on since {service.Protection.Since.Match(Time, () => "an unknown time")}",
                service.Protection.Reason.IfNone("") == "all_backends_unavailable"
                    ? "every backend failed for a client"
                    : "many client connects timed out or were refused within a short time",
                "bring the backends back: it turns itself off after enough successful connects in a row");
        }
    }

    private static Problem Unreachable(ServiceReport service, Arr<BackendReport> unreachable, string where)
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
        var names = string.Join(", ", unreachable.Take(MostNames).Select(b => b.Address))
            + (unreachable.Count > MostNames ? $" and {unreachable.Count - MostNames} more" : "");
        return new Problem(
            "backends_unreachable",
            $"{where}{unreachable.Count} of {Plural.Of(service.BackendTotal, "backend")} unreachable: {names}",
            why,
            "start the service there, or correct host and port and run 'bal graceful'; 'bal doctor' probes each one "
            + "now");
    }

    private static Problem Refused(RefusedReloadReport refused) => new(
        "reload_refused",
        $"the reload at {Time(refused.At)} was refused, the earlier configuration keeps serving: "
            + refused.Problem.WhatHappened,
        refused.Problem.WhyLikely,
        $"{refused.Problem.DoThisNow}; then run 'bal graceful'");

    private static string Time(DateTimeOffset at) =>
        string.Create(CultureInfo.InvariantCulture, $"{at.UtcDateTime:yyyy-MM-dd HH:mm:ss}Z");
}
