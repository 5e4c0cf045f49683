using System.Globalization;
using Bal.Application;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Explain;
using Bal.Domain.Messages;
using Bal.Domain.Reports;
using Bal.Infrastructure.Json;
using Bal.Infrastructure.Linux;
using Bal.Infrastructure.Reacting;
using LanguageExt;

namespace Bal.Infrastructure.Hosting;

/// <summary>
/// The language of the control socket: a line of words with one space between, of which the last may be an argument.
/// Whatever is not exactly a request is refused, and changes nothing.
/// </summary>
/// <param name="reactor">Where requests go, in the order of their coming.</param>
/// <param name="configPath">The file that a reload reads.</param>
/// <param name="readConfig">Reads it, and has what it names to listen on looked up.</param>
/// <param name="rehearse">Why a configuration could not be served; changes nothing.</param>
internal sealed class Requests(
    Reactor reactor,
    string configPath,
    Action<Action<Either<ConfigRefusal, ConfigReading>>> readConfig,
    Func<BalConfig, Option<Problem>> rehearse)
{
    // The longest name of a service, and the longest host name (RFC 1035) in brackets with a port; what is longer names
    // nothing.
    internal const int MaxArgument = 64 + 264;

    private static readonly string Known =
        "status, ready, graceful, graceful dry-run, stop [MILLISECONDS], upgrade MILLISECONDS, "
            + "drain BACKEND [reset MILLISECONDS] [force], enable BACKEND|--all, weight BACKEND N|default "
            + "[force], override BACKEND, sessions recent|bytes|duration|idle N, sessions reset CIDR|BACKEND, "
            + "explain [SERVICE | SERVICE/BACKEND], explain protection [SERVICE], "
            + "explain backend BACKEND";

    /// <summary>
    /// Called before a report, with what makes it: replaced processes are asked first what they count.
    /// </summary>
    public Action<Action> AskOthers { get; init; } = then => then();

    /// <summary>Where reloads go.</summary>
    public Action<SupervisorInput.Reload> Reload { get; init; } = reactor.PostUrgent;

    /// <summary>Told who wants something changed, before it is.</summary>
    public Action<LogEvent> Say { get; init; } = _ => { };

    /// <summary>Begins an upgrade.</summary>
    public Action<Duration, Action<byte[]>> Upgrade { get; init; } = (_, _) => { };

    /// <summary>Whether another process has taken over, which is to be asked.</summary>
    public Func<bool> IsReplaced { get; init; } = () => false;

    /// <summary>Processes of an earlier bal that serve on, of which this one does not know.</summary>
    public Func<Arr<int>> Leftover { get; init; } = () => Arr<int>.Empty;

    /// <summary>Lists open connections, and ends them.</summary>
    public SessionRequests? Sessions { get; init; }

    /// <summary>Why connections cannot be logged at present.</summary>
    public Func<Option<Problem>> AccessLogFault { get; init; } = () => Option<Problem>.None;

    /// <summary>How the process is that serves the page.</summary>
    public Func<Option<WebReport>> Web { get; init; } = () => Option<WebReport>.None;

    /// <summary>Begins a stop, or shortens one.</summary>
    public Action<ControlEvent.StopRequested, Action<byte[]>> Stop { get; init; } = (_, _) => { };

    /// <summary>Where orders about backends go.</summary>
    public Action<SupervisorInput.Order> Order { get; init; } = reactor.PostUrgent;

    /// <summary>
    /// Called before somebody is told that a backend has no connections, with what tells it: every loop has to know by
    /// then that it is drained, and to have counted the clients that it had chosen it for.
    /// </summary>
    public Action<Action> Settled { get; init; } = then => then();

    /// <summary>Has a request answered, once.</summary>
    public void Answer(string request, Peer peer, Action<byte[]> answer)
    {
        if (IsReplaced())
        {
            answer(ReloadJson.Write(configPath, SupervisorLoop.ReplacedAnswer));
            return;
        }

        Asked.For(request, peer).IfSome(Say);
        switch (request)
        {
            case "status":
                Report(report => answer(StatusJson.Write(report)));
                break;
            case "ready":
                Ready(report => answer(ReadyJson.Write(report)));
                break;
            case "graceful":
                Reload(new SupervisorInput.Reload(result => answer(ReloadJson.Write(configPath, result))));
                break;
            case "graceful dry-run":
                readConfig(reading => Look(answer, view => DryRunJson.Write(
                    configPath, DryRun.Of(() => reading, rehearse, view))));
                break;
            case "explain":
                Look(answer, view => ExplainJson.Write(
                    view.Clock, ExplainService.Of(view.Traffic, view.Clock.Now, view.State)));
                break;
            case "explain protection":
                // The one that 'bal status' speaks of.
                Look(answer, view => Protection(
                    view.State.InOrder.Find(s => s.Protection.IsOn && !s.Removed).IfNone(view.State.InOrder[0]), view));
                break;
            case "stop":
                Stop(new ControlEvent.StopRequested { ByCommand = true }, answer);
                break;
            default:
                if (Stopping.TimeOf(request) is { } within)
                    Stop(new ControlEvent.StopRequested { ByCommand = true, Within = within }, answer);
                else if (Upgrading.PatienceOf(request) is { } patience)
                    Upgrade(patience, answer);
                else if (Sessions is not null && SessionLine.ListOf(request) is { IsSome: true } list)
                    list.IfSome(asked => Sessions.List(asked, answer));
                else if (Sessions is not null && ArgumentOf(request, SessionLine.ResetPrefix) is { } meant)
                    reactor.PostUrgent(
                        new SupervisorInput.Look(view => Sessions.Reset(meant, view.State, answer)));
                else if (OrderLine.Read(request) is { IsSome: true } read)
                    read.IfSome(order => Carry(order, peer, answer));
                else if (ArgumentOf(request, "explain backend ") is { } backend)
                    Look(answer, view => Explain(backend, view));
                else if (ArgumentOf(request, "explain protection ") is { } service)
                    Look(answer, view => Protection(Addressing.FindService(service, view.State), view));
                else if (ArgumentOf(request, "explain ") is { } word)
                    Look(answer, view => Explain(word, view));
                else
                    answer(JsonReport.Write(json => json.WriteString("error", $"unknown request; known are: {Known}")));
                break;
        }
    }

    /// <summary>Makes a report of everything, what replaced processes count included.</summary>
    public void Report(Action<StatusReport> take) => AskOthers(() => reactor.PostUrgent(
        new SupervisorInput.Status(report => take(report with
        {
            Leftover = Leftover(),
            Web = Web(),
            AccessLog = report.AccessLog.Map(log => log with { Fault = AccessLogFault() }),
        }))));

    /// <summary>
    /// Says whether this instance should get clients. Asked once a second or more by whoever moves an address: it costs
    /// no report.
    /// </summary>
    public void Ready(Action<ReadyReport> take) => reactor.PostUrgent(
        new SupervisorInput.Look(view => take(ReadyReport.Of(configPath, view.Accepts, view.State))));

    private void Carry(OrderRequest order, Peer peer, Action<byte[]> answer)
    {
        var input = new SupervisorInput.Order(
            order, NameOf(peer), peer.User, report => answer(OrderJson.Write(report)));
        if (order.Kind == OrderKind.Look)
            Settled(() => AskOthers(() => Order(input)));
        else
            AskOthers(() => Order(input));
    }

    private static string NameOf(Peer peer) =>
        UserNames.Of(peer.User).IfNone(() => peer.User.ToString(CultureInfo.InvariantCulture));

    private void Look(Action<byte[]> answer, Func<SupervisorView, byte[]> explain) =>
        reactor.PostUrgent(new SupervisorInput.Look(view => answer(explain(view))));

    private static string? ArgumentOf(string request, string prefix) =>
        request.StartsWith(prefix, StringComparison.Ordinal)
        && request[prefix.Length..] is { Length: > 0 and <= MaxArgument } word
        && !word.Any(c => char.IsControl(c) || char.IsWhiteSpace(c))
            ? word
            : null;

    private static byte[] Explain(string word, SupervisorView view) => Addressing.Find(word, view.State).Match(
        Right: target => target.Backend.Match(
            backend => ExplainJson.Write(view.Clock, Prelude.Array(ExplainBackend.Of(
                backend,
                view.Traffic.Backends.Find(t => t.Backend == backend.Id).Match(t => t.Active, () => 0),
                view.Clock.Now, view.State))),
            () => ExplainJson.Write(
                view.Clock, ExplainService.Of(target.Service, view.Traffic, view.Clock.Now, view.State))),
        Left: ExplainJson.Write);

    private static byte[] Protection(Either<Problem, ServiceState> service, SupervisorView view) => service.Match(
        Right: found => ExplainJson.Write(view.Clock, ExplainProtection.Of(view.Clock.Now, found)),
        Left: ExplainJson.Write);
}
