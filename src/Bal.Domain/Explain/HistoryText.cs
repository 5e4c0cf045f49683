using System.Globalization;
using Bal.Domain.Backend;
using Bal.Domain.History;
using Bal.Domain.Primitives;
using Bal.Domain.Protection;
using Bal.Domain.Reports;
using LanguageExt;

namespace Bal.Domain.Explain;

/// <summary>What happened, as an operator reads it.</summary>
public static class HistoryText
{
    /// <summary>The time of day in UTC, with the date where that is not the day of the reading.</summary>
    public static string Time(ClockReading clock, Instant at)
    {
        var (wall, today) = (clock.ToWall(at).UtcDateTime, clock.Wall.UtcDateTime.Date);
        return wall.ToString(
            wall.Date == today ? "HH:mm:ss'Z'" : "yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);
    }

    /// <summary>The lines of a backend's history.</summary>
    public static Arr<string> Lines(ClockReading clock, Arr<History.BackendEntry> events) =>
        events.Map(e => Line(clock, e.First, e.Last, e.Count, What(e.What)));

    /// <summary>The lines of protection mode's history.</summary>
    public static Arr<string> Lines(ClockReading clock, Arr<ProtectionEntry> events) =>
        events.Map(e => Line(clock, e.First, e.Last, e.Count, What(e.What)));

    /// <summary>
    /// Failures as a list in brackets would hold them: <c>probe refused, 2 client connects timed out</c>.
    /// </summary>
    public static string Failures(Arr<History.BackendEntry> failures) =>
        string.Join(", ", failures.SelectMany(entry => entry.What is BackendHappening.Failed failed
            ? new[] { Failure(failed, entry.Count) }
            : []));

    private static string Line(ClockReading clock, Instant first, Instant last, long count, string what)
    {
        var (from, until) = (Time(clock, first), Time(clock, last));
        return (from == until ? from : $"{from} to {until}") + $"  {what}" + (count == 1 ? "" : $" ({count} times)");
    }

    /// <summary>What happened to a backend.</summary>
    public static string What(BackendHappening what) => what.Match(
        failed: f => Failure(f, 1),
        passed: p => p.Witness == Witness.Probe ? "probe succeeded" : "client connect succeeded",
        wentDown: () => "went down",
        cameUp: () => "came back up",
        coolingBegan: () => "cooldown began",
        coolingEnded: () => "cooldown ended",
        nameUnresolved: () => "its name did not resolve",
        nameResolved: () => "its name resolved",
        added: () => "added",
        kept: () => "kept by a reload",
        removed: () => "removed by a reload");

    /// <summary>What happened to protection mode.</summary>
    public static string What(ProtectionHappening what) => what.Match(
        turnedOn: on => on.Reason == ProtectionReason.AllBackendsUnavailable
            ? "turned on: every backend failed for one client"
            : $"turned on: {on.Failures} of {on.Policy.TriggerThreshold} failed client connects within "
                + on.Policy.Window.ToText(),
        startedOver: () => "a client connect failed: the count of successes starts again",
        turnedOff: off => $"turned off: {Plural.Of(off.Successes, "success", "successes")} in a row");

    // A name without an address fails a check without a probe.
    private static string Failure(BackendHappening.Failed failed, long count) => (failed.Witness, count) switch
    {
        (Witness.Resolver, 1) => "no address to probe",
        (Witness.Resolver, _) => $"{count} times no address to probe",
        (Witness.Probe, 1) => $"probe {Verb(failed.Kind, count)}",
        (Witness.Probe, _) => $"{count} probes {Verb(failed.Kind, count)}",
        (_, 1) => $"client connect {Verb(failed.Kind, count)}",
        _ => $"{count} client connects {Verb(failed.Kind, count)}",
    };

    private static string Verb(FailureKind kind, long count) => kind switch
    {
        FailureKind.Timeout => "timed out",
        FailureKind.Refused => "refused",
        FailureKind.NoRoute => "found no route",
        FailureKind.NotPermitted => "not permitted",
        FailureKind.WrongAnswer => "answered wrongly",
        FailureKind.OwnListener => count == 1 ? "leads to bal itself" : "lead to bal itself",
        FailureKind.Local => "not made: this machine has no descriptor, local port or memory left",
        _ => "failed",
    };
}
