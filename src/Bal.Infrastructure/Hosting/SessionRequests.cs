using System.Globalization;
using Bal.Domain.Control;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Relay;
using Bal.Domain.Reports;
using Bal.Infrastructure.DataPlane;
using Bal.Infrastructure.Json;
using Bal.Infrastructure.Reacting;
using LanguageExt;

namespace Bal.Infrastructure.Hosting;

/// <summary>
/// What <c>bal sessions</c> asks: <c>sessions SORT N</c> and <c>sessions reset CIDR|BACKEND</c>. Every event loop of
/// this process looks at its sessions, some in each turn, and so does each process that this one has replaced.
/// </summary>
/// <param name="reactor">The supervisor's thread.</param>
/// <param name="plane">The event loops.</param>
/// <param name="replaced">The processes that were replaced.</param>
internal sealed class SessionRequests(Reactor reactor, Plane plane, ReplacedLinks replaced)
{
    /// <summary>The word by which a process asks another one, and is answered.</summary>
    public const string Word = "sessions";

    private const string ResetWord = "reset";

    /// <summary>Answers with the first sessions of all processes.</summary>
    public void List(SessionList list, Action<byte[]> answer) => replaced.Gather(
        string.Create(CultureInfo.InvariantCulture, $"{Word}\n{list.Sort.Word}\n{list.Most}"),
        others => ListOwn(list, own => answer(SessionsJson.Write(SessionsReport.Merge(
            list.Sort, list.Most,
            new Arr<SessionsReport>(
                others.Select(document => SessionsJson.Read(document).Case).OfType<SessionsReport>())
                .Add(own))))));

    /// <summary>Ends the sessions that a word means, in all processes; answers with how many.</summary>
    /// <param name="word">A network or an address of clients, or a backend.</param>
    /// <param name="state">Where backends are looked up.</param>
    /// <param name="answer">Where the answer goes.</param>
    public void Reset(string word, ControlState state, Action<byte[]> answer) => SessionChoice.Read(word, state).Match(
        Right: meant => replaced.Gather(
            $"{Word}\n{ResetWord}\n{meant.ToText()}",
            others => ResetOwn(meant, own => answer(SessionsJson.WriteReset(
                own + others.Sum(SessionsJson.ReadReset), Option<Problem>.None)))),
        Left: problem => answer(SessionsJson.WriteReset(0, problem)));

    /// <summary>Answers a process that has replaced this one.</summary>
    public void Answer(LinkMessage asked, Action<byte[]> answer)
    {
        switch (asked.Lines)
        {
            case [_, ResetWord, var word] when SessionChoice.Parse(word) is { IsSome: true } meant:
                ResetOwn((SessionChoice)meant, own => answer(SessionsJson.WriteReset(own, Option<Problem>.None)));
                break;
            case [_, var sort, var most] when SessionLine.ListOf(sort, most) is { IsSome: true } list:
                ListOwn((SessionList)list, own => answer(SessionsJson.Write(own)));
                break;
            default:
                answer([]);
                break;
        }
    }

    private void ListOwn(SessionList list, Action<SessionsReport> then) => plane.Walk(
        done => new SessionWalk(done) { Sort = list.Sort, Most = list.Most },
        walks =>
        {
            var clock = new ClockReading(reactor.Now, DateTimeOffset.UtcNow);
            then(SessionsReport.Merge(list.Sort, list.Most, new Arr<SessionsReport>(walks.Select(walk =>
                new SessionsReport(new Arr<OpenSession>(walk.First.Select(one => Show(one, clock))), walk.Total)))));
        });

    private void ResetOwn(SessionChoice meant, Action<long> then) => plane.Walk(
        done => new SessionWalk(done) { Ends = meant },
        walks => then(walks.Sum(walk => walk.Ended)));

    private OpenSession Show(SessionEntry entry, ClockReading clock)
    {
        var record = entry.Record;
        var labels = plane.Access.Labels;
        return new OpenSession(
            labels.OfService(record.Service).Text, StateOf(entry), Environment.ProcessId,
            clock.ToWall(new Instant(record.Started)))
        {
            Listener = Text(record.Listener),
            Client = Text(record.Client),
            ClientSeen = Text(record.Seen),
            ServerName = Prelude.Optional(entry.ServerName),
            Backend = record.Backend == 0 ? Option<string>.None : labels.OfBackend(record.Backend).Text,
            BackendSource = Text(record.Source),
            Tries = record.Tries,
            WaitMs = record.WaitMs,
            ConnectMs = record.ConnectMs < 0 ? Option<long>.None : record.ConnectMs,
            DurationMs = record.At - record.Started,
            IdleMs = entry.IdleMs,
            BytesIn = record.BytesIn,
            BytesOut = record.BytesOut,
        };
    }

    private static Option<string> Text(InetEndpoint place) =>
        place.IsKnown || place.IsUnix ? $"{place}" : Option<string>.None;

    private static string StateOf(SessionEntry entry) => entry.State switch
    {
        SessionState.Connecting => entry.IsQueued ? SessionStates.Queued : SessionStates.Connecting,
        SessionState.Resetting => SessionStates.Resetting,
        SessionState.Relaying => entry.IsHalfClosed ? SessionStates.HalfClosed : SessionStates.Relaying,
        _ => SessionStates.Greeting,
    };
}
