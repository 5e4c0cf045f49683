using Bal.Domain.Backend;
using Bal.Domain.Counting;
using Bal.Domain.Reports;
using LanguageExt;

namespace Bal.Domain.Metrics;

/// <summary>
/// Every metric, declared once. What counts events has its words from <see cref="ServiceCounters"/>, so that a new
/// reason is in the metrics as soon as it is counted.
/// </summary>
internal static class MetricNames
{
    private static readonly Arr<string> States = Prelude.Array(
        BackendReport.Up, BackendReport.Cooling, BackendReport.Down, BackendReport.Draining);

    /// <summary>Those of the process, without labels of services.</summary>
    public static Arr<Metric<MetricsView>> OfProcess { get; } = new(new Metric<MetricsView>[]
    {
        new("bal_up", MetricType.Gauge, "Whether bal serves clients; 0 once it stops.",
            v => Reading.Of(v.Report is { Running: true, Stopping: false })),
        new("bal_build_info", MetricType.Gauge, "Always 1; the label has the version of the running bal.",
            v => Prelude.Array(new Reading(MetricsText.Label("version", v.Report.Version), 1))),
        new("bal_config_version", MetricType.Gauge, "Counts the configurations applied since the start, from 1.",
            v => Reading.Of(v.Report.ConfigVersion)),
        new("bal_config_last_reload_successful", MetricType.Gauge, "0 where the last reload was refused.",
            v => Reading.Of(v.Report.RefusedReload.IsNone)),
        new("process_open_fds", MetricType.Gauge, "Open file descriptors of the serving process.",
            v => Maybe(v.Process.OpenDescriptors)),
        new("process_max_fds", MetricType.Gauge, "File descriptors that the serving process may have open.",
            v => Maybe(v.Process.MaxDescriptors)),
        new("process_resident_memory_bytes", MetricType.Gauge, "Resident memory of the serving process.",
            v => Maybe(v.Process.ResidentBytes)),
        new("process_cpu_seconds_total", MetricType.Counter, "Processor time that the serving process has used.",
            v => Maybe(v.Process.CpuSeconds)),
        new("process_start_time_seconds", MetricType.Gauge, "When the serving process started, since 1970.",
            v => Maybe(v.Process.StartedAtSeconds)),
    });

    /// <summary>Those of each service.</summary>
    public static Arr<Metric<ServiceReport>> OfService { get; } = new(new Metric<ServiceReport>[]
    {
        new("bal_connections_open", MetricType.Gauge, "Open connections of clients.",
            s => Reading.Of(s.ActiveConnections)),
        new("bal_connections_limit", MetricType.Gauge, "How many connections of clients may be open at once.",
            s => Reading.Of(s.MaxConcurrentConnections)),
        new("bal_connections_total", MetricType.Counter, "Connections of clients accepted.",
            s => Reading.Of(s.Of(ServiceCounters.TotalConnections))),
        new("bal_connections_ended_total", MetricType.Counter, "Connections of clients that have ended, by reason.",
            s => By(s, CounterKind.Ended)),
        new("bal_connections_rejected_total", MetricType.Counter, "Clients that were not served, by reason.",
            s => By(s, CounterKind.Refused)),
        new("bal_bytes_total", MetricType.Counter, "Bytes relayed: in from clients, out to clients.",
            s => Directions(s.Of(ServiceCounters.BytesIn), s.Of(ServiceCounters.BytesOut))),
        new("bal_failovers_total", MetricType.Counter, "Times a client was passed on to another backend.",
            s => Reading.Of(s.Of(ServiceCounters.Failovers))),
        new("bal_queue_length", MetricType.Gauge, "Clients that wait for a backend with room.",
            s => Reading.Of(s.QueueLength)),
        new("bal_protection_mode", MetricType.Gauge, "Whether protection mode is on.",
            s => Reading.Of(s.Protection.Enabled)),
        new("bal_session_duration_seconds", MetricType.Histogram, "How long connections of clients lasted.",
            s => Taken(s, ServiceCounters.Sessions)),
        new("bal_queue_wait_seconds", MetricType.Histogram, "How long clients waited for a backend with room.",
            s => Taken(s, ServiceCounters.Waits)),
    });

    /// <summary>Those of each backend.</summary>
    public static Arr<Metric<BackendReport>> OfBackend { get; } = new(new Metric<BackendReport>[]
    {
        new("bal_backend_up", MetricType.Gauge, "Whether clients can be sent to the backend.",
            b => Reading.Of(b.Reachable)),
        new("bal_backend_state", MetricType.Gauge, "1 for the state that the backend is in, 0 for the others.",
            b => States.Map(state => new Reading(MetricsText.Label("state", state), state == b.State ? 1 : 0))),
        new("bal_backend_weight", MetricType.Gauge, "The backend's share relative to the others.",
            b => Reading.Of(b.Weight)),
        new("bal_backend_connections_open", MetricType.Gauge, "Open connections, connects in progress included.",
            b => Reading.Of(b.ActiveConnections)),
        new("bal_backend_connections_limit", MetricType.Gauge,
            "How many connections the backend may have at once; +Inf for no limit.",
            b => Reading.Of(b.MaxConnections.Match(limit => limit, () => double.PositiveInfinity))),
        new("bal_backend_connections_total", MetricType.Counter, "Connections established with the backend.",
            b => Reading.Of(b.TotalConnections)),
        new("bal_backend_bytes_total", MetricType.Counter, "Bytes relayed: in to the backend, out of it.",
            b => Directions(b.BytesIn, b.BytesOut)),
        new("bal_backend_connect_failures_total", MetricType.Counter, "Failed connects for clients, by kind.",
            b => Kinds(b.ConnectFailures)),
        new("bal_backend_probe_failures_total", MetricType.Counter, "Failed health checks, by kind.",
            b => Kinds(b.ProbeFailures)),
        new("bal_backend_connect_duration_seconds", MetricType.Histogram,
            "How long connects for clients took that succeeded.", b => Reading.Of(DurationScale.Connect, b.Connects)),
        new("bal_backend_probe_duration_seconds", MetricType.Histogram,
            "How long health checks took that this machine could make.",
            b => Reading.Of(DurationScale.Connect, b.Probes)),
    });

    private static Arr<Reading> Taken(ServiceReport service, ServiceDurations durations) =>
        Reading.Of(durations.Scale, durations.Of(service.Counts));

    private static Arr<Reading> Maybe(Option<double> value) => value.Match(Reading.Of, () => Arr<Reading>.Empty);

    private static Arr<Reading> By(ServiceReport service, CounterKind kind) => ServiceCounters.All
        .Filter(counter => counter.Kind == kind)
        .Map(counter => new Reading(MetricsText.Label("reason", counter.Word), service.Of(counter)));

    private static Arr<Reading> Directions(long into, long outOf) =>
        Prelude.Array(new Reading("direction=\"in\"", into), new Reading("direction=\"out\"", outOf));

    private static Arr<Reading> Kinds(FailureCounters failures) => Prelude.Array(
        new Reading("kind=\"timeout\"", failures.Timeout),
        new Reading("kind=\"refused\"", failures.Refused),
        new Reading("kind=\"other\"", failures.Other));
}
