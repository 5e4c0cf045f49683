using System.Collections.Immutable;
using Bal.Domain.Control;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Replay;

/// <summary>The changes of state that a step brought, as the log would tell them.</summary>
public static class Timeline
{
    /// <summary>What a step said that is worth a line: everything but what changes nothing yet.</summary>
    public static Arr<LogEvent> Of(Arr<ControlEffect> effects) => effects.Bind(effect =>
        effect is ControlEffect.Log { Line: { Level: not LogLevel.Debug } line }
            ? Prelude.Array(line)
            : Arr<LogEvent>.Empty);

    /// <summary>
    /// What both said, and what only one of them. Two lines are the same change where they are about the same thing,
    /// though their numbers differ.
    /// </summary>
    internal static Arr<TimelineEntry> Merge(Arr<ControlEffect> recorded, Instant at, Arr<Said> other)
    {
        var left = other.Filter(said => said.Line.Level != LogLevel.Debug).ToList();
        var entries = new List<TimelineEntry>();
        foreach (var line in Of(recorded))
        {
            var twin = left.FindIndex(said => said.At == at && IsSame(said.Line, line));
            if (twin >= 0)
                left.RemoveAt(twin);
            entries.Add(new(at, twin >= 0 ? Side.Both : Side.Recorded, line));
        }

        return new(left.Select(said => new TimelineEntry(said.At, Side.Other, said.Line)).Concat(entries)
            .OrderBy(entry => entry.At.Milliseconds));
    }

    /// <summary>The counts with some more entries.</summary>
    internal static ImmutableSortedDictionary<string, ChangeCount> Tally(
        Arr<TimelineEntry> entries, ImmutableSortedDictionary<string, ChangeCount> counts)
    {
        foreach (var entry in entries)
        {
            var before = counts.GetValueOrDefault(entry.Line.Event) ?? new ChangeCount(0, 0);
            counts = counts.SetItem(entry.Line.Event, new(
                before.Recorded + (entry.Side == Side.Other ? 0 : 1),
                before.Other + (entry.Side == Side.Recorded ? 0 : 1)));
        }

        return counts;
    }

    private static bool IsSame(LogEvent a, LogEvent b) => a.Event == b.Event && Whom(a) == Whom(b);

    private static string Whom(LogEvent line) => line.Fields
        .Find(field => field.Name is "backend" or "service" or "name")
        .Match(field => field.Value.Match(text => text, n => "", f => "", () => ""), () => "");
}
