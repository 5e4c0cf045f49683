using System.Net;
using Bal.Domain.Backend;
using Bal.Domain.Backoff;
using Bal.Domain.Control;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Recording;

/// <summary>The form of what is known of one backend.</summary>
internal static class BackendCodec
{
    public static readonly Codec<Arr<IPAddress>> Addresses = Codec.List(Scalar.Address);

    private static readonly Codec<Health> Health = Codec.Object<Health>(m => new(
        m.Of("up", Scalar.Flag, h => h.Up),
        m.Of("failures", Scalar.Count, h => h.Failures),
        m.Of("successes", Scalar.Count, h => h.Successes))
    {
        // 0.1.0 counts a new backend as one that was reached, and is one failure away from down all the same.
        Reached = m.Of("reached", Scalar.Flag, h => h.Reached, missing: true),
    });

    private static readonly Codec<Cooldown> Cooldown = Codec.Object<Cooldown>(m => new(
        m.Of("streak", Scalar.Count, c => c.Streak),
        m.Of("until", Scalar.At, c => c.Until)));

    private static readonly Codec<FailureCounters> Failures = Codec.Object<FailureCounters>(m => new(
        m.Of("timeout", Scalar.Total, f => f.Timeout),
        m.Of("refused", Scalar.Total, f => f.Refused),
        m.Of("other", Scalar.Total, f => f.Other)));

    private static readonly Codec<Resolution> Resolution = Codec.Object<Resolution>(m => new(
        m.Of("next_at", Scalar.At, r => r.NextAt),
        m.Of("in_flight", Scalar.Flag, r => r.InFlight))
    {
        Failing = m.Unless("failing", Scalar.Flag, r => r.Failing, absent: false),
    });

    private static readonly Codec<ProbeSchedule> Probe = Codec.Object<ProbeSchedule>(m => new(
        m.Of("next_at", Scalar.At, p => p.NextAt),
        m.Of("in_flight", Scalar.Flag, p => p.InFlight),
        m.Of("last_ended_at", HistoryCodec.MaybeAt, p => p.LastEndedAt))
    {
        NotMade = m.Unless("not_made", Scalar.Count, p => p.NotMade, absent: 0),
        Answer = m.Unless("answer", OverrideCodec.MaybeText, p => p.Answer, Option<string>.None),
        IsUnfit = m.Unless("unfit", Scalar.Flag, p => p.IsUnfit, absent: false),
        IsStale = m.Unless("stale", Scalar.Flag, p => p.IsStale, absent: false),
    });

    private static readonly Codec<Option<SlowStart>> SlowStart = Codec.Maybe(Codec.Object<SlowStart>(m => new(
        m.Of("since", Scalar.At, s => s.Since),
        m.Of("over_ms", Scalar.Positive.Wrap<Duration>(d => (int)d.Milliseconds, ms => new Duration(ms)), s => s.Over),
        m.Of("tenths", Scalar.Integer(1, Domain.Backend.SlowStart.Whole - 1), s => s.Tenths))));

    public static readonly Body<BackendState> Body = Recording.Body.Of<BackendState>(m => new(
        m.Of("id", Scalar.Id, b => b.Id),
        m.Of("endpoint", ConfigCodec.Backend, b => b.Config),
        m.Of("health", Health, b => b.Health),
        m.Of("cooldown", Cooldown, b => b.Cooldown),
        m.Of("cools", Scalar.Flag, b => b.Cools, missing: false),
        m.Of("failures", Failures, b => b.Failures),
        m.Of("addresses", Addresses, b => b.Addresses),
        m.Of("resolution", Resolution, b => b.Resolution),
        m.Of("probe", Probe, b => b.Probe),
        m.Of("draining", Scalar.Flag, b => b.Draining),
        m.Of("history", HistoryCodec.Backend, b => b.History))
    {
        ProbeFailures = m.Of("probe_failures", Failures, b => b.ProbeFailures, FailureCounters.Zero),
        ConnectFailures = m.Of("connect_failures", Failures, b => b.ConnectFailures, FailureCounters.Zero),
        LeadsHere = m.Unless("leads_here", Scalar.Flag, b => b.LeadsHere, absent: false),
        SlowStart = m.Unless("slow_start", SlowStart, b => b.SlowStart, absent: Option<SlowStart>.None),
        // Whoever ignored it would send clients where an operator wants none.
        Override = m.MustKnow("override", OverrideCodec.Maybe, b => b.Override, Option<Override>.None),
        ResetAt = m.Unless("reset_at", Scalar.At, b => b.ResetAt, Instant.Never),
    });

    public static readonly Codec<BackendState> Backend = Codec.Of(Body);
}
