using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Domain.Control;
using Bal.Domain.Counting;
using LanguageExt;

namespace Bal.Domain.Recording;

/// <summary>The form of what happened.</summary>
internal static class EventCodec
{
    private static readonly Codec<Option<System.Net.IPAddress>> Via = Codec.Maybe(Scalar.Address);

    private static readonly Codec<Arr<BackendId>> Ids = Codec.List(Scalar.Id);

    private static readonly Codec<Refusal> Refused =
        Codec.Words(Refusals.All, reason => ServiceCounters.Of(reason).Word);

    private static readonly Codec<TerminationReason> Silence =
        Codec.Words(Silences.All, reason => ServiceCounters.Of(reason).Word);

    public static readonly Union<ControlEvent> Events = Union.Tagged<ControlEvent>("kind")
        .Case<ControlEvent.Tick>("tick", _ => new())
        .Case<ControlEvent.ProbeEnded>("probe_ended", m => new(
            m.Of("backend", Scalar.Id, e => e.Backend),
            m.Inline(OutcomeCodec.Outcomes, e => e.Outcome),
            m.Of("via", Via, e => e.Via)))
        .Case<ControlEvent.Resolved>("resolved", m => new(
            m.Of("name", Scalar.Text, e => e.Name),
            m.Of("addresses", BackendCodec.Addresses, e => e.Addresses)))
        .Case<ControlEvent.ConnectsFailed>("connects_failed", m => new(
            m.Of("backend", Scalar.Id, e => e.Backend),
            m.Inline(OutcomeCodec.Kind, e => e.Kind),
            m.Of("count", Scalar.Positive, e => e.Count)))
        .Case<ControlEvent.ConnectsSucceeded>("connects_succeeded", m => new(
            m.Of("backend", Scalar.Id, e => e.Backend),
            m.Of("count", Scalar.Positive, e => e.Count)))
        .Case<ControlEvent.ClientExhausted>("client_exhausted", m => new(
            m.Of("service", Format0_1_0.NamedService, e => e.Service)))
        .Case<ControlEvent.ClientsRefused>("clients_refused", m => new(
            m.Of("service", Scalar.Service, e => e.Service),
            m.Of("reason", Refused, e => e.Reason),
            m.Of("total", Scalar.Total, e => e.Total)))
        .Case<ControlEvent.ConnectionsSilenced>("connections_silenced", m => new(
            m.Of("service", Scalar.Service, e => e.Service),
            m.Of("reason", Silence, e => e.Reason),
            m.Of("total", Scalar.Total, e => e.Total)))
        .Case<ControlEvent.ReportsLost>("reports_lost", m => new(m.Of("total", Scalar.Total, e => e.Total)))
        .Case<ControlEvent.BackendIdle>("backend_idle", m => new(m.Of("backend", Scalar.Id, e => e.Backend)))
        .Case<ControlEvent.Reloaded>("reloaded", m => new(m.Of("config", ConfigCodec.Config, e => e.Config))
        {
            OtherSecrets = m.Unless("other_secrets", Ids, e => e.OtherSecrets, Arr<BackendId>.Empty),
        })
        .Case<ControlEvent.ReloadRefused>("reload_refused", m => new(
            m.Of("problem", OutcomeCodec.Problem, e => e.Problem)))
        .Case<ControlEvent.StopRequested>("stop_requested", m => new()
        {
            ByCommand = m.Of("by_command", Scalar.Flag, e => e.ByCommand, missing: false),
            Within = m.Of("within_ms", OverrideCodec.MaybeSpan, e => e.Within, Option<Duration>.None),
        })
        .Case<ControlEvent.AllIdle>("all_idle", _ => new())
        .Case<ControlEvent.HandedOver>("handed_over", m => new(m.Of("pid", Scalar.Count, e => e.Pid)))
        .Case<ControlEvent.Ordered>("ordered", m => new(
            m.Of("order", OverrideCodec.Order, e => e.Order),
            m.Of("by", OverrideCodec.Operator, e => e.By)))
        .Case<ControlEvent.OverridesRead>("overrides_read", m => new(
            m.Of("overrides", OverrideCodec.Kept, e => e.Overrides),
            m.Of("put_aside", OverrideCodec.MaybeText, e => e.PutAside)))
        .Case<ControlEvent.OverridesKept>("overrides_kept", m => new(
            m.Of("change", Scalar.Total, e => e.Change),
            m.Of("why_not", OverrideCodec.MaybeText, e => e.WhyNot)))
        .Case("clients_rejected", Format0_1_0.ClientsRefused(Refusal.Limit))
        .Case("descriptors_exhausted", Format0_1_0.ClientsRefused(Refusal.Descriptors));

    public static readonly Codec<ControlEvent> Event = Events.Codec;

    /// <summary>The stable snake_case name of the kind of event.</summary>
    public static string Kind(ControlEvent happened) => Events.WordOf(happened);
}
