using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Domain.Counting;
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

    private static readonly Codec<Arr<string>> Texts = Codec.List(Scalar.Text);

    /// <summary>What is said alike of one service and of all together.</summary>
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
        var refused = m.Of("rejected", Refused, s => Part(s, CounterKind.Refused), Prelude.Array(rejected, 0L));
        var limit = m.Of("max_concurrent_connections", Scalar.Count, s => s.MaxConcurrentConnections);
        var spliced = m.Of("spliced_connections", Scalar.Total, s => s.Of(ServiceCounters.SplicedConnections));
        var directions = m.Of("spliced_directions", Scalar.Total, s => s.Of(ServiceCounters.SplicedDirections));
        var ended = m.Of("terminations", Ended, s => Part(s, CounterKind.Ended));
        var protection = m.Of("protection_mode", Protection, s => s.Protection);
        return new(
            "", addresses, port, method, limit, Removed: false, total, reachable, active,
            refused.AddRange(ended).Add(spliced).Add(directions), protection);
    });

    private static readonly Codec<ServiceReport> Service = Codec.Object<ServiceReport>(m =>
    {
        var name = m.Of("name", Scalar.Text, s => s.Name);
        _ = m.Of("level", Scalar.Text, s => s.Level.ToString().ToLowerInvariant(), "");
        var removed = m.Of("removed", Scalar.Flag, s => s.Removed, false);
        // What a walk that has failed goes on with is null.
        return m.Inline(Summary, s => s) is { } summary ? summary with { Name = name, Removed = removed } : null!;
    });

    private static readonly Codec<FailureCounters> Failures = Codec.Object<FailureCounters>(m => new(
        m.Of("timeout", Scalar.Total, c => c.Timeout),
        m.Of("refused", Scalar.Total, c => c.Refused),
        m.Of("other", Scalar.Total, c => c.Other)));

    private static readonly Codec<BackendReport> Backend = Codec.Object<BackendReport>(m => new(
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
        m.Of("counters", Failures, b => b.Counters)));

    private static readonly Codec<PreviousReport> Previous = Codec.Object<PreviousReport>(m => new(
        m.Of("pid", Scalar.Count, p => p.Pid),
        m.Of("version", Scalar.Text, p => p.Version),
        m.Of("active_connections", Scalar.Total, p => p.ActiveConnections),
        m.Of("since", ReportCodec.Time, p => p.Since)));

    private static readonly Codec<RefusedReloadReport> RefusedReload = Codec.Object<RefusedReloadReport>(m => new(
        m.Of("at", ReportCodec.Time, r => r.At),
        m.Inline(ReportCodec.Problem, r => r.Problem)));

    private static readonly Codec<StatusReport> Report = Codec.Object<StatusReport>(m =>
    {
        var running = m.Of("running", Scalar.Flag, r => r.Running);
        var pid = m.Of("pid", Codec.Maybe(Scalar.Count), r => r.Pid);
        var path = m.Of("config_path", Scalar.Text, r => r.ConfigPath);
        var all = m.Inline(Summary, Whole);
        _ = m.Of("last_check_time", ReportCodec.MaybeTime, r => r.LastCheckTime);
        var services = m.Of(
            "services", Codec.List(Service), r => r.Services,
            all is null
                ? Arr<ServiceReport>.Empty
                : Prelude.Array(all with { Name = Domain.Config.Service.DefaultName }));
        return new(
            running,
            pid,
            path,
            services,
            m.Of("backends", Codec.List(Backend), r => r.Backends),
            m.Of("version", Scalar.Text, r => r.Version),
            m.Of("uptime_ms", Scalar.Total, r => r.UptimeMs),
            m.Of("config_version", Scalar.Total, r => r.ConfigVersion),
            m.Of("stopping", Scalar.Flag, r => r.Stopping),
            m.Of("previous", Codec.List(Previous), r => r.Previous, Arr<PreviousReport>.Empty),
            m.Of("refused_reload", Codec.Maybe(RefusedReload), r => r.RefusedReload));
    });

    /// <summary>Indented JSON with a newline at the end.</summary>
    public static byte[] Write(StatusReport report) => JsonReport.Write(Report, report);

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
