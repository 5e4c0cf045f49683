using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Counting;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Recording;

/// <summary>
/// What only bal 0.1.0 writes and wants, so that it can be upgraded, and an upgrade taken back.
/// <para>
/// It has one service, called <c>default</c>. It requires format 1 of a hand-over with every member that it knows and
/// ignores all others, so it would serve without what it does not know; hence format 2, which it refuses, wherever
/// something is in use that came later.
/// </para>
/// </summary>
public static class Format0_1_0
{
    private const int Known = 1;
    private const int Unknown = 2;

    /// <summary>The format of a hand-over.</summary>
    public static readonly Codec<int> Format =
        Scalar.Positive.Where(format => format <= Unknown, "format 1 or 2; another version of bal wrote this");

    /// <summary>A state as it is handed over: with what 0.1.0 wants where it could read it.</summary>
    public static Codec<ControlState> State => new(
        (walk, state) => (InUse(state).IsEmpty ? Complete : StateCodec.State).Write(walk, state),
        StateCodec.State.Read);

    /// <summary>The format in which a state is handed over.</summary>
    public static int FormatOf(ControlState state) => InUse(state).IsEmpty ? Known : Unknown;

    /// <summary>
    /// The problem with which a process refuses to take over, and, where that is 0.1.0, what is in use that it does
    /// not know; itself it can only say that the format is not its own.
    /// </summary>
    public static Problem Explained(Problem refusal, ControlState state)
    {
        var keys = InUse(state);
        return keys.IsEmpty || refusal.Code != "upgrade_not_understood"
            || !refusal.WhatHappened.Contains("its form is", StringComparison.Ordinal)
                ? refusal
                : refusal with
                {
                    WhyLikely = "the new binary is bal 0.1.0, which does not know what is in use: "
                        + string.Join(", ", keys),
                    DoThisNow = (keys.Contains("override") ? "run 'bal enable --all' for 'override'; " : "")
                        + "remove these from the configuration and run 'bal graceful' first, or run 'bal stop' "
                        + "and 'bal start -d' with the new binary, which ends the open connections",
                };
    }

    /// <summary>The only service of 0.1.0.</summary>
    internal static readonly ServiceId OnlyService = new(1);

    /// <summary>A service, which 0.1.0 names.</summary>
    internal static readonly Codec<ServiceId> NamedService = Scalar.Service with
    {
        Read = (walk, json) => Scalar.TextOf(json) is not null ? OnlyService : Scalar.Service.Read(walk, json),
    };

    private static readonly Codec<Arr<long>> Ended = Codec.Object<Arr<long>>(m => ServiceCounters.All.Map(counter =>
        counter.Kind == CounterKind.Ended
            ? m.Of(counter.Word, Scalar.Number, counts => counts[counter.Index], missing: 0)
            : 0));

    /// <summary>What a process of 0.1.0 has counted: of its service, without a list.</summary>
    internal static readonly Body<ServiceTraffic> Traffic = Body.Of<ServiceTraffic>(m =>
    {
        var active = m.Of("active", Scalar.Number, t => t.Active, missing: 0);
        var ended = m.Of("ended", Ended, t => t.Counts, ServiceTraffic.NoneOf(OnlyService).Counts);
        return new(OnlyService, active, ServiceCounters.All.Map(counter =>
            counter == ServiceCounters.Of(Refusal.Limit)
                ? m.Of("rejected", Scalar.Number, t => t.Of(counter), missing: 0)
            : counter.Kind == CounterKind.Open ? m.Of(counter.Word, Scalar.Number, t => t.Of(counter), missing: 0)
            : ended[counter.Index]));
    });

    /// <summary>Refused clients, which 0.1.0 has an event for each reason for.</summary>
    internal static Body<ControlEvent.ClientsRefused> ClientsRefused(Refusal reason) =>
        Body.Of<ControlEvent.ClientsRefused>(m => new(OnlyService, reason, m.Of("total", Scalar.Total, e => e.Total)));

    /// <summary>The backends of a service; which of them cool down 0.1.0 says in the table.</summary>
    internal static Map<int, BackendState> Cooling(Members<ServiceState> m, Map<int, BackendState> backends)
    {
        var cooling = m.OfOthers("table", CoolingIds, Arr<BackendId>.Empty);
        return cooling.IsEmpty
            ? backends
            : backends.Map(backend => backend with { Cools = backend.Cools || cooling.Contains(backend.Id) });
    }

    /// <summary>The services; what was said about refused clients 0.1.0 keeps outside of them.</summary>
    internal static Map<int, ServiceState> Refused(Members<ControlState> m, Map<int, ServiceState> services)
    {
        var notices = Refusals.None
            .SetItem((int)Refusal.Limit, m.OfOthers("overload", StateCodec.Notice, Notice.None))
            .SetItem((int)Refusal.Descriptors, m.OfOthers("exhaustion", StateCodec.Notice, Notice.None));
        return notices == Refusals.None
            ? services
            : services.TrySetItem(OnlyService.Value, service => service with { Refusals = notices });
    }

    /// <summary>When a drain is over: 30 s after it began, unless another process serves.</summary>
    internal static Instant EndsAt(Instant since, Instant nextCutAt) =>
        nextCutAt == Instant.Never ? Instant.Never : since.Plus(new(30_000));

    private static readonly Codec<Arr<BackendId>> Ids = Codec.List(Scalar.Id);

    private static readonly Codec<Arr<BackendId>> RouteIds =
        Codec.List(Codec.Object<BackendId>(m => m.Of("id", Scalar.Id, id => id)));

    private static readonly Codec<Arr<BackendId>> CoolingIds =
        Codec.Object<Arr<BackendId>>(m => m.Of("cooling", RouteIds, ids => ids));

    private static readonly Codec<Arr<Route>> Routes = Codec.List(Codec.Object<Route>(m =>
    {
        m.ForOthers("id", Scalar.Id, r => r.Id);
        m.ForOthers("endpoint", ConfigCodec.Backend, r => r.Config);
        m.ForOthers("addresses", BackendCodec.Addresses, r => r.Addresses);
        m.ForOthers("wants_success", Scalar.Flag, r => r.WantsSuccess);
        return null!;
    }));

    private static readonly Codec<RoutingTable> Table = Codec.Object<RoutingTable>(m =>
    {
        m.ForOthers("version", Scalar.Total, _ => 1);
        m.ForOthers("service", Scalar.Text, t => t.Service.Name);
        m.ForOthers("up", Routes, t => t.Up);
        m.ForOthers("cooling", Routes, t => t.Cooling);
        m.ForOthers("down", Routes, t => t.Down);
        m.ForOthers("protection", Scalar.Flag, t => t.Protection);
        m.ForOthers("connect_timeout_ms", Scalar.Span, t => t.Service.Tuning.ConnectTimeout);
        m.ForOthers("idle_timeout_ms", Scalar.Span, t => t.Service.Tuning.IdleTimeout);
        m.ForOthers("max_concurrent_connections", Scalar.Count, t => t.Service.Tuning.MaxConcurrentConnections);
        m.ForOthers("relay", ConfigCodec.Relay, t => t.Service.Tuning.Relay);
        m.ForOthers("draining", Ids, t => t.Draining);
        return null!;
    });

    private static readonly Codec<ControlState> Complete = StateCodec.StateWith(
        StateCodec.ServiceWith(m => m.ForOthers("table", Table, Publishing.TableOf)),
        m =>
        {
            m.ForOthers("overload", StateCodec.Notice, s => Said(Refusal.Limit, s));
            m.ForOthers("exhaustion", StateCodec.Notice, s => Said(Refusal.Descriptors, s));
        });

    private static Notice Said(Refusal reason, ControlState state) => state.InOrder[0].Refusals[(int)reason];

    /// <summary>What is in use that 0.1.0 does not know, as the configuration file names it.</summary>
    private static Arr<string> InUse(ControlState state) => new(FirstRelease.Ignores(state.Config)
        // One that a reload has removed may still drain.
        .Concat(state.Services.Count > 1 ? [Settings.Services] : [])
        .Concat(CanonicalJson.MustKnow(StateCodec.State, state)
            .Select(member => member[(member.LastIndexOf('.') + 1)..]))
        .Distinct());
}
