using Bal.Domain.Backoff;
using Bal.Domain.History;
using Bal.Domain.Primitives;
using Bal.Domain.Protection;
using LanguageExt;
using Happening = Bal.Domain.History.BackendHappening;
using Turn = Bal.Domain.History.ProtectionHappening;

namespace Bal.Domain.Recording;

/// <summary>The forms of what led backends, and protection mode, to where they are.</summary>
internal static class HistoryCodec
{
    public static readonly Codec<Option<Instant>> MaybeAt = Codec.Maybe(Scalar.At);

    public static readonly Codec<ProtectionReason> Reason = Codec.Words(
        new Arr<ProtectionReason>([ProtectionReason.TimeoutOrRefusedStorm, ProtectionReason.AllBackendsUnavailable]),
        ProtectionText.Of);

    private static readonly Codec<Witness> Witnesses = Codec.Words(
        new Arr<Witness>([Witness.Probe, Witness.Client, Witness.Resolver]), HappeningText.Of);

    private static readonly Union<Happening> Happenings = Union.Tagged<Happening>("what")
        .Case<Happening.Failed>("failed", m => new(
            m.Of("witness", Witnesses, f => f.Witness),
            m.Inline(OutcomeCodec.Kind, f => f.Kind)))
        .Case<Happening.Passed>("passed", m => new(m.Of("witness", Witnesses, p => p.Witness)))
        .Case<Happening.WentDown>("went_down", _ => new())
        .Case<Happening.CameUp>("came_up", _ => new())
        .Case<Happening.CoolingBegan>("cooling_began", _ => new())
        .Case<Happening.CoolingEnded>("cooling_ended", _ => new())
        .Case<Happening.NameUnresolved>("name_unresolved", _ => new())
        .Case<Happening.NameResolved>("name_resolved", _ => new())
        .Case<Happening.Added>("added", _ => new())
        .Case<Happening.Kept>("kept", _ => new())
        .Case<Happening.Removed>("removed", _ => new());

    private static readonly Codec<Arr<BackendEntry>> Entries = Codec.List(
        Codec.Object<BackendEntry>(m => new(
            m.Inline(Happenings.Body, e => e.What),
            m.Of("first", Scalar.At, e => e.First),
            m.Of("last", Scalar.At, e => e.Last),
            m.Of("count", Scalar.Total, e => e.Count))),
        BackendHistory.MaxEntries);

    private static readonly Codec<Option<Outage>> LastOutage = Codec.Maybe(Codec.Object<Outage>(m => new(
        m.Of("since", Scalar.At, o => o.Since),
        m.Of("failures", Scalar.Count, o => o.Failures),
        m.Of("threshold", Scalar.Count, o => o.Threshold),
        m.Of("cause", Entries, o => o.Cause),
        m.Of("until", MaybeAt, o => o.Until))));

    private static readonly Codec<BackoffPolicy> Backoff = Codec.Object<BackoffPolicy>(m => new(
        m.Of("initial_ms", Scalar.Span, p => p.Initial),
        m.Of("max_ms", Scalar.Span, p => p.Max),
        m.Of("cooldown_ms", Scalar.Span, p => p.Cooldown)));

    private static readonly Codec<Option<CoolingCause>> Cooling = Codec.Maybe(Codec.Object<CoolingCause>(m => new(
        m.Of("at", Scalar.At, c => c.At),
        m.Of("streak", Scalar.Count, c => c.Streak),
        m.Of("policy", Backoff, c => c.Policy),
        m.Of("protection", Scalar.Flag, c => c.Protection))));

    public static readonly Codec<BackendHistory> Backend = Codec.Object<BackendHistory>(m => new(
        m.Of("recent", Entries, h => h.Recent),
        m.Of("last_outage", LastOutage, h => h.LastOutage),
        m.Of("cooling", Cooling, h => h.Cooling)));

    private static readonly Codec<ProtectionPolicy> Hysteresis = Codec.Object<ProtectionPolicy>(m => new(
        m.Of("trigger_threshold", Scalar.Positive, p => p.TriggerThreshold),
        m.Of("window_ms", Scalar.Span, p => p.Window),
        m.Of("stable_success_threshold", Scalar.Positive, p => p.StableSuccessThreshold)));

    private static readonly Union<Turn> Turns = Union.ByMember<Turn>()
        .Case<Turn.TurnedOn>("on", m => new(
            m.Of("on", Reason, t => t.Reason),
            m.Of("failures", Scalar.Total, t => t.Failures),
            m.Of("policy", Hysteresis, t => t.Policy)))
        .Case<Turn.TurnedOff>("off_after", m => new(m.Of("off_after", Scalar.Count, t => t.Successes)))
        .Case<Turn.StartedOver>("", _ => new());

    public static readonly Codec<ProtectionHistory> Protection = Codec.List(
        Codec.Object<ProtectionEntry>(m => new(
            m.Inline(Turns.Body, e => e.What),
            m.Of("first", Scalar.At, e => e.First),
            m.Of("last", Scalar.At, e => e.Last),
            m.Of("count", Scalar.Total, e => e.Count))),
        ProtectionHistory.MaxEntries)
        .Wrap<ProtectionHistory>(history => history.Recent, recent => new ProtectionHistory(recent));
}
