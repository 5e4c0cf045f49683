using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Domain.Control;
using Bal.Domain.Protection;
using LanguageExt;

namespace Bal.Domain.Recording;

/// <summary>The form of everything that bal has decided.</summary>
internal static class StateCodec
{
    private static readonly Codec<Arr<FailureMark>> Marks = Codec.List(Codec.Object<FailureMark>(
        (json, mark) =>
        {
            json.Put("at", Scalar.At, mark.At);
            json.Put("count", Scalar.Positive, mark.Count);
        },
        json =>
            from at in json.Get("at", Scalar.At)
            from count in json.Get("count", Scalar.Positive)
            select new FailureMark(at, count)))
        .Where(
            marks => marks.Count <= ProtectionMachine.MaxMarks,
            $"at most {ProtectionMachine.MaxMarks} marks belong here");

    private static readonly Codec<ProtectionState> Protection = Codec.Object<ProtectionState>(
        (json, state) => state.Match(
            off: s => { json.Put("off", Marks, s.Recent); return Prelude.unit; },
            on: s =>
            {
                json.Put("on", ProtectionHistoryCodec.Reason, s.Reason);
                json.Put("since", Scalar.At, s.Since);
                json.Put("successes", Scalar.Count, s.Successes);
                return Prelude.unit;
            }),
        json => json.Has("off")
            ? json.Get("off", Marks).Map(marks => (ProtectionState)new ProtectionState.Off(marks))
            : from reason in json.Get("on", ProtectionHistoryCodec.Reason)
              from since in json.Get("since", Scalar.At)
              from successes in json.Get("successes", Scalar.Count)
              select (ProtectionState)new ProtectionState.On(reason, since, successes));

    private static readonly Codec<Phase> Phases = Codec.Object<Phase>(
        (json, phase) =>
        {
            json.WriteString("kind", phase.Match(() => "running", _ => "draining", () => "ended"));
            if (phase is Phase.Draining draining)
            {
                json.Put("since", Scalar.At, draining.Since);
                json.Put("next_cut_at", Scalar.At, draining.NextCutAt);
            }
        },
        json => json.Get("kind", Scalar.Text).Bind(kind => kind switch
        {
            "running" => Decoded<Phase>.Of(Phase.Serving),
            "ended" => Phase.Over,
            "draining" =>
                from since in json.Get("since", Scalar.At)
                from next in json.Get("next_cut_at", Scalar.At)
                select (Phase)new Phase.Draining(since, next),
            _ => new CodecFault("kind", "running, draining or ended belongs here"),
        }));

    private static readonly Codec<Notice> Notice = Codec.Object<Notice>(
        (json, notice) =>
        {
            json.Put("said", Scalar.Total, notice.Said);
            json.Put("last_at", Scalar.At, notice.LastAt);
            json.Put("seen", Scalar.Total, notice.Seen);
        },
        json =>
            from said in json.Get("said", Scalar.Total)
            from last in json.Get("last_at", Scalar.At)
            from seen in json.Get("seen", Scalar.Total)
            select new Notice(said, last, seen));

    private static readonly Codec<Option<RefusedReload>> Refused = Codec.Maybe(Codec.Object<RefusedReload>(
        (json, refused) =>
        {
            json.Put("problem", OutcomeCodec.Problem, refused.Problem);
            json.Put("at", Scalar.At, refused.At);
        },
        json =>
            from problem in json.Get("problem", OutcomeCodec.Problem)
            from at in json.Get("at", Scalar.At)
            select new RefusedReload(problem, at)));

    private static readonly Codec<Map<int, BackendState>> Backends =
        Codec.List(BackendCodec.Backend).Wrap<Map<int, BackendState>>(
            backends => new(backends.Values), backends => new(backends.Map((place, backend) => (place, backend))));

    private static readonly Codec<Arr<Notice>> Notices = Codec.List(Notice);

    public static readonly Codec<ServiceState> Service = Codec.Object<ServiceState>(
        (json, service) =>
        {
            json.Put("id", Scalar.Positive, service.Id.Value);
            json.Put("config", ConfigCodec.Service, service.Config);
            json.Put("backends", Backends, service.Backends);
            json.Put("protection", Protection, service.Protection);
            json.Put("refusals", Notices, service.Refusals);
            json.Put("removed", Scalar.Flag, service.Removed);
            json.Put("history", ProtectionHistoryCodec.History, service.History);
        },
        json =>
            from id in json.Get("id", Scalar.Positive)
            from config in json.Get("config", ConfigCodec.Service)
            from backends in json.Get("backends", Backends)
            from protection in json.Get("protection", Protection)
            from refusals in json.Get("refusals", Notices)
            from removed in json.Get("removed", Scalar.Flag)
            from history in json.Get("history", ProtectionHistoryCodec.History)
            select new ServiceState(new ServiceId(id), 0, config, backends, protection, refusals, removed, history));

    private static readonly Codec<Map<int, ServiceState>> Services = Codec.List(Service).Wrap<Map<int, ServiceState>>(
        services => new(services.Values.OrderBy(service => service.Place)),
        services => new(services.Map((place, service) => (service.Id.Value, service with { Place = place }))));

    public static readonly Codec<ControlState> State = Codec.Object<ControlState>(
        (json, state) =>
        {
            json.Put("config", ConfigCodec.Config, state.Config);
            json.Put("config_version", Scalar.Total, state.ConfigVersion);
            json.Put("services", Services, state.Services);
            json.Put("next_service_id", Scalar.Positive, state.NextServiceId);
            json.Put("next_backend_id", Scalar.Positive, state.NextBackendId);
            json.Put("phase", Phases, state.Phase);
            json.Put("lost", Notice, state.Lost);
            json.Put("refused", Refused, state.Refused);
        },
        json =>
            from config in json.Get("config", ConfigCodec.Config)
            from version in json.Get("config_version", Scalar.Total)
            from services in json.Get("services", Services)
            from nextService in json.Get("next_service_id", Scalar.Positive)
            from next in json.Get("next_backend_id", Scalar.Positive)
            from phase in json.Get("phase", Phases)
            from lost in json.Get("lost", Notice)
            from refused in json.Get("refused", Refused)
            select new ControlState(
                config, version, services, nextService, next, phase, lost, refused, StateIndex.Empty).Indexed());
}
