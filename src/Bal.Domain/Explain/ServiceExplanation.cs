using Bal.Domain.Control;
using Bal.Domain.Counting;
using Bal.Domain.Doctor;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Explain;

/// <summary>Why everything is as it is.</summary>
/// <param name="Listener">Where clients connect.</param>
/// <param name="ConfigVersion">Counts the configurations applied, from 1.</param>
/// <param name="Connections">The connection limit.</param>
/// <param name="Stopping">How far the drain of a stop is; none while bal serves.</param>
/// <param name="RefusedReload">The last reload, if it was refused.</param>
/// <param name="Protection">Protection mode.</param>
/// <param name="Backends">The configured backends in the order of the file, then those that drain.</param>
public sealed record ServiceExplanation(
    string Listener,
    long ConfigVersion,
    ConnectionsExplanation Connections,
    Option<StopExplanation> Stopping,
    Option<RefusedReload> RefusedReload,
    ProtectionExplanation Protection,
    Arr<BackendExplanation> Backends);

/// <summary>How far the connection limit is.</summary>
/// <param name="Active">Open connections now.</param>
/// <param name="Limit"><c>max_concurrent_connections</c>.</param>
/// <param name="Rejected">Connections rejected since the start.</param>
public sealed record ConnectionsExplanation(long Active, int Limit, long Rejected)
{
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
    public static ServiceExplanation Of(Traffic traffic, Instant now, ControlState state)
    {
        var service = state.InOrder[0];
        return new(
            service.Config.Listener.ToString(),
            state.ConfigVersion,
            new ConnectionsExplanation(
                traffic.Active,
                service.Config.Tuning.MaxConcurrentConnections,
                traffic.Of(ServiceCounters.Of(Admission.Refusal.Limit))),
            state.Phase.Match(
                () => Option<StopExplanation>.None,
                drain => drain.IsHandedOver
                    ? new StopExplanation(drain.Since, Option<Instant>.None, Option<Instant>.None)
                    : new StopExplanation(
                        drain.Since, drain.NextCutAt, drain.Since.Plus(DrainTransitions.Longest)),
                () => Option<StopExplanation>.None),
            state.Refused,
            ExplainProtection.Of(now, service),
            new(service.Backends.Values.Select(backend => ExplainBackend.Of(backend, traffic, now, state))));
    }
}
