using System.Text.Json;
using Bal.Domain.Backoff;
using Bal.Domain.Config;
using Bal.Domain.History;
using LanguageExt;
using BackendEntry = Bal.Domain.History.BackendEntry;

namespace Bal.Domain.Recording;

/// <summary>The forms of what led backends to where they are.</summary>
internal static class BackendHistoryCodec
{
    private static readonly Codec<Witness> Witnesses = Codec.Words(
        new Arr<Witness>([Witness.Probe, Witness.Client, Witness.Resolver]), HappeningText.Of);

    private static readonly Codec<BackoffPolicy> Backoff = Codec.Object<BackoffPolicy>(
        (json, policy) =>
        {
            json.Put("initial_ms", Scalar.Span, policy.Initial);
            json.Put("max_ms", Scalar.Span, policy.Max);
            json.Put("cooldown_ms", Scalar.Span, policy.Cooldown);
        },
        json =>
            from initial in json.Get("initial_ms", Scalar.Span)
            from max in json.Get("max_ms", Scalar.Span)
            from cooldown in json.Get("cooldown_ms", Scalar.Span)
            select new BackoffPolicy(initial, max, cooldown));

    // Those that say nothing more than their name.
    private static readonly Codec<BackendHappening> Plain = Codec.Words(
        new Arr<BackendHappening>(
        [
            new BackendHappening.WentDown(), new BackendHappening.CameUp(), new BackendHappening.CoolingBegan(),
            new BackendHappening.CoolingEnded(), new BackendHappening.NameUnresolved(),
            new BackendHappening.NameResolved(), new BackendHappening.Added(), new BackendHappening.Kept(),
            new BackendHappening.Removed(),
        ]),
        HappeningText.Of);

    private static readonly Codec<BackendEntry> Entry = Codec.Object<BackendEntry>(
        (json, entry) =>
        {
            WriteWhat(json, entry.What);
            json.Put("first", Scalar.At, entry.First);
            json.Put("last", Scalar.At, entry.Last);
            json.Put("count", Scalar.Total, entry.Count);
        },
        json =>
            from what in ReadWhat(json)
            from first in json.Get("first", Scalar.At)
            from last in json.Get("last", Scalar.At)
            from count in json.Get("count", Scalar.Total)
            select new BackendEntry(what, first, last, count));

    private static readonly Codec<Arr<BackendEntry>> Entries = Codec.List(Entry).Where(
        list => list.Count <= BackendHistory.MaxEntries, $"at most {BackendHistory.MaxEntries} entries belong here");

    private static readonly Codec<Option<Primitives.Instant>> Until = Codec.Maybe(Scalar.At);

    private static readonly Codec<Option<Outage>> LastOutage = Codec.Maybe(Codec.Object<Outage>(
        (json, outage) =>
        {
            json.Put("since", Scalar.At, outage.Since);
            json.Put("failures", Scalar.Count, outage.Failures);
            json.Put("threshold", Scalar.Count, outage.Threshold);
            json.Put("cause", Entries, outage.Cause);
            json.Put("until", Until, outage.Until);
        },
        json =>
            from since in json.Get("since", Scalar.At)
            from failures in json.Get("failures", Scalar.Count)
            from threshold in json.Get("threshold", Scalar.Count)
            from cause in json.Get("cause", Entries)
            from until in json.Get("until", Until)
            select new Outage(since, failures, threshold, cause, until)));

    private static readonly Codec<Option<CoolingCause>> Cooling = Codec.Maybe(Codec.Object<CoolingCause>(
        (json, cause) =>
        {
            json.Put("at", Scalar.At, cause.At);
            json.Put("streak", Scalar.Count, cause.Streak);
            json.Put("policy", Backoff, cause.Policy);
            json.Put("protection", Scalar.Flag, cause.Protection);
        },
        json =>
            from at in json.Get("at", Scalar.At)
            from streak in json.Get("streak", Scalar.Count)
            from policy in json.Get("policy", Backoff)
            from protection in json.Get("protection", Scalar.Flag)
            select new CoolingCause(at, streak, policy, protection)));

    public static readonly Codec<BackendHistory> History = Codec.Object<BackendHistory>(
        (json, history) =>
        {
            json.Put("recent", Entries, history.Recent);
            json.Put("last_outage", LastOutage, history.LastOutage);
            json.Put("cooling", Cooling, history.Cooling);
        },
        json =>
            from recent in json.Get("recent", Entries)
            from outage in json.Get("last_outage", LastOutage)
            from cooling in json.Get("cooling", Cooling)
            select new BackendHistory(recent, outage, cooling));

    private static void WriteWhat(Utf8JsonWriter json, BackendHappening what)
    {
        json.WriteString("what", HappeningText.Of(what));
        if (what is BackendHappening.Failed failed)
        {
            json.Put("witness", Witnesses, failed.Witness);
            json.Put("failure", OutcomeCodec.Kind, failed.Kind);
        }
        else if (what is BackendHappening.Passed passed)
        {
            json.Put("witness", Witnesses, passed.Witness);
        }
    }

    private static Decoded<BackendHappening> ReadWhat(JsonElement json) =>
        json.Get("what", Scalar.Text).Bind(what => what switch
        {
            "failed" =>
                from witness in json.Get("witness", Witnesses)
                from failure in json.Get("failure", OutcomeCodec.Kind)
                select (BackendHappening)new BackendHappening.Failed(witness, failure),
            "passed" => json.Get("witness", Witnesses)
                .Map(witness => (BackendHappening)new BackendHappening.Passed(witness)),
            _ => json.Get("what", Plain),
        });
}
