using Bal.Domain.Backend;
using Bal.Domain.Backoff;
using Bal.Domain.Protection;

namespace Bal.Domain.Config;

/// <summary>Every policy of a service with its numbers; docs/configuration.md has the table.</summary>
/// <param name="Health">Probes and the thresholds of being in or out.</param>
/// <param name="ConnectTimeout">How long one connect to one backend address may take; above zero.</param>
/// <param name="Backoff">How long a backend whose client connects fail is left alone.</param>
/// <param name="Protection">When protection mode turns on and off.</param>
/// <param name="MaxConcurrentConnections">Connections admitted at once; above zero, exact.</param>
/// <param name="IdleTimeout">Time without a byte in either direction after which a connection is ended; above zero.</param>
/// <param name="OverloadPolicy">What happens to a connection over the limit.</param>
/// <param name="Backlog">The listen(2) backlog; above zero, capped by net.core.somaxconn.</param>
/// <param name="Relay">How bytes are moved.</param>
public sealed record Tuning(
    HealthPolicy Health,
    Duration ConnectTimeout,
    BackoffPolicy Backoff,
    ProtectionPolicy Protection,
    int MaxConcurrentConnections,
    Duration IdleTimeout,
    OverloadPolicy OverloadPolicy,
    int Backlog,
    RelayMode Relay)
{
    /// <summary>The auto-tuned values for a service of <paramref name="backends"/> backends: the only place where they stand.</summary>
    public static Tuning For(int backends) => backends switch
    {
        <= 2 => Of(interval: 500, timeout: 800, fail: 2, success: 1, initial: 200, max: 5_000, cooldown: 500,
            trigger: 10, stable: 12, connections: 4_000),
        <= 5 => Of(interval: 700, timeout: 1_000, fail: 2, success: 1, initial: 300, max: 7_000, cooldown: 700,
            trigger: 12, stable: 14, connections: 8_000),
        _ => Of(interval: 1_000, timeout: 1_200, fail: 3, success: 2, initial: 500, max: 10_000, cooldown: 1_000,
            trigger: 14, stable: 16, connections: 12_000),
    };

    private static Tuning Of(int interval, int timeout, int fail, int success, int initial, int max, int cooldown,
        int trigger, int stable, int connections) =>
        new(
            new HealthPolicy(new(interval), new(timeout), fail, success),
            new Duration(timeout),
            new BackoffPolicy(new(initial), new(max), new(cooldown)),
            new ProtectionPolicy(trigger, new(30_000), stable),
            connections,
            new Duration(120_000),
            OverloadPolicy.Reject,
            1_024,
            RelayMode.Auto);
}
