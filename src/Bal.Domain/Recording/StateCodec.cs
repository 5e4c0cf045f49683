using Bal.Domain.Admission;
using Bal.Domain.Control;
using Bal.Domain.Protection;
using LanguageExt;

namespace Bal.Domain.Recording;

/// <summary>The form of everything that bal has decided.</summary>
internal static class StateCodec
{
    private static readonly Codec<Arr<FailureMark>> Marks = Codec.List(
        Codec.Object<FailureMark>(m => new(
            m.Of("at", Scalar.At, f => f.At),
            m.Of("count", Scalar.Positive, f => f.Count))),
        ProtectionMachine.MaxMarks);

    private static readonly Codec<ProtectionState> Protection =
        Union.ByMember<ProtectionState>()
            .Case<ProtectionState.Off>("off", m => new(m.Of("off", Marks, p => p.Recent)))
            .Case<ProtectionState.On>("on", m => new(
                m.Of("on", HistoryCodec.Reason, p => p.Reason),
                m.Of("since", Scalar.At, p => p.Since),
                m.Of("successes", Scalar.Count, p => p.Successes)))
            .Codec;

    private static readonly Codec<Phase> Phases = Union.Tagged<Phase>("kind")
        .Case<Phase.Running>("running", _ => new())
        .Case<Phase.Draining>("draining", m => new(
            m.Of("since", Scalar.At, p => p.Since),
            m.Of("next_cut_at", Scalar.At, p => p.NextCutAt)))
        .Case<Phase.Ended>("ended", _ => new())
        .Codec;

    private static readonly Codec<Notice> Notice = Codec.Object<Notice>(m => new(
        m.Of("said", Scalar.Total, n => n.Said),
        m.Of("last_at", Scalar.At, n => n.LastAt),
        m.Of("seen", Scalar.Total, n => n.Seen)));

    private static readonly Codec<Option<RefusedReload>> Refused = Codec.Maybe(Codec.Object<RefusedReload>(m => new(
        m.Of("problem", OutcomeCodec.Problem, r => r.Problem),
        m.Of("at", Scalar.At, r => r.At))));

    private static readonly Codec<Arr<BackendState>> Backends = Codec.List(BackendCodec.Backend);

    public static readonly Codec<ServiceState> Service = Codec.Object<ServiceState>(m => new(
        m.Of("config", ConfigCodec.Service, s => s.Config),
        m.Of("backends", Backends, s => s.Backends),
        m.Of("protection", Protection, s => s.Protection),
        m.Of("table", TableCodec.Table, s => s.Table),
        m.Of("history", HistoryCodec.Protection, s => s.History)));

    private static readonly Codec<Arr<ServiceState>> Services = Codec.List(Service);

    public static readonly Codec<ControlState> State = Codec.Object<ControlState>(m => new(
        m.Of("config", ConfigCodec.Config, s => s.Config),
        m.Of("config_version", Scalar.Total, s => s.ConfigVersion),
        m.Of("services", Services, s => s.Services),
        m.Of("next_backend_id", Scalar.Positive, s => s.NextBackendId),
        m.Of("phase", Phases, s => s.Phase),
        m.Of("overload", Notice, s => s.Overload),
        m.Of("exhaustion", Notice, s => s.Exhaustion),
        m.Of("lost", Notice, s => s.Lost),
        m.Of("refused", Refused, s => s.Refused)));
}
