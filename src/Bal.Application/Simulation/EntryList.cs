using Bal.Domain.Primitives;
using Bal.Domain.Simulation;
using LanguageExt;

namespace Bal.Application.Simulation;

/// <summary>
/// The lines of a timeline. What happens to one client after the other is one line: an outage of an hour is not a
/// thousand.
/// </summary>
internal sealed class EntryList
{
    /// <summary>So long without another one ends a burst.</summary>
    private const long Gap = 2_000;

    /// <summary>And so long in all.</summary>
    private const long Longest = 60_000;

    private readonly List<TimelineEntry> entries = [];
    private readonly Dictionary<string, Running> bursts = [];
    private long leftOut;

    public void Add(Instant at, TimelineKind kind, string name, string text)
    {
        if (entries.Count < SimulationReport.MaxEntries)
            entries.Add(new(at, kind, name, text));
        else
            leftOut++;
    }

    /// <summary>One more of what <paramref name="text"/> says.</summary>
    public void Burst(Instant at, string name, string text)
    {
        if (bursts.TryGetValue(text, out var burst))
        {
            if (at.Milliseconds - burst.Last.Milliseconds <= Gap && at.Milliseconds - burst.From.Milliseconds < Longest)
            {
                burst.Count++;
                burst.Last = at;
                return;
            }

            Close(text, burst);
        }

        bursts[text] = new Running(name, at);
    }

    /// <summary>The lines in order, and how many more there were.</summary>
    public (Arr<TimelineEntry> Lines, long LeftOut) Until(Instant end)
    {
        foreach (var (text, burst) in bursts)
            Close(text, burst);
        bursts.Clear();
        return (new Arr<TimelineEntry>(entries.Where(e => e.At.IsDue(end)).OrderBy(e => e.At.Milliseconds)), leftOut);
    }

    private void Close(string text, Running burst)
    {
        var span = burst.Last.Since(burst.From);
        Add(burst.From, TimelineKind.Clients, burst.Name,
            span == Duration.Zero ? $"{burst.Count} {text}" : $"{burst.Count} {text}, within {span.ToText()}");
    }

    private sealed class Running(string name, Instant from)
    {
        public string Name { get; } = name;

        public Instant From { get; } = from;

        public Instant Last { get; set; } = from;

        public long Count { get; set; } = 1;
    }
}
