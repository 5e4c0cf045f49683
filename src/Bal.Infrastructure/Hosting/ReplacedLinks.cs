using System.Globalization;
using Bal.Domain.Backend;
using Bal.Domain.Control;
using Bal.Domain.Counting;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
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

    /// <summary>Takes the listening socket of the page; its descriptor is the taker's.</summary>
    public Action<LinkMessage> OnWebSocket { get; init; } = message => message.CloseDescriptors();

    private readonly List<Entry> entries = [];
    private Timers.Timer? asking;

    private sealed class Entry(int pid, Link link, Action<string> onWord)
    {
        public int Pid => pid;

        public Link Link => link;

        public Action<string> OnWord => onWord;

        public ulong Tag { get; set; }

        /// <summary>Who is owed other documents that were asked for, in their order.</summary>
        public Queue<Gathering> Documents { get; } = new();

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

    /// <summary>Somebody who wants a document of each of them.</summary>
    private sealed class Gathering(Action<IReadOnlyList<byte[]>> done)
    {
        private readonly List<byte[]> documents = [];
        private bool over;

        public int Missing { get; set; }

        public void Answered(byte[]? document)
        {
            if (document is not null)
                documents.Add(document);
            if (--Missing == 0)
                End();
        }

        public void End()
        {
            if (!over)
                done(documents);
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

    /// <summary>
    /// Tells all of them to stop within the time that this process will take; immediately where it does.
    /// </summary>
    public void TellStop(ControlEvent.StopRequested stop, ControlState state, Instant now)
    {
        if (entries.Count == 0)
            return;
        var by = ControlMachine.Step(stop, now, state).State.Phase.StopsBy;
        // 0.1.0 would take a second word for a second signal.
        if (by.IsSome && by == state.Phase.StopsBy)
            return;
        Tell(string.Create(
            CultureInfo.InvariantCulture, $"stop\n{by.Match(end => end.Since(now).Milliseconds, () => 0)}"));
    }

    /// <summary>
    /// Tells all of them to end what they have open with a backend; 0.1.0 does not know the word, and ends nothing.
    /// </summary>
    public void TellReset(ControlEffect.Reset reset)
    {
        if (entries.Count > 0)
            Tell(string.Create(
                CultureInfo.InvariantCulture,
                $"reset\n{reset.Backend.Value}\n{ServiceCounters.Of(reset.Reason).Word}"));
    }

    /// <summary>What such a word asks for; none where this version does not know the reason.</summary>
    public static Option<ControlEffect.Reset> ResetOf(LinkMessage word) =>
        word.Lines is [_, var backend, var reason]
        && int.TryParse(backend, NumberStyles.None, CultureInfo.InvariantCulture, out var id)
            ? Prelude.Optional(Enum.GetValues<TerminationReason>()
                .Where(known => ServiceCounters.Of(known).Word == reason)
                .Select(known => new ControlEffect.Reset(new BackendId(id), known)).FirstOrDefault())
            : Option<ControlEffect.Reset>.None;

    /// <summary>What such a word asks for; 0.1.0 says no time.</summary>
    public static ControlEvent.StopRequested StopOf(LinkMessage word) => new()
    {
        ByCommand = true,
        Within = word.Lines.Length > 1
            && long.TryParse(word.Lines[1], NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds)
            ? new Duration(milliseconds) : Option<Duration>.None,
    };

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

    /// <summary>
    /// Asks all of them for a document, and hands over those that come in time; a version that does not know the word
    /// sends none.
    /// </summary>
    public void Gather(string word, Action<IReadOnlyList<byte[]>> then)
    {
        var gathering = new Gathering(then);
        foreach (var entry in entries.Where(entry => entry.Link.Send(word)))
        {
            entry.Documents.Enqueue(gathering);
            gathering.Missing++;
        }

        if (gathering.Missing == 0)
            gathering.End();
        else
            reactor.After(Patience, gathering.End);
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
            // A report that waits for it is made while this process still speaks for all.
            while (entry.Asked.TryDequeue(out var asked))
                asked?.End();
            while (entry.Documents.TryDequeue(out var gathering))
                gathering.End();
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
        else if (message.Word == SessionRequests.Word)
        {
            var sessions = Link.DocumentOf(message);
            if (entry.Documents.TryDequeue(out var gathering))
                gathering.Answered(sessions);
        }
        else if (message.Word == "web")
        {
            OnWebSocket(message);
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
        while (message.Word == LinkMessage.Closed && entry.Documents.TryDequeue(out var gone))
            gone.Answered(null);
    }
}
