using System.Text.Json;
using Bal.Domain.Config;
using Bal.Domain.History;
using Bal.Domain.Protection;
using LanguageExt;

namespace Bal.Domain.Recording;

/// <summary>The forms of what led protection mode to where it is.</summary>
internal static class ProtectionHistoryCodec
{
    public static readonly Codec<ProtectionReason> Reason = Codec.Words(
        new Arr<ProtectionReason>([ProtectionReason.TimeoutOrRefusedStorm, ProtectionReason.AllBackendsUnavailable]),
        ProtectionText.Of);

    private static readonly Codec<ProtectionPolicy> Hysteresis = Codec.Object<ProtectionPolicy>(
        (json, policy) =>
        {
            json.Put("trigger_threshold", Scalar.Positive, policy.TriggerThreshold);
            json.Put("window_ms", Scalar.Span, policy.Window);
            json.Put("stable_success_threshold", Scalar.Positive, policy.StableSuccessThreshold);
        },
        json =>
            from trigger in json.Get("trigger_threshold", Scalar.Positive)
            from window in json.Get("window_ms", Scalar.Span)
            from stable in json.Get("stable_success_threshold", Scalar.Positive)
            select new ProtectionPolicy(trigger, window, stable));

    private static readonly Codec<ProtectionEntry> Entry = Codec.Object<ProtectionEntry>(
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
            select new ProtectionEntry(what, first, last, count));

    public static readonly Codec<ProtectionHistory> History = Codec.List(Entry)
        .Where(
            list => list.Count <= ProtectionHistory.MaxEntries,
            $"at most {ProtectionHistory.MaxEntries} entries belong here")
        .Wrap<ProtectionHistory>(history => history.Recent, recent => new ProtectionHistory(recent));

    private static void WriteWhat(Utf8JsonWriter json, ProtectionHappening what)
    {
        switch (what)
        {
            case ProtectionHappening.TurnedOn on:
                json.Put("on", Reason, on.Reason);
                json.Put("failures", Scalar.Total, on.Failures);
                json.Put("policy", Hysteresis, on.Policy);
                break;
            case ProtectionHappening.TurnedOff off:
                json.Put("off_after", Scalar.Count, off.Successes);
                break;
        }
    }

    private static Decoded<ProtectionHappening> ReadWhat(JsonElement json) =>
        json.Has("on")
            ? from reason in json.Get("on", Reason)
              from failures in json.Get("failures", Scalar.Total)
              from policy in json.Get("policy", Hysteresis)
              select (ProtectionHappening)new ProtectionHappening.TurnedOn(reason, failures, policy)
            : json.Has("off_after")
                ? json.Get("off_after", Scalar.Count)
                    .Map(successes => (ProtectionHappening)new ProtectionHappening.TurnedOff(successes))
                : new ProtectionHappening.StartedOver();
}
