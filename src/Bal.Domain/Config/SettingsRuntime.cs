using LanguageExt;

namespace Bal.Domain.Config;

internal static partial class Settings
{
    public const string Backlog = "tcp_backlog";
    public const string HealthInterval = "health_check_interval_ms";
    public const string HealthTimeout = "health_check_timeout_ms";
    public const string BackoffInitial = "failover_backoff_initial_ms";
    public const string BackoffMax = "failover_backoff_max_ms";
    public const string MaxConnections = "max_concurrent_connections";
    public const string IdleTimeout = "connection_idle_timeout_ms";
    public const string HalfClosedTimeout = "half_closed_timeout_ms";
    public const string SlowStart = "slow_start_ms";

    /// <summary>The keys of <c>runtime</c> that a service has.</summary>
    public static SettingTable<Tuning> Runtime { get; } = new(
        Of(HealthInterval, Kinds.PositiveMs, [500, 700, 1_000],
            t => (int)t.Health.Interval.Milliseconds,
            (t, v) => t with { Health = t.Health with { Interval = new(v) } },
            "How often each backend is checked; 2000 unless given where a health check is `exchange` or `http`."),
        Of(HealthTimeout, Kinds.PositiveMs, [800, 1_000, 1_200],
            t => (int)t.Health.Timeout.Milliseconds,
            (t, v) => t with { Health = t.Health with { Timeout = new(v) } },
            "How long a check may take in all; one longer than the interval delays the next. 1500 unless given where a "
                + "health check is `exchange` or `http`."),
        Of("health_check_fail_threshold", Kinds.Count, [2, 2, 3],
            t => t.Health.FailThreshold,
            (t, v) => t with { Health = t.Health with { FailThreshold = v } },
            "How many failures in a row take a backend out of rotation."),
        Of("health_check_success_threshold", Kinds.Count, [1, 1, 2],
            t => t.Health.SuccessThreshold,
            (t, v) => t with { Health = t.Health with { SuccessThreshold = v } },
            "How many successes in a row bring it back."),
        Of("backend_connect_timeout_ms", Kinds.PositiveMs, [800, 1_000, 1_200],
            t => (int)t.ConnectTimeout.Milliseconds,
            (t, v) => t with { ConnectTimeout = new(v) },
            "How long a connect to one backend may take before the next one is tried."),
        Of(BackoffInitial, Kinds.PositiveMs, [200, 300, 500],
            t => (int)t.Backoff.Initial.Milliseconds,
            (t, v) => t with { Backoff = t.Backoff with { Initial = new(v) } },
            "How long a backend cools down after a failed connect; doubled with each further failure."),
        Of(BackoffMax, Kinds.PositiveMs, [5_000, 7_000, 10_000],
            t => (int)t.Backoff.Max.Milliseconds,
            (t, v) => t with { Backoff = t.Backoff with { Max = new(v) } },
            "The longest cooldown that doubling leads to; at least the initial one."),
        Of("backend_cooldown_ms", Kinds.Ms, [500, 700, 1_000],
            t => (int)t.Backoff.Cooldown.Milliseconds,
            (t, v) => t with { Backoff = t.Backoff with { Cooldown = new(v) } },
            "The shortest cooldown; 0 leaves it to the backoff."),
        Of("protection_trigger_threshold", Kinds.Count, [10, 12, 14],
            t => t.Protection.TriggerThreshold,
            (t, v) => t with { Protection = t.Protection with { TriggerThreshold = v } },
            "How many client connects have to fail within the window to turn protection mode on."),
        Of("protection_window_ms", Kinds.PositiveMs, [30_000],
            t => (int)t.Protection.Window.Milliseconds,
            (t, v) => t with { Protection = t.Protection with { Window = new(v) } },
            "The window in which failed client connects are counted."),
        Of("protection_stable_success_threshold", Kinds.Count, [12, 14, 16],
            t => t.Protection.StableSuccessThreshold,
            (t, v) => t with { Protection = t.Protection with { StableSuccessThreshold = v } },
            "How many successes in a row turn protection mode off."),
        Of(MaxConnections, Kinds.Count, [4_000, 8_000, 12_000],
            t => t.MaxConcurrentConnections, (t, v) => t with { MaxConcurrentConnections = v },
            "How many connections are open at once; each takes two file descriptors."),
        Of("queue_limit", Kinds.Integer(IntRange.PositiveCount with { Least = 0 }), [1_000],
            t => t.QueueLimit, (t, v) => t with { QueueLimit = v },
            "How many clients may wait while every usable backend has its `max_connections`; the others are reset. 0 "
                + "for no waiting."),
        Setting.Of<Tuning, Option<int>>(
            "queue_timeout_ms", Kinds.IntegerOr("connect", IntRange.PositiveMs), [Option<int>.None],
            t => t.QueueTimeoutMs, (t, v) => t with { QueueTimeoutMs = v },
            "How long a client waits at most before it is reset: `connect` for as long as a connect may take."),
        Of(IdleTimeout, Kinds.Ms, [3_600_000],
            t => (int)t.IdleTimeout.Milliseconds, (t, v) => t with { IdleTimeout = new(v) },
            "A connection without a byte in either direction for this long is ended; 0 for never."),
        Of("tcp_keepalive_ms", Kinds.ZeroOr(IntRange.Ms with { Least = 3_000 }), [60_000],
            t => (int)t.Keepalive.Milliseconds, (t, v) => t with { Keepalive = new(v) },
            "A client or backend that vanished is found within twice this, while no data is on its way to it; rounded "
                + "up to seconds, 0 for never. A change applies to new connections.") with
        {
            Earlier = Option<object>.Some(0),
        },
        Setting.Of<Tuning, Option<int>>(
            HalfClosedTimeout, Kinds.IntegerOr("idle", IntRange.Ms), [Option<int>.None],
            t => t.HalfClosedTimeoutMs, (t, v) => t with { HalfClosedTimeoutMs = v },
            "The silence allowed once one side has sent its FIN: `idle` for the idle timeout, 0 for no limit of its "
                + "own."),
        Of(SlowStart, Kinds.Ms, [0],
            t => (int)t.SlowStart.Milliseconds, (t, v) => t with { SlowStart = new(v) },
            "A backend that is up again after having been down gets a tenth of its share first, growing evenly to all "
                + "of it over this time; 0 for all of it at once. Not with `source_hash`."),
        Of(Backlog, Kinds.Count, [1_024],
            t => t.Backlog, (t, v) => t with { Backlog = v },
            "The listen backlog of the kernel, which net.core.somaxconn caps."),
        Setting.Of<Tuning, OverloadPolicy>("overload_policy", Kinds.Word<OverloadPolicy>(), [OverloadPolicy.Reject],
            t => t.OverloadPolicy, (t, v) => t with { OverloadPolicy = v },
            "What happens to a connection over the limit: `reject` closes it with RST."),
        Setting.Of<Tuning, RelayMode>("relay", Kinds.Word<RelayMode>(), [RelayMode.Auto],
            t => t.Relay, (t, v) => t with { Relay = v },
            "How bytes are moved: `copy` through the process, `splice` inside the kernel, `auto` splices what "
                + "proves to be bulk."));

    private static Setting<Tuning> Of(
        string key, Kind<int> kind, int[] defaults, Func<Tuning, int> get, Func<Tuning, int, Tuning> set,
        string meaning) =>
        Setting.Of(key, kind, defaults, get, set, meaning);
}
