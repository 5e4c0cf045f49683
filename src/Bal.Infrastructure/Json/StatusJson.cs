using System.Text.Json;
using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Domain.Control;
using Bal.Domain.Counting;
using Bal.Domain.History;
using Bal.Domain.Messages;
using Bal.Domain.Recording;
using Bal.Domain.Reports;
using LanguageExt;

namespace Bal.Infrastructure.Json;

/// <summary>
/// The JSON of <c>status</c>: the daemon's answer and the command's output are the same text. The members of earlier
/// versions stay: totals where they count, and the first service's where they describe.
/// </summary>
public static class StatusJson
{
    private static readonly Codec<ProtectionReport> Protection = Codec.Object<ProtectionReport>(m => new(
        m.Of("enabled", Scalar.Flag, p => p.Enabled),
        m.Of("reason", Codec.Maybe(Scalar.Text), p => p.Reason),
        m.Of("since", ReportCodec.MaybeTime, p => p.Since)));

    private static readonly Codec<Arr<long>> Refused = Counts(CounterKind.Refused);

    private static readonly Codec<Arr<long>> Ended = Counts(CounterKind.Ended);

    private static readonly Codec<Arr<int>> Numbers = Codec.List(Scalar.Count);

    // The last of the counters, in their order.
    private static readonly Arr<ServiceCounter> Last = Prelude.Array(
        ServiceCounters.QueueLength, ServiceCounters.QueueWaits, ServiceCounters.QueueWaitMs,
        ServiceCounters.QueueLongestWaitMs, ServiceCounters.TotalConnections, ServiceCounters.Failovers,
        ServiceCounters.BytesIn, ServiceCounters.BytesOut, ServiceCounters.EndedConnections,
        ServiceCounters.ConnectionMs);

    // How many took how long is for the metrics.
    private static readonly Arr<long> NotWritten = ServiceCounters.All
        .Filter(counter => counter.Kind is CounterKind.Lasted or CounterKind.Waited).Map(_ => 0L);

    private static readonly Codec<Arr<string>> Texts = Codec.List(Scalar.Text);

    /// <summary>What is reported alike of one service and of all together.</summary>
    private static readonly Body<ServiceReport> Summary = Body.Of<ServiceReport>(m =>
    {
        var address = m.Of("bind_address", Scalar.Text, s => s.BindAddresses.HeadOrNone().IfNone(""));
        var addresses = m.Of("bind_addresses", Texts, s => s.BindAddresses, Prelude.Array(address));
        var port = m.Of("port", Scalar.Count, s => s.Port);
        var method = m.Of("method", Scalar.Text, s => s.Method);
        var total = m.Of("backend_total", Scalar.Count, s => s.BackendTotal);
        var reachable = m.Of("backend_reachable", Scalar.Count, s => s.BackendReachable);
        var active = m.Of("active_connections", Scalar.Total, s => s.ActiveConnections);
        var rejected = m.Of("rejected_connections", Scalar.Total, s => s.Of(ServiceCounters.Of(Refusal.Limit)));
        var refused = m.Of(
            "rejected", Refused, s => Part(s, CounterKind.Refused),
            ServiceReport.Nobody.SetItem((int)Refusal.Limit, rejected));
        var recent = m.Of("unserved_last_minute", Refused, s => s.Unserved, ServiceReport.Nobody);
        var limit = m.Of("max_concurrent_connections", Scalar.Count, s => s.MaxConcurrentConnections);
        var configured = m.Of(
            "configured_connections", Scalar.Count,
            s => s.ConfiguredConnections.IfNone(s.MaxConcurrentConnections), limit);
        var spliced = m.Of("spliced_connections", Scalar.Total, s => s.Of(ServiceCounters.SplicedConnections));
        var directions = m.Of("spliced_directions", Scalar.Total, s => s.Of(ServiceCounters.SplicedDirections));
        var unavailable = m.Of(
            "pipes_unavailable", Scalar.Total, s => s.Of(ServiceCounters.PipesUnavailable), 0L);
        var ended = m.Of("terminations", Ended, s => Part(s, CounterKind.Ended));
        var last = Last.Map(counter => m.Of(counter.Word, Scalar.Total, s => s.Of(counter), 0L));
        _ = m.Of("queue_mean_wait_ms", Scalar.Total, s => s.QueueMeanWaitMs, 0L);
        var protection = m.Of("protection_mode", Protection, s => s.Protection);
        return new(
            "", addresses, port, method, limit, Removed: false, total, reachable, active,
            refused.AddRange(ended).Add(spliced).Add(directions).Add(unavailable).AddRange(last)
                .AddRange(NotWritten), protection)
        {
            ConfiguredConnections = configured == limit ? Option<int>.None : configured,
            Unserved = recent,
        };
    });

    private static readonly Codec<Option<KnownClients>> Clients = Codec.Maybe(Codec.Object<KnownClients>(m => new(
        m.Of("known", Scalar.Total, k => k.Known),
        m.Of("newcomers_share", Scalar.Flag, k => k.NewcomersShare))));

    private static readonly Codec<Option<int>> MaybeCount = Codec.Maybe(Scalar.Count);

    private static readonly Codec<ServiceReport> Service = Codec.Object<ServiceReport>(m =>
    {
        var name = m.Of("name", Scalar.Text, s => s.Name);
        _ = m.Of("level", Scalar.Text, s => s.Level.ToString().ToLowerInvariant(), "");
        var removed = m.Of("removed", Scalar.Flag, s => s.Removed, false);
        var names = m.Of("server_names", Texts, s => s.ServerNames, Arr<string>.Empty);
        var unresolved = m.Of("unresolved_names", Scalar.Count, s => s.UnresolvedNames, 0);
        var notMade = m.Of("checks_not_made", Scalar.Count, s => s.ChecksNotMade, 0);
        var backups = m.Of("backups_in_use", Scalar.Count, s => s.BackupsInUse, 0);
        var since = m.Of(
            "backups_in_use_since", ReportCodec.MaybeTime, s => s.BackupsInUseSince, Option<DateTimeOffset>.None);
        var usable = m.Of("backend_usable", Scalar.Count, s => s.Usable, -1);
        var impaired = m.Of("backend_impaired", Scalar.Count, s => s.Impaired, -1);
        var limits = new ClientLimits(
            m.Of("max_connections_per_client", MaybeCount, s => s.ClientLimits.Connections, Option<int>.None),
            m.Of("max_connection_rate_per_client", MaybeCount, s => s.ClientLimits.Rate, Option<int>.None));
        var clients = m.Of("clients", Clients, s => s.Clients, Option<KnownClients>.None);
        // What a walk that has failed goes on with is null.
        return m.Inline(Summary, s => s) is { } summary
            ? summary with
            {
                Name = name,
                Removed = removed,
                ServerNames = names,
                UnresolvedNames = unresolved,
                ChecksNotMade = notMade,
                BackupsInUse = backups,
                BackupsInUseSince = since,
                ClientLimits = limits,
                Clients = clients,
                // An earlier daemon has neither drains nor weights.
                Usable = usable < 0 ? summary.BackendReachable : usable,
                Impaired = impaired < 0 ? summary.BackendTotal - summary.BackendReachable : impaired,
            }
            : null!;
    });

    private static readonly Codec<FailureCounters> Failures = Codec.Object<FailureCounters>(m => new(
        m.Of("timeout", Scalar.Total, c => c.Timeout),
        m.Of("refused", Scalar.Total, c => c.Refused),
        m.Of("other", Scalar.Total, c => c.Other)));

    private static readonly Codec<Option<FailureReport>> LastFailure = Codec.Maybe(Codec.Object<FailureReport>(m => new(
        m.Of("reason", Codec.Words(new Arr<FailureKind>(Enum.GetValues<FailureKind>()), Domain.Backend.Failures.WordOf),
            f => f.Kind),
        m.Of("source", Codec.Words(new Arr<Witness>(Enum.GetValues<Witness>()), HappeningText.Of), f => f.Witness),
        m.Of("at", ReportCodec.Time, f => f.At))
    {
        Answer = m.Of("answer", Codec.Maybe(Scalar.Text), f => f.Answer, Option<string>.None),
    }));

    private static readonly Codec<Option<SlowStartReport>> SlowStart = Codec.Maybe(Codec.Object<SlowStartReport>(m =>
        new(
            m.Of("share_percent", Scalar.Count, s => s.SharePercent),
            m.Of("left_ms", Scalar.Total, s => s.LeftMs),
            m.Of("until", ReportCodec.Time, s => s.Until))));
    private static readonly Codec<Option<Override>> Overridden = Codec.Maybe(Codec.Object<Override>(m =>
    {
        var action = m.Of("action", Scalar.Text, o => o.Action);
        var weight = m.Of("weight", Codec.Maybe(Scalar.Count), o => o.Weight);
        return new(
            action == Override.Drain,
            weight,
            new(
                m.Of("by", Scalar.Text, o => o.By.Name),
                m.Of("uid", Scalar.Total, o => o.By.Uid),
                m.Of("at", ReportCodec.Time, o => OverrideText.At(o.By.At)).ToUnixTimeMilliseconds()));
    }));

    private static readonly Codec<BackendReport> Backend = Codec.Object<BackendReport>(m =>
    {
        var report = BackendOf(m);
        // From two answers follows how long it has taken between them.
        _ = m.Of("connect_ms", Scalar.Total, b => b.Connects.Milliseconds, 0L);
        _ = m.Of("probes", Scalar.Total, b => b.Probes.Count, 0L);
        _ = m.Of("probe_ms", Scalar.Total, b => b.Probes.Milliseconds, 0L);
        return report;
    });

    private static BackendReport BackendOf(Members<BackendReport> m) => new(
        m.Of("service", Scalar.Text, b => b.Service, Domain.Config.Service.DefaultName),
        m.Of("address", Scalar.Text, b => b.Address),
        m.Of("reachable", Scalar.Flag, b => b.Reachable),
        m.Of("state", Scalar.Text, b => b.State),
        m.Of("active_connections", Scalar.Total, b => b.ActiveConnections),
        m.Of("total_connections", Scalar.Total, b => b.TotalConnections),
        m.Of("bytes_in", Scalar.Total, b => b.BytesIn),
        m.Of("bytes_out", Scalar.Total, b => b.BytesOut),
        m.Of("last_check_time", ReportCodec.MaybeTime, b => b.LastCheckTime),
        m.Of("cooldown_until", ReportCodec.MaybeTime, b => b.CooldownUntil),
        m.Of("counters", Failures, b => b.Counters))
    {
        ProbeFailures = m.Of("probe_failures", Failures, b => b.ProbeFailures, FailureCounters.Zero),
        ConnectFailures = m.Of("connect_failures", Failures, b => b.ConnectFailures, FailureCounters.Zero),
        LastFailure = m.Of("last_failure", LastFailure, b => b.LastFailure, Option<FailureReport>.None),
        IsNotChecked = m.Of("not_checked", Scalar.Flag, b => b.IsNotChecked, false),
        NameFails = m.Of("name_fails", Scalar.Flag, b => b.NameFails, false),
        ChecksNotMade = m.Of("checks_not_made", Scalar.Count, b => b.ChecksNotMade, 0),
        Since = m.Of("since", ReportCodec.MaybeTime, b => b.Since, Option<DateTimeOffset>.None),
        Backup = m.Of("backup", Scalar.Flag, b => b.Backup, false),
        Weight = m.Of("weight", Scalar.Count, b => b.Weight, 1),
        SlowStart = m.Of("slow_start", SlowStart, b => b.SlowStart, Option<SlowStartReport>.None),
        ConfiguredWeight = m.Of("configured_weight", Scalar.Count, b => b.ConfiguredWeight, 1),
        Override = m.Of("override", Overridden, b => b.Override, Option<Override>.None),
        MaxConnections = m.Of(
            "max_connections", Codec.Maybe(Scalar.Count), b => b.MaxConnections, Option<int>.None),
    };

    private static readonly Codec<PreviousReport> Previous = Codec.Object<PreviousReport>(m => new(
        m.Of("pid", Scalar.Count, p => p.Pid),
        m.Of("version", Scalar.Text, p => p.Version),
        m.Of("active_connections", Scalar.Total, p => p.ActiveConnections),
        m.Of("since", ReportCodec.Time, p => p.Since)));

    private static readonly Codec<RefusedReloadReport> RefusedReload = Codec.Object<RefusedReloadReport>(m => new(
        m.Of("at", ReportCodec.Time, r => r.At),
        m.Inline(ReportCodec.Problem, r => r.Problem)));

    private static readonly Codec<AccessLogReport> AccessLog = Codec.Object<AccessLogReport>(m => new(
        m.Of("path", Scalar.Text, l => l.Path),
        new(
            m.Of("lines", Scalar.Total, l => l.Counts.Lines),
            m.Of("suppressed", Scalar.Total, l => l.Counts.Suppressed),
            m.Of("dropped", Scalar.Total, l => l.Counts.Dropped)))
    {
        Fault = m.Of("problem", Codec.Maybe(Codec.Of(ReportCodec.Problem)), l => l.Fault),
    });

    private static readonly Codec<WebReport> Web = Codec.Object<WebReport>(m => new(
        m.Of("listen", Scalar.Text, w => w.Listen),
        m.Of("pid", Codec.Maybe(Scalar.Count), w => w.Pid),
        m.Of("problem", Codec.Maybe(Codec.Of(ReportCodec.Problem)), w => w.Problem)));

    private static readonly Codec<Unobserved> NotObserved = Codec.Object<Unobserved>(m => new(
        m.Of("bal_home", Scalar.Text, u => u.Home),
        m.Of("running_elsewhere", Texts, u => u.Elsewhere),
        m.Of("problem", Codec.Maybe(Codec.Of(ReportCodec.Problem)), u => u.Problem)));

    private static readonly Codec<Problem> TimedProblem = Codec.Object<Problem>(m =>
    {
        var since = m.Of("since", ReportCodec.MaybeTime, p => p.Since, Option<DateTimeOffset>.None);
        // What a walk that has failed goes on with is null.
        return m.Inline(ReportCodec.Problem, p => p) is { } problem ? problem with { Since = since } : null!;
    });

    private static readonly Codec<StatusReport> Report = Codec.Object<StatusReport>(m =>
    {
        var running = m.Of("running", Scalar.Flag, r => r.Running);
        var pid = m.Of("pid", Codec.Maybe(Scalar.Count), r => r.Pid);
        var path = ReportCodec.ConfigPath(m, r => r.ConfigPath);
        var all = m.Inline(Summary, Whole);
        _ = m.Of("last_check_time", ReportCodec.MaybeTime, r => r.LastCheckTime);
        _ = m.Of("overall", Scalar.Text, r => r.Overall.ToString().ToLowerInvariant(), "");
        _ = m.Of(
            "problems", Codec.List(TimedProblem), StatusProblems.Of, Arr<Problem>.Empty);
        var services = m.Of(
            "services", Codec.List(Service), r => r.Listed.Match(part => part.Services, () => r.Services),
            all is null
                ? Arr<ServiceReport>.Empty
                : Prelude.Array(all with { Name = Domain.Config.Service.DefaultName }));
        return new(
            running,
            pid,
            path,
            services,
            m.Of("backends", Codec.List(Backend), r => r.Listed.Match(part => part.Backends, () => r.Backends)),
            m.Of("version", Scalar.Text, r => r.Version),
            m.Of("uptime_ms", Scalar.Total, r => r.UptimeMs),
            m.Of("config_version", Scalar.Total, r => r.ConfigVersion),
            m.Of("stopping", Scalar.Flag, r => r.Stopping),
            m.Of("previous", Codec.List(Previous), r => r.Previous, Arr<PreviousReport>.Empty),
            m.Of("refused_reload", Codec.Maybe(RefusedReload), r => r.RefusedReload))
        {
            Leftover = m.Of("leftover_processes", Numbers, r => r.Leftover, Arr<int>.Empty),
            OverrideProblems = m.Of(
                "override_problems", Codec.List(Codec.Of(ReportCodec.Problem)), r => r.OverrideProblems,
                Arr<Problem>.Empty),
            AccessLog = m.Of(
                "access_log", Codec.Maybe(AccessLog), r => r.AccessLog, Option<AccessLogReport>.None),
            Web = m.Of("web", Codec.Maybe(Web), r => r.Web, Option<WebReport>.None),
            Unobserved = m.Of("unobserved", Codec.Maybe(NotObserved), r => r.Unobserved, Option<Unobserved>.None),
        };
    });

    /// <summary>Indented JSON with a newline at the end.</summary>
    public static byte[] Write(StatusReport report) => JsonReport.Write(Report, report);

    /// <summary>Writes the same as a value.</summary>
    public static void WriteValue(Utf8JsonWriter json, StatusReport report) =>
        Report.Write(Walk.Writing(json), report);

    /// <summary>Reads what <see cref="Write"/> wrote; an answer of something else is refused.</summary>
    public static Either<string, StatusReport> Read(ReadOnlyMemory<byte> text) =>
        CanonicalJson.Read(Report, text).MapLeft(fault => fault.ToText());

    private static ServiceReport Whole(StatusReport report)
    {
        var first = report.Services.HeadOrNone().IfNone(() => new ServiceReport(
            "", Arr<string>.Empty, 0, Domain.Config.Words.Of(Domain.Config.Method.RoundRobin), 0, false, 0, 0, 0,
            ServiceCounters.All.Map(_ => 0L), ProtectionReport.Off));
        return first with
        {
            BackendTotal = report.BackendTotal,
            BackendReachable = report.BackendReachable,
            ActiveConnections = report.ActiveConnections,
            Counts = ServiceCounters.All.Map(report.Of),
            Protection = report.Protection,
            Unserved = report.Unserved,
        };
    }

    private static Arr<long> Part(ServiceReport service, CounterKind kind) =>
        ServiceCounters.All.Filter(counter => counter.Kind == kind).Map(service.Of);

    private static Codec<Arr<long>> Counts(CounterKind kind)
    {
        var counters = ServiceCounters.All.Filter(counter => counter.Kind == kind);
        return Codec.Object<Arr<long>>(m => new(counters.Select((counter, i) =>
            m.Of(counter.Word, Scalar.Total, counts => counts[i], 0L)).ToArray()));
    }
}
