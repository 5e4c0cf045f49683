using Bal.Domain.Config;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Recording;

/// <summary>
/// What 0.1.0 knows of a configuration. It requires each of these members and passes over any other in silence, so that
/// these are always written, and a later key only where it is in use.
/// </summary>
public static class FirstRelease
{
    private static readonly System.Collections.Generic.HashSet<string> Known =
    [
        "mode", "log_level", "threads", "decision_log", "bind_address", "port", "method", "host",
        "health_check_interval_ms", "health_check_timeout_ms", "health_check_fail_threshold",
        "health_check_success_threshold", "backend_connect_timeout_ms", "failover_backoff_initial_ms",
        "failover_backoff_max_ms", "backend_cooldown_ms", "protection_trigger_threshold", "protection_window_ms",
        "protection_stable_success_threshold", "max_concurrent_connections", "connection_idle_timeout_ms",
        "tcp_backlog", "overload_policy", "relay",
    ];

    /// <summary>
    /// The keys that <paramref name="config"/> uses and 0.1.0 would not heed; none if it can take over.
    /// </summary>
    public static Arr<string> Ignores(BalConfig config) => new(
        (config.IsSingle ? [] : new[] { Settings.Services })
            .Concat(config.Services.Exists(service => service.Listener.Addresses.Count > 1
                    || service.Listener.Addresses.Exists(host => host is Host.Unix))
                ? [Settings.BindAddress] : [])
            .Concat(config.Services.Exists(service => service.Method != Method.RoundRobin) ? [Settings.MethodKey] : [])
            // It wants a time above zero.
            .Concat(config.Services.Exists(service => service.Tuning.IdleTimeout.Milliseconds == 0)
                ? [Settings.IdleTimeout] : [])
            .Concat(InUse(Settings.Process, config, 1))
            .Concat(config.Services.SelectMany(service => InUse(Settings.OfService, service, service.Backends.Count)
                .Concat(InUse(Settings.Runtime, service.Tuning, service.Backends.Count))
                .Concat(service.Backends.SelectMany(backend => InUse(Settings.OfBackend, backend, 1)))))
            .Distinct());

    /// <summary>The keys that are written of <paramref name="holder"/>, in a service of this many backends.</summary>
    internal static IEnumerable<RawEntry> Written<T>(SettingTable<T> table, T holder, int backends) =>
        from row in table.Rows
        where Known.Contains(row.Key) || !row.IsImplied(backends, holder)
        select Raw.Entry(row.Key, row.ToJson(holder));

    private static IEnumerable<string> InUse<T>(SettingTable<T> table, T holder, int backends) =>
        from row in table.Rows
        where !Known.Contains(row.Key) && !row.IsDefault(backends, holder) && !row.IsImplied(backends, holder)
        select row.Key;
}
