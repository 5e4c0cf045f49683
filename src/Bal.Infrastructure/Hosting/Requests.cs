using Bal.Application;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Explain;
using Bal.Domain.Messages;
using Bal.Domain.Reports;
using Bal.Infrastructure.Json;
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
        "status, graceful, graceful dry-run, upgrade MILLISECONDS, explain [SERVICE | SERVICE/BACKEND], "
            + "explain protection [SERVICE], explain backend BACKEND";

    /// <summary>
    /// Called before a report, with what makes it: replaced processes are asked first what they count.
    /// </summary>
    public Action<Action> AskOthers { get; init; } = then => then();

    /// <summary>Where reloads go.</summary>
    public Action<SupervisorInput.Reload> Reload { get; init; } = reactor.PostUrgent;

    /// <summary>Begins an upgrade.</summary>
    public Action<Duration, Action<byte[]>> Upgrade { get; init; } = (_, _) => { };

    /// <summary>Has a request answered, once.</summary>
    public void Answer(string request, Action<byte[]> answer)
    {
        switch (request)
        {
            case "status":
                AskOthers(() => reactor.PostUrgent(
                    new SupervisorInput.Status(report => answer(StatusJson.Write(report)))));
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
            default:
                if (Upgrading.PatienceOf(request) is { } patience)
                    Upgrade(patience, answer);
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
