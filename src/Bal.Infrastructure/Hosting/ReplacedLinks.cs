using Bal.Domain.Messages;
using Bal.Domain.Recording;
using Bal.Infrastructure.DataPlane;
using Bal.Infrastructure.Linux;
using Bal.Infrastructure.Reacting;
using LanguageExt;

namespace Bal.Infrastructure.Hosting;

/// <summary>
/// The links to the processes that this one has replaced and that still have connections: they are told what concerns
/// all of bal, say what they count, and are gone when their link is closed. Used by the supervisor's thread.
/// </summary>
internal sealed class ReplacedLinks(Reactor reactor, Plane plane, Action<LogEvent> log) : IDisposable
{
    /// <summary>How long a report waits for what the others count; then it uses what they last said.</summary>
    public Duration Patience { get; init; } = new(500);

    /// <summary>
    /// How often they are asked though nobody wants to know: one that is killed can say nothing any more, and what it
    /// counted since its last word is lost.
    /// </summary>
    public static readonly Duration AskEvery = new(1_000);

    private readonly List<Entry> entries = [];
    private Timers.Timer? asking;

    private sealed class Entry(int pid, Link link, Action<string> onWord)
    {
        public int Pid => pid;

        public Link Link => link;

        public Action<string> OnWord => onWord;

        public ulong Tag { get; set; }

        /// <summary>Who is owed the answers that are still to come, in their order; null where nobody waits.</summary>
        public Queue<Waiting?> Asked { get; } = new();
    }

    /// <summary>Somebody who wants to know what all of them have counted by now.</summary>
    private sealed class Waiting(Action done)
    {
        private bool over;

        public List<Entry> Missing { get; } = [];

        public void Answered(Entry by)
        {
            _ = Missing.Remove(by);
            if (Missing.Count == 0)
                End();
        }

        public void End()
        {
            if (!over)
                done();
            over = true;
        }
    }

    public int Count => entries.Count;

    /// <summary>Their links, the eldest first.</summary>
    public IReadOnlyList<(int Pid, int Fd)> Links => [.. entries.Select(e => (e.Pid, e.Link.Fd))];

    /// <summary>Adds one; <paramref name="onWord"/> is told everything that it says, its end as the last.</summary>
    public void Add(int pid, Link link, Action<string> onWord)
    {
        var entry = new Entry(pid, link, onWord);
        entries.Add(entry);
        Watch(entry);
        asking ??= reactor.After(AskEvery, Ask);
    }

    /// <summary>Tells all of them.</summary>
    public void Tell(string word)
    {
        foreach (var entry in entries)
            _ = entry.Link.Send(word);
    }

    /// <summary>Calls <paramref name="then"/> once all have said what they count, or were asked long enough.</summary>
    public void Refresh(Action then)
    {
        if (entries.Count == 0)
        {
            then();
            return;
        }

        var waiting = new Waiting(then);
        waiting.Missing.AddRange(entries.Where(entry => Ask(entry, waiting)));
        if (waiting.Missing.Count == 0)
            waiting.End();
        else
            reactor.After(Patience, waiting.End);
    }

    /// <summary>Listens to none of them any more: another process may be about to.</summary>
    public void Rest()
    {
        asking?.Cancel();
        asking = null;
        foreach (var entry in entries)
            reactor.Unwatch(entry.Link.Fd, entry.Tag);
    }

    /// <summary>Listens again.</summary>
    public void Resume()
    {
        entries.ForEach(Watch);
        Ask();
    }

    /// <summary>They are another process's; for them nothing has been closed.</summary>
    public void Dispose()
    {
        foreach (var entry in entries)
        {
            reactor.Unwatch(entry.Link.Fd, entry.Tag);
            entry.Link.Dispose();
        }

        entries.Clear();
        asking?.Cancel();
    }

    // Until none is left; the next upgrade begins anew.
    private void Ask()
    {
        asking = null;
        if (entries.Count == 0)
            return;
        foreach (var entry in entries.Where(e => e.Asked.Count == 0))
            _ = Ask(entry, null);
        asking = reactor.After(AskEvery, Ask);
    }

    // One that hangs is asked until its queue is full.
    private static bool Ask(Entry entry, Waiting? waiting)
    {
        var sent = entry.Link.Send("report");
        if (sent)
            entry.Asked.Enqueue(waiting);
        return sent;
    }

    private void Watch(Entry entry) => entry.Tag = reactor.Watch(entry.Link.Fd, Libc.EPOLLIN, _ => Read(entry));

    private void Read(Entry entry)
    {
        while (entries.Contains(entry) && entry.Link.Receive().Match(
            Some: message =>
            {
                Understand(entry, message);
                return true;
            },
            None: () => false))
        {
        }
    }

    private void Understand(Entry entry, LinkMessage message)
    {
        if (message.Word == LinkMessage.Closed)
        {
            reactor.Unwatch(entry.Link.Fd, entry.Tag);
            entry.Link.Dispose();
            entries.Remove(entry);
            plane.Replaced = plane.Replaced.Without(entry.Pid);
            log(LogEvent.Info("upgrade", "replaced_ended",
                $"process {entry.Pid}, which was replaced, has ended", LogField.Of("pid", entry.Pid)));
            // A drain that only waited for it is over.
            reactor.Wake.Signal();
        }
        else if (message.Word == "report" && Link.DocumentOf(message) is { } document)
        {
            CanonicalJson.Read(TrafficCodec.Traffic, document)
                .IfRight(traffic => plane.Replaced = plane.Replaced.Heard(entry.Pid, traffic));
        }
        else
        {
            message.CloseDescriptors();
        }

        entry.OnWord(message.Word);
        // An answer is as old as its question: it serves whoever asked it, and nobody who came later.
        if (message.Word == "report" && entry.Asked.TryDequeue(out var asked))
            asked?.Answered(entry);
        while (message.Word == LinkMessage.Closed && entry.Asked.TryDequeue(out var last))
            last?.Answered(entry);
    }
}
