using System.Globalization;
using Bal.Domain.Backend;
using Bal.Domain.Diagnostics;
using Bal.Domain.History;
using Bal.Domain.Primitives;
using Bal.Domain.Protection;
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

    /// <summary>Failures as a list in brackets would hold them: <c>probe refused, 2 client connects timed out</c>.</summary>
    public static string Failures(Arr<History.BackendEntry> failures) =>
        string.Join(", ", failures.SelectMany(entry => entry.What is not BackendHappening.Failed failed ? []
            : entry.Count == 1 ? [$"{One(failed.Witness)} {Verb(failed.Kind)}"]
            : new[] { $"{entry.Count} {Many(failed.Witness)} {Verb(failed.Kind)}" }));

    /// <summary>The stable word for what happened to a backend, as JSON shows it.</summary>
    public static string Word(BackendHappening what) => what.Match(
        failed: _ => "failed",
        passed: _ => "passed",
        wentDown: () => "went_down",
        cameUp: () => "came_up",
        coolingBegan: () => "cooling_began",
        coolingEnded: () => "cooling_ended",
        nameUnresolved: () => "name_unresolved",
        nameResolved: () => "name_resolved",
        added: () => "added",
        kept: () => "kept",
        removed: () => "removed");

    /// <summary>The stable word for what happened to protection mode, as JSON shows it.</summary>
    public static string Word(ProtectionHappening what) =>
        what.Match(_ => "turned_on", () => "started_over", _ => "turned_off");

    /// <summary>The stable word for a witness, as JSON shows it.</summary>
    public static string Word(Witness witness) => witness switch
    {
        Witness.Probe => "probe",
        Witness.Client => "client",
        _ => "resolver",
    };

    private static string Line(ClockReading clock, Instant first, Instant last, long count, string what)
    {
        var (from, until) = (Time(clock, first), Time(clock, last));
        return (from == until ? from : $"{from} to {until}") + $"  {what}" + (count == 1 ? "" : $" ({count} times)");
    }

    private static string What(BackendHappening what) => what.Match(
        failed: f => $"{One(f.Witness)} {Verb(f.Kind)}",
        passed: p => $"{One(p.Witness)} succeeded",
        wentDown: () => "went down",
        cameUp: () => "came back up",
        coolingBegan: () => "cooldown began",
        coolingEnded: () => "cooldown ended",
        nameUnresolved: () => "its name did not resolve",
        nameResolved: () => "its name resolved",
        added: () => "added",
        kept: () => "kept by a reload",
        removed: () => "removed by a reload");

    private static string What(ProtectionHappening what) => what.Match(
        turnedOn: on => on.Reason == ProtectionReason.AllBackendsUnavailable
            ? "turned on: every backend failed for one client"
            : $"turned on: {on.Failures} of {on.Policy.TriggerThreshold} failed client connects within "
                + on.Policy.Window.ToText(),
        startedOver: () => "a client connect failed: the successes in a row began again",
        turnedOff: off => $"turned off: {off.Successes} success(es) in a row");

    private static string One(Witness witness) => witness switch
    {
        Witness.Probe => "probe",
        Witness.Client => "client connect",
        _ => "check without an address",
    };

    private static string Many(Witness witness) => witness switch
    {
        Witness.Probe => "probes",
        Witness.Client => "client connects",
        _ => "checks without an address",
    };

    private static string Verb(FailureKind kind) => kind switch
    {
        FailureKind.Timeout => "timed out",
        FailureKind.Refused => "refused",
        _ => "failed",
    };
}
