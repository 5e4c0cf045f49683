using Bal.Domain.Backend;
using Bal.Domain.Backoff;
using Bal.Domain.Protection;
using LanguageExt;

namespace Bal.Domain.Config;

/// <summary>Every policy of a service with its numbers; docs/configuration.md has the table.</summary>
/// <param name="Health">Probes and the thresholds of being in or out.</param>
/// <param name="ConnectTimeout">How long one connect to one backend address may take; above zero.</param>
/// <param name="Backoff">How long a backend whose client connects fail is left alone.</param>
/// <param name="Protection">When protection mode turns on and off.</param>
/// <param name="MaxConcurrentConnections">Connections admitted at once; above zero, exact.</param>
/// <param name="IdleTimeout">Silence in both directions after which a connection is ended; zero for never.</param>
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
    /// <summary>
    /// What the file says of <see cref="MaxConcurrentConnections"/> where descriptors do not allow it
    /// (<see cref="ConnectionLimits"/>).
    /// </summary>
    public Option<int> ConfiguredConnections { get; init; }

    /// <summary>The connections that the file asks for.</summary>
    public int WantedConnections => ConfiguredConnections.IfNone(MaxConcurrentConnections);

    /// <summary>The silence after which a peer is asked whether it is still there; zero for never.</summary>
    public Duration Keepalive { get; init; }

    /// <summary>
    /// Silence after which a connection is ended once one side has sent its FIN; zero for never, none for as long as
    /// <see cref="IdleTimeout"/>.
    /// </summary>
    public Option<int> HalfClosedTimeoutMs { get; init; }

    /// <summary>How long a backend that has come back takes to all of its share; zero for no time.</summary>
    public Duration SlowStart { get; init; }

    /// <summary>Clients that may wait while every usable backend is full.</summary>
    public int QueueLimit { get; init; } = 1_000;

    /// <summary>How long one of them may wait, in milliseconds; none for as long as a connect may take.</summary>
    public Option<int> QueueTimeoutMs { get; init; }

    /// <summary>How long a client may wait while every usable backend is full; above zero.</summary>
    public Duration QueueTimeout => QueueTimeoutMs.Match(ms => new Duration(ms), () => ConnectTimeout);

    /// <summary>The auto-tuned values for a service of <paramref name="backends"/> backends.</summary>
    public static Tuning For(int backends) => Settings.Runtime.Defaults(backends, Blank);

    /// <summary>The same where a health check <paramref name="asks"/>, which costs a backend more.</summary>
    internal static Tuning For(int backends, bool asks) => For(backends) is var tuned && asks
        ? tuned with { Health = tuned.Health with { Interval = new(2_000), Timeout = new(1_500) } }
        : tuned;

    /// <summary>Before any key has set it.</summary>
    internal static Tuning Blank { get; } = new(
        new HealthPolicy(Duration.Zero, Duration.Zero, 0, 0), Duration.Zero,
        new BackoffPolicy(Duration.Zero, Duration.Zero, Duration.Zero), new ProtectionPolicy(0, Duration.Zero, 0),
        0, Duration.Zero, OverloadPolicy.Reject, 0, RelayMode.Auto);
}
