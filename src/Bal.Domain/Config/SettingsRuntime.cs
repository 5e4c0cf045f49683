namespace Bal.Domain.Config;

internal static partial class Settings
{
    public const string HealthInterval = "health_check_interval_ms";
    public const string HealthTimeout = "health_check_timeout_ms";
    public const string BackoffInitial = "failover_backoff_initial_ms";
    public const string BackoffMax = "failover_backoff_max_ms";
    public const string MaxConnections = "max_concurrent_connections";

    /// <summary>The keys of <c>runtime</c> that a service has.</summary>
    public static SettingTable<Tuning> Runtime { get; } = new(
        Of(HealthInterval, Kinds.PositiveMs, [500, 700, 1_000],
            t => (int)t.Health.Interval.Milliseconds,
            (t, v) => t with { Health = t.Health with { Interval = new(v) } },
            "How often each backend is probed with a TCP connect."),
        Of(HealthTimeout, Kinds.PositiveMs, [800, 1_000, 1_200],
            t => (int)t.Health.Timeout.Milliseconds,
            (t, v) => t with { Health = t.Health with { Timeout = new(v) } },
            "How long a probe may take; one longer than the interval delays the next probe."),
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
        Of("connection_idle_timeout_ms", Kinds.PositiveMs, [120_000],
            t => (int)t.IdleTimeout.Milliseconds, (t, v) => t with { IdleTimeout = new(v) },
            "A connection without a byte in either direction for this long is ended."),
        Of("tcp_backlog", Kinds.Count, [1_024],
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
