using System.Text.Json;
using Bal.Domain.Diagnostics;
using Bal.Infrastructure.DataPlane;
using Bal.Infrastructure.Json;
using Bal.Infrastructure.Linux;
using Bal.Infrastructure.Supervision;
using LanguageExt;

namespace Bal.Infrastructure.Upgrade;

/// <summary>
/// The links to the processes that this one has replaced and that still have connections: they are told what concerns all
/// of bal, say what they count, and are gone when their link is closed. Used by the supervisor's thread.
/// </summary>
internal sealed class ReplacedLinks(Reactor reactor, Plane plane, Action<LogEvent> log) : IDisposable
{
    /// <summary>How long a report waits for what the others count; then it uses what they last said.</summary>
    private static readonly Duration Patience = new(500);

    private readonly List<Entry> entries = [];
    private readonly List<(System.Collections.Generic.HashSet<int> Missing, Action Done)> waiting = [];

    private sealed record Entry(int Pid, Link Link, Action<string> OnWord)
    {
        public ulong Tag { get; set; }
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

        var asked = (Missing: entries.Select(e => e.Pid).ToHashSet(), Done: then);
        waiting.Add(asked);
        Tell("report");
        reactor.After(Patience, () =>
        {
            if (waiting.Remove(asked))
                asked.Done();
        });
    }

    /// <summary>Listens to none of them any more: another process may be about to.</summary>
    public void Rest()
    {
        foreach (var entry in entries)
            reactor.Unwatch(entry.Link.Fd, entry.Tag);
    }

    /// <summary>Listens again.</summary>
    public void Resume() => entries.ForEach(Watch);

    /// <summary>They are another process's; for them nothing has been closed.</summary>
    public void Dispose()
    {
        foreach (var entry in entries)
        {
            reactor.Unwatch(entry.Link.Fd, entry.Tag);
            entry.Link.Dispose();
        }

        entries.Clear();
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
            Parse(document).IfSome(traffic => plane.Replaced = plane.Replaced.Heard(entry.Pid, traffic));
        }

        else
        {
            message.CloseDescriptors();
        }

        entry.OnWord(message.Word);
        foreach (var (missing, done) in waiting.ToArray())
        {
            if (missing.Remove(entry.Pid) && missing.Count == 0 && waiting.RemoveAll(w => w.Missing == missing) > 0)
                done();
        }
    }

    private static Option<Traffic> Parse(byte[] document)
    {
        try
        {
            using var json = JsonDocument.Parse(document);
            return TrafficJson.Read(json.RootElement);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            return Option<Traffic>.None;
        }
    }
}
