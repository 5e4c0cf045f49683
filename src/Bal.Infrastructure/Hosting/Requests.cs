using Bal.Application;
using Bal.Domain.Explain;
using Bal.Infrastructure.DataPlane;
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
internal sealed class Requests(
    Reactor reactor, string configPath, Action<Action<Either<ConfigRefusal, ConfigReading>>> readConfig)
{
    private const string BackendPrefix = "explain backend ";

    // The longest name (RFC 1035) in brackets with a port; what is longer names no backend.
    private const int MaxArgument = 264;

    private static readonly string Known =
        "status, graceful, graceful dry-run, upgrade MILLISECONDS, explain, explain protection, explain backend NAME";

    /// <summary>Called before a report, with what makes it: replaced processes are asked first what they count.</summary>
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
                    configPath, DryRun.Of(() => reading, ListenerSet.Rehearse, view))));
                break;
            case "explain":
                Look(answer, view => ExplainJson.Write(
                    view.Clock, ExplainService.Of(view.Traffic, view.Clock.Now, view.State)));
                break;
            case "explain protection":
                Look(answer, view => ExplainJson.Write(
                    view.Clock, ExplainProtection.Of(view.Clock.Now, view.State.Services[0])));
                break;
            default:
                if (Upgrading.PatienceOf(request) is { } patience)
                    Upgrade(patience, answer);
                else if (ArgumentOf(request) is { } word)
                    Look(answer, view => Backend(word, view));
                else
                    answer(JsonReport.Write(json => json.WriteString("error", $"unknown request; known are: {Known}")));
                break;
        }
    }

    private void Look(Action<byte[]> answer, Func<SupervisorView, byte[]> explain) =>
        reactor.PostUrgent(new SupervisorInput.Look(view => answer(explain(view))));

    private static string? ArgumentOf(string request) =>
        request.StartsWith(BackendPrefix, StringComparison.Ordinal)
        && request[BackendPrefix.Length..] is { Length: > 0 and <= MaxArgument } word
        && !word.Any(c => char.IsControl(c) || char.IsWhiteSpace(c))
            ? word
            : null;

    private static byte[] Backend(string word, SupervisorView view) =>
        BackendLookup.Find(word, view.State.Services[0]).Match(
            Right: found => ExplainJson.Write(
                view.Clock, found.Map(b => ExplainBackend.Of(b, view.Traffic, view.Clock.Now, view.State))),
            Left: ExplainJson.Write);
}
