using Bal.Domain.Admission;
using Bal.Domain.Control;
using Bal.Domain.Counting;
using Bal.Domain.Protection;
using LanguageExt;

namespace Bal.Domain.Recording;

/// <summary>The form of everything that bal has decided.</summary>
internal static class StateCodec
{
    private static readonly Codec<Arr<FailureMark>> FailureMarks = Codec.List(
        Codec.Object<FailureMark>(m => new(
            m.Of("at", Scalar.At, f => f.At),
            m.Of("count", Scalar.Positive, f => f.Count))),
        ProtectionMachine.MaxMarks);

    private static readonly Codec<ProtectionState> Protection =
        Union.ByMember<ProtectionState>()
            .Case<ProtectionState.Off>("off", m => new(m.Of("off", FailureMarks, p => p.Recent)))
            .Case<ProtectionState.On>("on", m => new(
                m.Of("on", HistoryCodec.Reason, p => p.Reason),
                m.Of("since", Scalar.At, p => p.Since),
                m.Of("successes", Scalar.Count, p => p.Successes)))
            .Codec;

    private static readonly Codec<Option<int>> MaybePlace = Codec.Maybe(Scalar.Count);

    private static readonly Codec<Phase> Phases = Union.Tagged<Phase>("kind")
        .Case<Phase.Running>("running", _ => new())
        .Case<Phase.Delaying>("delaying", m => new(
            m.Of("since", Scalar.At, p => p.Since),
            m.Of("until", Scalar.At, p => p.Until),
            m.Of("within_ms", Scalar.Span, p => p.Within)))
        .Case<Phase.Draining>("draining", m =>
        {
            var since = m.Of("since", Scalar.At, p => p.Since);
            var next = m.Of("next_cut_at", Scalar.At, p => p.NextCutAt);
            return new(
                since,
                next,
                m.Of("ends_at", Scalar.At, p => p.EndsAt, Format0_1_0.EndsAt(since, next)),
                m.Of("cutting_ms", Scalar.Span, p => p.Cutting, Phase.Draining.LongestCutting));
        })
        .Case<Phase.Ended>("ended", _ => new())
        .Codec;

    private static readonly Codec<Arr<RecentMark>> Marks = Codec.List(
        Codec.Object<RecentMark>(m => new(
            m.Of("at", Scalar.At, r => r.At),
            m.Of("count", Scalar.Total, r => r.Count))),
        Recent.MaxMarks);

    public static readonly Codec<Notice> Notice = Codec.Object<Notice>(m => new(
        m.Of("said", Scalar.Total, n => n.Said),
        m.Of("last_at", Scalar.At, n => n.LastAt),
        m.Of("seen", Scalar.Total, n => n.Seen))
    {
        Recent = new(m.Of("recent", Marks, n => n.Recent.Marks, Arr<RecentMark>.Empty)),
    });

    private static readonly Codec<Option<RefusedReload>> Reload = Codec.Maybe(Codec.Object<RefusedReload>(m => new(
        m.Of("problem", OutcomeCodec.Problem, r => r.Problem),
        m.Of("at", Scalar.At, r => r.At))));

    private static readonly Codec<Arr<Notice>> Refused = Notices(Refusals.None);

    private static readonly Codec<Arr<Notice>> Silenced = Notices(Silences.None);

    // Places have gaps once a draining backend is gone. In a document of 0.1.0 they follow from the order.
    private static readonly Codec<Map<int, BackendState>> Backends = Codec.List(Codec.Object<PlacedBackend>(m => new(
        m.Of("place", MaybePlace, b => b.Place, Option<int>.None),
        m.Inline(BackendCodec.Body, b => b.Backend))))
        .Wrap<Map<int, BackendState>>(
            map => new(map.Map((place, backend) => new PlacedBackend(place, backend)).Values),
            list => new(list.Select((b, i) => (b.Place.IfNone(i), b.Backend))));

    public static readonly Codec<ServiceState> Service = ServiceWith(_ => { });

    public static readonly Codec<ControlState> State = StateWith(Service, _ => { });

    /// <summary>The form of a service with more members that are only written.</summary>
    public static Codec<ServiceState> ServiceWith(Action<Members<ServiceState>> more) => Codec.Object<ServiceState>(m =>
    {
        more(m);
        return new(
            m.Of("id", Scalar.Service, s => s.Id, Format0_1_0.OnlyService),
            m.Of("place", MaybePlace, s => s.Place, Option<int>.None).IfNone(-1),
            m.Of("config", ConfigCodec.Service, s => s.Config),
            Format0_1_0.Cooling(m, m.Of("backends", Backends, s => s.Backends)),
            m.Of("protection", Protection, s => s.Protection),
            m.Of("refusals", Refused, s => s.Refusals, Refusals.None),
            m.Of("removed", Scalar.Flag, s => s.Removed, missing: false),
            m.Of("history", HistoryCodec.Protection, s => s.History))
        {
            Silenced = m.Of("silenced", Silenced, s => s.Silenced, Silences.None),
        };
    });

    /// <summary>The form of a state with such services, and more members that are only written.</summary>
    public static Codec<ControlState> StateWith(Codec<ServiceState> service, Action<Members<ControlState>> more)
    {
        var services = Codec.List(service).Where(
            list => list.Map(s => s.Id).Distinct().Count() == list.Count, "a different id for each service")
            .Wrap<Map<int, ServiceState>>(
                map => new(map.Values.OrderBy(s => s.Place)),
                list => new(list.Select((s, i) => (s.Id.Value, s.Place < 0 ? s with { Place = i } : s))));
        return Codec.Object<ControlState>(m =>
        {
            more(m);
            return new ControlState(
                m.Of("config", ConfigCodec.Config, s => s.Config),
                m.Of("config_version", Scalar.Total, s => s.ConfigVersion),
                Format0_1_0.Refused(m, m.Of("services", services, s => s.Services)),
                m.Of("next_service_id", Scalar.Positive, s => s.NextServiceId, Format0_1_0.OnlyService.Value + 1),
                m.Of("next_backend_id", Scalar.Positive, s => s.NextBackendId),
                m.Of("phase", Phases, s => s.Phase),
                m.Of("lost", Notice, s => s.Lost),
                m.Of("refused", Reload, s => s.Refused),
                StateIndex.Empty)
            {
                NotMade = m.Of("not_made", Notice, s => s.NotMade, Admission.Notice.None),
                Keeping = m.Unless("overrides", OverrideCodec.Keeping, s => s.Keeping, OverrideKeeping.None),
            };
        }).Wrap<ControlState>(state => state, read => read.Indexed());
    }

    // What was said about the reasons that the writer knew; those that this version does not know are left out, and so
    // are the last ones if there is nothing to say about them.
    private static Codec<Arr<Notice>> Notices(Arr<Notice> none) => Codec.List(Notice).Wrap<Arr<Notice>>(
        notices => new(notices.Take(1 + LastOf(notices))),
        read => none.Select((nothing, i) => i < read.Count ? read[i] : nothing).ToArr());

    private static int LastOf(Arr<Notice> notices)
    {
        var last = notices.Count - 1;
        while (last >= 0 && notices[last] == Admission.Notice.None)
            last--;
        return last;
    }

    private sealed record PlacedBackend(Option<int> Place, BackendState Backend);
}
