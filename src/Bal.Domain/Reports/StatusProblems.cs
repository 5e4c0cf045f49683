using System.Globalization;
using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Domain.Counting;
using Bal.Domain.History;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Reports;

/// <summary>What of a status report an operator can act on.</summary>
public static class StatusProblems
{
    /// <summary>Problems are shown for at most this many services; more would hide the first ones.</summary>
    private const int MostServices = 10;

    private const int MostNames = 5;

    /// <summary>The problems, in the order in which they are shown.</summary>
    public static Arr<Problem> Of(StatusReport report)
    {
        var leftover = report.Leftover.IsEmpty
            ? Arr<Problem>.Empty
            : Prelude.Array(LeftoverProblems.StillServing(report.Leftover));
        if (!report.Running)
        {
            return Prelude.Array(new Problem(
                "not_running",
                "bal is not running",
                report.Unobserved.Exists(u => u.WasKilled)
                    ? "it was killed, or the machine went down: its PID file was left behind"
                    : "it was never started, was stopped, or ended with an error that its log names",
                "run 'bal start -d'; if it does not start, run 'bal doctor'")).AddRange(leftover);
        }

        var several = report.Services.Count > 1;
        return new Arr<Problem>(report.Serving
                .Where(service => service.Level != OverallStatus.Ok)
                .OrderByDescending(service => service.Level)
                .Take(MostServices)
                .SelectMany(service => OfService(service, report, several ? $"service {service.Name}: " : "")))
            .Append(report.OverrideProblems)
            .Append(report.AccessLog.Bind(Unlogged).Match(
                Some: fault => Prelude.Array(fault), None: () => Arr<Problem>.Empty))
            .AddRange(report.Web.Bind(web => web.Problem).AsEnumerable())
            .Append(report.RefusedReload.Match(
                Some: refused => Prelude.Array(Refused(refused)), None: () => Arr<Problem>.Empty))
            .AddRange(leftover);
    }

    private static Option<Problem> Unlogged(AccessLogReport log) => log.Fault.Map(fault => fault with
    {
        WhatHappened = $"{fault.WhatHappened} ({Plural.Of(log.Counts.Dropped, "line")} dropped so far)",
    });

    private static IEnumerable<Problem> OfService(ServiceReport service, StatusReport report, string where)
    {
        var its = report.Backends.Filter(b => b.Service == service.Name && b.State != BackendReport.Draining);
        foreach (var own in its.Filter(LeadsHere).Take(MostNames))
            yield return OwnListenerProblem.Of(own.Address);
        var unreachable = its.Filter(b => !b.Reachable && !LeadsHere(b));
        if (!unreachable.IsEmpty)
            yield return Unreachable(service, unreachable, where);
        if (service.BackupsInUse > 0)
            yield return OnBackups(service, where);
        if (service is { Usable: 0, BackendReachable: > 0 })
            yield return Unused(where);
        if (service.UnresolvedNames > 0)
            yield return Unresolved(its.Filter(b => b.NameFails), where);
        if (service.ChecksNotMade > 0)
            yield return NotMade(its.Filter(b => b.ChecksNotMade > 0), where);

        if (service.AtLimit)
        {
            var words = Words(Refusal.Limit, service);
            yield return new(
                "connection_limit_reached",
                $"{where}{service.ActiveConnections} of {service.MaxConcurrentConnections} connections are in use: "
                    + "new clients are rejected",
                words.WhyLikely,
                words.DoThisNow);
        }

        if (service.NewcomersShare)
            yield return NotToldApart(where);

        foreach (var reason in Refusals.Unwanted.Filter(r => service.Unserved[(int)r] > 0))
        {
            var words = Words(reason, service);
            var count = service.Unserved[(int)reason];
            yield return new(
                "clients_not_served",
                $"{where}{Plural.Of(count, "client was", "clients were")} not served in the last minute "
                    + $"({ServiceCounters.Of(reason).Word}): {words.What}",
                words.WhyLikely,
                words.DoThisNow);
        }

        if (service.Protection.Enabled)
        {
            yield return new(
                "protection_on",
                $"{where}protection mode is on since {service.Protection.Since.Match(Time, () => "an unknown time")}",
                service.Protection.Reason.IfNone("") == "all_backends_unavailable"
                    ? "every backend failed for a client"
                    : "many client connects timed out or were refused within a short time",
                "bring the backends back: it turns itself off after enough successful connects in a row")
            {
                Since = service.Protection.Since,
            };
        }
    }

    private static Problem NotToldApart(string where) => new(
        "clients_not_told_apart",
        $"{where}newcomers share the limits of one client: {ClientLimits.MaxKnown} clients are known, and room for "
            + "another one was not found",
        "nearly all of them have open connections: a flood from very many addresses, or a service with as many clients",
        "run 'bal explain', close off the addresses of a flood with 'deny' or a firewall, or remove the limits per "
            + "client");

    private static Problem OnBackups(ServiceReport service, string where) => new(
        "backups_in_use",
        $"{where}new clients go to {Plural.Of(service.BackupsInUse, "backup")}"
            + service.BackupsInUseSince.Match(at => $" since {Time(at)}", () => "")
            + ": no primary is left",
        "each backend without 'backup' is down, drained or of weight 0",
        "bring a primary back: new clients go there immediately, and 'on_primary_up' says what becomes of the open "
            + "connections of backups")
    {
        Since = service.BackupsInUseSince,
    };

    private static Problem Unreachable(ServiceReport service, Arr<BackendReport> unreachable, string where)
    {
        // What the last failures of most of them say.
        var causes = unreachable.GroupBy(Cause).OrderByDescending(same => same.Count()).ToArray();
        var why = string.Join("; ", causes.Select(same => (causes.Length == 1 ? "" : $"{same.Count()}: ") + same.Key));
        return new Problem(
            "backends_unreachable",
            $"{where}{unreachable.Count} of {Plural.Of(service.BackendTotal, "backend")} unreachable: "
                + Names(unreachable.Map(b => b.Address)),
            why,
            string.Join("; ", unreachable.Map(Remedy).Distinct()) + "; 'bal doctor' probes each one now")
        {
            Since = unreachable.Fold(Option<DateTimeOffset>.None, (first, b) => b.Since.Match(
                at => first.Match(known => known < at ? known : at, () => at), () => first)),
        };
    }

    private static Problem Unused(string where) => new(
        "no_backend_in_use",
        $"{where}no backend gets new clients: those that are reachable are drained or have weight 0",
        "they were drained, or given weight 0, with --force, or the file gives no other one a weight above 0",
        "run 'bal enable BACKEND', or 'bal enable --all'");

    // A Unix socket has neither a host nor a port that could be wrong.
    private static string Remedy(BackendReport backend) => !IsUnix(backend)
        ? "start the service there, or correct host and port and run 'bal graceful'"
        : backend.LastFailure.Bind(last => SocketFaultText.Of(last.Kind)).Match(
            words => words.Remedy, () => "start the service, or correct the path");

    private static string Cause(BackendReport backend) => backend.LastFailure.Match(
        Some: last => (last.Witness, last.Kind) switch
        {
            (Witness.Resolver, _) => "the name does not resolve",
            (_, FailureKind.WrongAnswer) => $"its health check got a wrong answer: {last.Answer.IfNone("unknown")}",
            (_, var kind) when last.Answer.IsNone && IsUnix(backend)
                && SocketFaultText.Of(kind).Case is SocketFaultText words => $"{words.What}: {words.Why}",
            _ when last.Answer.IsSome => $"its health check failed: {last.Answer.IfNone("")}",
            (_, FailureKind.Refused) =>
                "connections are refused: the service is not running, or listens on another address or port",
            (_, FailureKind.Timeout) => "connections time out: the host is down, or a firewall drops the packets",
            (_, FailureKind.NoRoute) => "this machine has no route to the host, or the host is down",
            (_, FailureKind.NotPermitted) =>
                "this machine does not permit the connection: a firewall rule or a route of its own forbids it",
            (_, FailureKind.Local) => "this machine has no file descriptor, local port or memory left to try with",
            _ => "connections fail: the host resets them, or reports an error",
        },
        None: () => backend.IsNotChecked ? "not_checked: no health check of it has ended yet"
            : backend.NameFails ? "the name does not resolve" : "no failure has been recorded yet");

    private static bool IsUnix(BackendReport backend) =>
        backend.Address.StartsWith(Host.Unix.Prefix, StringComparison.Ordinal);

    private static bool LeadsHere(BackendReport backend) => !backend.Reachable
        && backend.LastFailure.Exists(last => last.Kind == FailureKind.OwnListener);

    private static Problem Unresolved(Arr<BackendReport> backends, string where) => new(
        "name_unresolved",
        $"{where}{Plural.Of(backends.Count, "backend name does", "backend names do")} not resolve: "
            + Names(backends.Map(b => b.Address)),
        "the name is mistyped or was removed, or no name server answers; the last good addresses stay in use",
        "run 'getent hosts NAME' here; correct the name or the name server");

    private static Problem NotMade(Arr<BackendReport> backends, string where) => new(
        "probes_not_made",
        $"{where}health checks of {Plural.Of(backends.Count, "backend")} could not be made: "
            + Names(backends.Map(b => b.Address)),
        "this machine has no file descriptor, local port or memory left; these backends stay as they were",
        "run 'ulimit -n', 'ss -s' and 'free -m', and free what is used up");

    // Where descriptors keep the limit below the one of the file, a higher number in the file changes nothing.
    private static RefusalText Words(Refusal reason, ServiceReport service) => service.ConfiguredConnections
        .Filter(configured => reason == Refusal.Limit && configured > service.MaxConcurrentConnections)
        .Match(
            configured => RefusalText.Of(reason) with
            {
                WhyLikely = $"max_concurrent_connections is {configured}, but the limit of open files allows only "
                    + $"{service.MaxConcurrentConnections}",
                DoThisNow = RefusalText.Of(Refusal.Descriptors).DoThisNow,
            },
            () => RefusalText.Of(reason));

    private static string Names(Arr<string> all) => string.Join(", ", all.Take(MostNames))
        + (all.Count > MostNames ? $" and {all.Count - MostNames} more" : "");

    private static Problem Refused(RefusedReloadReport refused) => new(
        "reload_refused",
        $"the reload at {Time(refused.At)} was refused; the earlier configuration stays in force: "
            + refused.Problem.WhatHappened,
        refused.Problem.WhyLikely,
        $"{refused.Problem.DoThisNow}; then run 'bal graceful'")
    {
        Since = refused.At,
    };

    private static string Time(DateTimeOffset at) =>
        string.Create(CultureInfo.InvariantCulture, $"{at.UtcDateTime:yyyy-MM-dd HH:mm:ss}Z");
}
