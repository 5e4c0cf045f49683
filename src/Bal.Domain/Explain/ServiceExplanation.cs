using Bal.Domain.Admission;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Counting;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Explain;

/// <summary>Why everything is as it is.</summary>
/// <param name="ConfigVersion">Counts the configurations applied, from 1.</param>
/// <param name="Stopping">How far the drain of a stop is; none while bal serves.</param>
/// <param name="RefusedReload">The last reload, if it was refused.</param>
/// <param name="Services">Those of the file in its order, then removed ones that drain.</param>
public sealed record Overview(
    long ConfigVersion,
    Option<StopExplanation> Stopping,
    Option<RefusedReload> RefusedReload,
    Arr<ServiceExplanation> Services);

/// <summary>Why a service is as it is.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Removed">A reload removed it, and it drains.</param>
/// <param name="Listener">Where clients connect.</param>
/// <param name="Connections">The connection limit.</param>
/// <param name="Protection">Protection mode.</param>
/// <param name="Backends">The configured backends in the order of the file, then those that drain.</param>
public sealed record ServiceExplanation(
    string Name,
    bool Removed,
    string Listener,
    ConnectionsExplanation Connections,
    ProtectionExplanation Protection,
    Arr<BackendExplanation> Backends)
{
    /// <summary>Who may connect.</summary>
    public AccessRule Access { get; init; } = AccessRule.Everybody;

    /// <summary>Whether it listens on addresses that this machine may not have yet.</summary>
    public bool Freebind { get; init; }

    /// <summary>The addresses that connects to backends come from; none where the kernel chooses.</summary>
    public Arr<string> SourceAddresses { get; init; } = Arr<string>.Empty;

    /// <summary>The names by which clients ask for it.</summary>
    public Arr<string> ServerNames { get; init; } = Arr<string>.Empty;

    /// <summary>The other services on one of its addresses.</summary>
    public Arr<string> Beside { get; init; } = Arr<string>.Empty;

    /// <summary>What each client may do.</summary>
    public ClientLimits ClientLimits { get; init; } = ClientLimits.None;

    /// <summary>What is known of clients; none where nobody counts them.</summary>
    public Option<KnownClients> Clients { get; init; }

    /// <summary>What it makes of the PROXY protocol.</summary>
    public ProxyProtocol Proxy { get; init; } = ProxyProtocol.Off;
}

/// <summary>How far the connection limit is.</summary>
/// <param name="Active">Open connections now.</param>
/// <param name="Limit"><c>max_concurrent_connections</c>.</param>
/// <param name="Rejected">Connections rejected since the start.</param>
public sealed record ConnectionsExplanation(long Active, int Limit, long Rejected)
{
    /// <summary>Of the active ones, those that wait while every usable backend is full.</summary>
    public long Waiting { get; init; }

    /// <summary>How many more are admitted; 0 where the next one is rejected.</summary>
    public long Left => Math.Max(0, Limit - Active);
}

/// <summary>The drain of a stop, or of a process that another one has replaced.</summary>
/// <param name="Since">When it began.</param>
/// <param name="CutsAt">When the next share of what is left is cut; none where another process serves.</param>
/// <param name="EndsAt">When it is over at the latest; none where another process serves.</param>
public sealed record StopExplanation(Instant Since, Option<Instant> CutsAt, Option<Instant> EndsAt);

/// <summary>Explains everything out of the state and the counters alone.</summary>
public static class ExplainService
{
    /// <summary>Why everything is as it is.</summary>
    public static Overview Of(Traffic traffic, Instant now, ControlState state) => new(
        state.ConfigVersion,
        state.Phase.Match(
            () => Option<StopExplanation>.None,
            delay => delay.Within == Duration.Zero
                ? new StopExplanation(delay.Since, delay.Until, delay.Until)
                : new StopExplanation(
                    delay.Since,
                    Phase.Draining.Until(delay.Until, delay.Until.Plus(delay.Within), delay.Within).CutsFrom,
                    delay.Until.Plus(delay.Within)),
            drain => drain.IsHandedOver
                ? new StopExplanation(drain.Since, Option<Instant>.None, Option<Instant>.None)
                : new StopExplanation(drain.Since, drain.NextCutAt, drain.EndsAt),
            () => Option<StopExplanation>.None),
        state.Refused,
        Each(state.InOrder, traffic, now, state));

    /// <summary>Why one service is as it is.</summary>
    public static ServiceExplanation Of(ServiceState service, Traffic traffic, Instant now, ControlState state) =>
        Each(Prelude.Array(service), traffic, now, state)[0];

    private static Arr<ServiceExplanation> Each(
        Arr<ServiceState> services, Traffic traffic, Instant now, ControlState state)
    {
        var passed = traffic.Services.ToDictionary(t => t.Service);
        var connections = traffic.Backends.ToDictionary(t => t.Backend, t => t.Active);
        var shared = state.Config.Services
            .SelectMany(service => service.Listener.Endpoints, (service, endpoint) => (service.Name, endpoint))
            .ToLookup(at => at.endpoint, at => at.Name);
        return services.Map(service =>
        {
            var its = passed.GetValueOrDefault(service.Id) ?? ServiceTraffic.NoneOf(service.Id);
            return new ServiceExplanation(
                service.Config.Name,
                service.Removed,
                service.Config.Listener.ToString(),
                new ConnectionsExplanation(
                    its.Active, service.Config.Tuning.MaxConcurrentConnections,
                    its.Of(ServiceCounters.Of(Refusal.Limit)))
                {
                    Waiting = its.Of(ServiceCounters.QueueLength),
                },
                ExplainProtection.Of(now, service),
                service.InOrder.Map(backend => ExplainBackend.Of(
                    backend, connections.GetValueOrDefault(backend.Id), now, state)))
            {
                Access = service.Config.Access,
                Freebind = service.Config.Freebind,
                SourceAddresses = service.Config.SourceAddresses.Map(address => address.ToString()),
                ServerNames = service.Config.ServerNames.Map(name => name.ToString()),
                Beside = service.Removed ? Arr<string>.Empty : Others(service.Config),
                ClientLimits = service.Config.ClientLimits,
                Clients = its.Clients,
                Proxy = service.Config.Proxy,
            };
        });

        Arr<string> Others(Config.Service service) => new(service.Listener.Endpoints
            .SelectMany(endpoint => shared[endpoint]).Where(name => name != service.Name).Distinct());
    }
}
