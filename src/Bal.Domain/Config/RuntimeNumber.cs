using LanguageExt;

namespace Bal.Domain.Config;

/// <summary>
/// One number of the <c>runtime</c> block: its name and rule, and where it lives in <see cref="Tuning"/>. Reading and
/// printing both go through this table, so that no key can be known to one of them alone.
/// </summary>
/// <param name="Key">The name in the file.</param>
/// <param name="Range">What is allowed.</param>
/// <param name="Get">Its value.</param>
/// <param name="Set">The tuning with another value.</param>
internal sealed record RuntimeNumber(string Key, IntRange Range, Func<Tuning, long> Get, Func<Tuning, int, Tuning> Set)
{
    public const string HealthInterval = "health_check_interval_ms";
    public const string HealthTimeout = "health_check_timeout_ms";
    public const string BackoffInitial = "failover_backoff_initial_ms";
    public const string BackoffMax = "failover_backoff_max_ms";
    public const string MaxConnections = "max_concurrent_connections";

    public static Arr<RuntimeNumber> All { get; } = new(
    [
        new(HealthInterval, IntRange.PositiveMs,
            t => t.Health.Interval.Milliseconds, (t, v) => t with { Health = t.Health with { Interval = new(v) } }),
        new(HealthTimeout, IntRange.PositiveMs,
            t => t.Health.Timeout.Milliseconds, (t, v) => t with { Health = t.Health with { Timeout = new(v) } }),
        new("health_check_fail_threshold", IntRange.PositiveCount,
            t => t.Health.FailThreshold, (t, v) => t with { Health = t.Health with { FailThreshold = v } }),
        new("health_check_success_threshold", IntRange.PositiveCount,
            t => t.Health.SuccessThreshold, (t, v) => t with { Health = t.Health with { SuccessThreshold = v } }),
        new("backend_connect_timeout_ms", IntRange.PositiveMs,
            t => t.ConnectTimeout.Milliseconds, (t, v) => t with { ConnectTimeout = new(v) }),
        new(BackoffInitial, IntRange.PositiveMs,
            t => t.Backoff.Initial.Milliseconds, (t, v) => t with { Backoff = t.Backoff with { Initial = new(v) } }),
        new(BackoffMax, IntRange.PositiveMs,
            t => t.Backoff.Max.Milliseconds, (t, v) => t with { Backoff = t.Backoff with { Max = new(v) } }),
        new("backend_cooldown_ms", IntRange.Ms,
            t => t.Backoff.Cooldown.Milliseconds, (t, v) => t with { Backoff = t.Backoff with { Cooldown = new(v) } }),
        new("protection_trigger_threshold", IntRange.PositiveCount,
            t => t.Protection.TriggerThreshold,
            (t, v) => t with { Protection = t.Protection with { TriggerThreshold = v } }),
        new("protection_window_ms", IntRange.PositiveMs,
            t => t.Protection.Window.Milliseconds,
            (t, v) => t with { Protection = t.Protection with { Window = new(v) } }),
        new("protection_stable_success_threshold", IntRange.PositiveCount,
            t => t.Protection.StableSuccessThreshold,
            (t, v) => t with { Protection = t.Protection with { StableSuccessThreshold = v } }),
        new(MaxConnections, IntRange.PositiveCount,
            t => t.MaxConcurrentConnections, (t, v) => t with { MaxConcurrentConnections = v }),
        new("connection_idle_timeout_ms", IntRange.PositiveMs,
            t => t.IdleTimeout.Milliseconds, (t, v) => t with { IdleTimeout = new(v) }),
        new("tcp_backlog", IntRange.PositiveCount, t => t.Backlog, (t, v) => t with { Backlog = v }),
    ]);
}

/// <summary>The integers that a key allows.</summary>
/// <param name="Least">The smallest.</param>
/// <param name="Most">The largest.</param>
/// <param name="Unit">What is counted; empty for a plain number.</param>
internal sealed record IntRange(int Least, int Most, string Unit)
{
    public static IntRange Port { get; } = new(1, 65_535, "");

    public static IntRange Threads { get; } = new(1, 1_024, "");

    public static IntRange Ms { get; } = new(0, int.MaxValue, "milliseconds");

    public static IntRange PositiveMs { get; } = Ms with { Least = 1 };

    public static IntRange PositiveCount { get; } = new(1, int.MaxValue, "");

    /// <summary>Whether <paramref name="value"/> lies within.</summary>
    public bool Allows(long value) => Least <= value && value <= Most;

    /// <summary>What is allowed, as a message says it.</summary>
    public string ToText() => Unit.Length == 0
        ? $"an integer from {Least} to {Most}"
        : $"an integer from {Least} to {Most} ({Unit})";
}
