using Bal.Domain.Backend;
using Bal.Domain.Backoff;
using Bal.Domain.Control;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Recording;

/// <summary>The form of what is known of one backend.</summary>
internal static class BackendCodec
{
    private static readonly Codec<Health> Health = Codec.Object<Health>(
        (json, health) =>
        {
            json.Put("up", Scalar.Flag, health.Up);
            json.Put("failures", Scalar.Count, health.Failures);
            json.Put("successes", Scalar.Count, health.Successes);
        },
        json =>
            from up in json.Get("up", Scalar.Flag)
            from failures in json.Get("failures", Scalar.Count)
            from successes in json.Get("successes", Scalar.Count)
            select new Health(up, failures, successes));

    private static readonly Codec<Cooldown> Cooldown = Codec.Object<Cooldown>(
        (json, cooldown) =>
        {
            json.Put("streak", Scalar.Count, cooldown.Streak);
            json.Put("until", Scalar.At, cooldown.Until);
        },
        json =>
            from streak in json.Get("streak", Scalar.Count)
            from until in json.Get("until", Scalar.At)
            select new Cooldown(streak, until));

    private static readonly Codec<FailureCounters> Failures = Codec.Object<FailureCounters>(
        (json, counters) =>
        {
            json.Put("timeout", Scalar.Total, counters.Timeout);
            json.Put("refused", Scalar.Total, counters.Refused);
            json.Put("other", Scalar.Total, counters.Other);
        },
        json =>
            from timeout in json.Get("timeout", Scalar.Total)
            from refused in json.Get("refused", Scalar.Total)
            from other in json.Get("other", Scalar.Total)
            select new FailureCounters(timeout, refused, other));

    private static readonly Codec<Resolution> Resolution = Codec.Object<Resolution>(
        (json, resolution) =>
        {
            json.Put("next_at", Scalar.At, resolution.NextAt);
            json.Put("in_flight", Scalar.Flag, resolution.InFlight);
        },
        json =>
            from next in json.Get("next_at", Scalar.At)
            from flying in json.Get("in_flight", Scalar.Flag)
            select new Resolution(next, flying));

    private static readonly Codec<Option<Instant>> Ended = Codec.Maybe(Scalar.At);

    private static readonly Codec<ProbeSchedule> Probe = Codec.Object<ProbeSchedule>(
        (json, probe) =>
        {
            json.Put("next_at", Scalar.At, probe.NextAt);
            json.Put("in_flight", Scalar.Flag, probe.InFlight);
            json.Put("last_ended_at", Ended, probe.LastEndedAt);
        },
        json =>
            from next in json.Get("next_at", Scalar.At)
            from flying in json.Get("in_flight", Scalar.Flag)
            from ended in json.Get("last_ended_at", Ended)
            select new ProbeSchedule(next, flying, ended));

    public static readonly Codec<BackendState> Backend = Codec.Object<BackendState>(
        (json, backend) =>
        {
            json.Put("id", Scalar.Id, backend.Id);
            json.Put("endpoint", ConfigCodec.Backend, backend.Config);
            json.Put("health", Health, backend.Health);
            json.Put("cooldown", Cooldown, backend.Cooldown);
            json.Put("cools", Scalar.Flag, backend.Cools);
            json.Put("failures", Failures, backend.Failures);
            json.Put("addresses", TableCodec.Addresses, backend.Addresses);
            json.Put("resolution", Resolution, backend.Resolution);
            json.Put("probe", Probe, backend.Probe);
            json.Put("draining", Scalar.Flag, backend.Draining);
            json.Put("history", BackendHistoryCodec.History, backend.History);
        },
        json =>
            from id in json.Get("id", Scalar.Id)
            from endpoint in json.Get("endpoint", ConfigCodec.Backend)
            from health in json.Get("health", Health)
            from cooldown in json.Get("cooldown", Cooldown)
            from cools in json.Get("cools", Scalar.Flag)
            from failures in json.Get("failures", Failures)
            from addresses in json.Get("addresses", TableCodec.Addresses)
            from resolution in json.Get("resolution", Resolution)
            from probe in json.Get("probe", Probe)
            from draining in json.Get("draining", Scalar.Flag)
            from history in json.Get("history", BackendHistoryCodec.History)
            select new BackendState(
                id, endpoint, health, cooldown, cools, failures, addresses, resolution, probe, draining, history));
}
