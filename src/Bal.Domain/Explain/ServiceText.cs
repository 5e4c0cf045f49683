using Bal.Domain.Messages;
using Bal.Domain.Protection;
using Bal.Domain.Reports;
using LanguageExt;

namespace Bal.Domain.Explain;

/// <summary>
/// The explanation of everything, and of protection mode, as an operator reads it; order and labels are stable.
/// </summary>
public static class ServiceText
{
    /// <summary>One line a thing.</summary>
    public static Arr<string> Lines(ClockReading clock, ServiceExplanation service) =>
        Prelude.Array(
            $"listener: {service.Listener} (configuration {service.ConfigVersion})", Connections(service.Connections))
            .Append(service.Stopping.Match(
                Some: stop => Prelude.Array(
                    $"stopping: since {HistoryText.Time(clock, stop.Since)}; {End(clock, stop)}"),
                None: () => Arr<string>.Empty))
            .Append(service.RefusedReload.Match(
                Some: refused => Prelude.Array(
                    $"reload: refused at {HistoryText.Time(clock, refused.At)}, the earlier configuration serves: "
                    + refused.Problem.WhatHappened),
                None: () => Arr<string>.Empty))
            .Add($"protection_mode: {ProtectionSentence(clock, service.Protection)}")
            .Append(service.Backends.Map(b =>
                $"backend {(b.Position > 0 ? $"{b.Position} " : "")}{b.Address}: {b.State}, "
                + $"{BackendText.Sentence(clock, b)}"))
            .Add("next: 'bal explain backend N' and 'bal explain protection' show what led there");

    /// <summary>Protection mode with its history.</summary>
    public static Arr<string> Lines(ClockReading clock, ProtectionExplanation protection) =>
        Prelude.Array(
                $"protection_mode: "
                + $"{protection.Standing.Match(_ => "off", on => $"on ({ProtectionText.Of(on.Reason)})")}",
                $"why: {Why(clock, protection)}",
                $"next: {Next(clock, protection)}",
                "effect: " + protection.Standing.Match(
                    _ => "none; while it is on, backoff cap and cooldown are doubled and a client gets one "
                        + "last-resort try",
                    _ => "backoff cap and cooldown are doubled, and a client gets one last-resort try"),
                protection.Events.IsEmpty ? "history: it was never on" : "history:")
            .Append(HistoryText.Lines(clock, protection.Events).Map(line => "  " + line));

    private static string ProtectionSentence(ClockReading clock, ProtectionExplanation protection) =>
        protection.Standing.Match(_ => "off", on => $"on ({ProtectionText.Of(on.Reason)})")
        + $", {Why(clock, protection)}; {Next(clock, protection)}";

    private static string Why(ClockReading clock, ProtectionExplanation protection) => protection.Standing.Match(
        off => $"{off.Failures} of {protection.Policy.TriggerThreshold} failed client connects within "
            + protection.Policy.Window.ToText(),
        on => $"on since {HistoryText.Time(clock, on.Since)}: "
            + (on.Reason == ProtectionReason.AllBackendsUnavailable
                ? "every backend failed for one client"
                : on.TrippedBy.Match(
                    t => $"{t.Failures} of {t.Policy.TriggerThreshold} failed client connects (timeout or refused) "
                        + $"within "
                        + t.Policy.Window.ToText(),
                    () => "too many failed client connects"))
            + (on.FailedSince > 0 ? $"; {on.FailedSince} more failed since" : ""));

    private static string Next(ClockReading clock, ProtectionExplanation protection) => protection.Standing.Match(
        off => $"{off.FailuresToOn} more within the window, or one client for which every backend fails, turn it on"
            + off.OldestLeavesAt.Match(
                at => $"; the oldest leaves the window in {at.Since(clock.Now).ToText()}", () => ""),
        on => $"{on.Successes} of {protection.Policy.StableSuccessThreshold} successes in a row so far, "
            + $"{on.SuccessesToOff} more turn it off; a failed client connect starts them again");

    private static string End(ClockReading clock, StopExplanation stop) =>
        (from cuts in stop.CutsAt
         from ends in stop.EndsAt
         select $"what is left is cut from {HistoryText.Time(clock, cuts)} on, and all is over at "
            + HistoryText.Time(clock, ends))
        .IfNone("another process serves, and this one ends with its last connection");

    private static string Connections(ConnectionsExplanation connections) =>
        $"connections: {connections.Active} of {connections.Limit}"
        + (connections.Left == 0 ? ": the limit is reached, new clients are rejected" : "")
        + (connections.Rejected > 0 ? $" ({connections.Rejected} rejected since the start)" : "");
}
