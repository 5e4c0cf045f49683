using Bal.Domain.Primitives;
using Bal.Domain.Simulation;
using LanguageExt;

namespace Bal.Application.Simulation;

/// <summary>
/// The lines of a timeline. Repeated events are merged into one line, so that an hour-long outage is not a thousand
/// lines.
/// </summary>
internal sealed class EntryList
{
    /// <summary>A burst ends after this long without another event.</summary>
    private const long Gap = 2_000;

    /// <summary>The longest burst.</summary>
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

    /// <summary>Something happened once more.</summary>
    /// <param name="at">When.</param>
    /// <param name="name">Its stable name.</param>
    /// <param name="one">The text if it happened once.</param>
    /// <param name="several">The text after the number if it happened several times.</param>
    public void Burst(Instant at, string name, string one, string several)
    {
        if (bursts.TryGetValue(several, out var burst))
        {
            if (at.Milliseconds - burst.Last.Milliseconds <= Gap && at.Milliseconds - burst.From.Milliseconds < Longest)
            {
                burst.Count++;
                burst.Last = at;
                return;
            }

            Close(several, burst);
        }

        bursts[several] = new Running(name, one, at);
    }

    /// <summary>The lines in order, and how many more there were.</summary>
    public (Arr<TimelineEntry> Lines, long LeftOut) Until(Instant end)
    {
        foreach (var (several, burst) in bursts)
            Close(several, burst);
        bursts.Clear();
        return (new Arr<TimelineEntry>(entries.Where(e => e.At.IsDue(end)).OrderBy(e => e.At.Milliseconds)), leftOut);
    }

    private void Close(string several, Running burst)
    {
        var span = burst.Last.Since(burst.From);
        var text = burst.Count == 1 ? burst.One : $"{burst.Count} {several}";
        Add(burst.From, TimelineKind.Clients, burst.Name,
            span == Duration.Zero ? text : $"{text}, within {span.ToText()}");
    }

    private sealed class Running(string name, string one, Instant from)
    {
        public string Name { get; } = name;

        public string One { get; } = one;

        public Instant From { get; } = from;

        public Instant Last { get; set; } = from;

        public long Count { get; set; } = 1;
    }
}
