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
/// <param name="IdleTimeout">Silence in both directions after which a connection is ended; above zero.</param>
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
    /// <summary>The auto-tuned values for a service of <paramref name="backends"/> backends.</summary>
    public static Tuning For(int backends) => Settings.Runtime.Defaults(backends, Blank);

    /// <summary>Before any key has set it.</summary>
    internal static Tuning Blank { get; } = new(
        new HealthPolicy(Duration.Zero, Duration.Zero, 0, 0), Duration.Zero,
        new BackoffPolicy(Duration.Zero, Duration.Zero, Duration.Zero), new ProtectionPolicy(0, Duration.Zero, 0),
        0, Duration.Zero, OverloadPolicy.Reject, 0, RelayMode.Auto);
}
