using Bal.Application;
using Bal.Domain.Explain;
using Bal.Infrastructure.DataPlane;
using Bal.Infrastructure.Json;
using LanguageExt;

namespace Bal.Infrastructure.Supervision;

/// <summary>
/// The language of the control socket: a line of words with one space between, of which the last may be an argument.
/// Whatever is not exactly a request is refused, and changes nothing.
/// </summary>
/// <param name="reactor">Where requests go, in the order of their coming.</param>
/// <param name="configPath">The file that a reload reads.</param>
/// <param name="readConfig">Reads it.</param>
internal sealed class Requests(
    Reactor reactor, string configPath, Func<Either<ConfigRefusal, ConfigReading>> readConfig)
{
    private const string BackendPrefix = "explain backend ";

    // The longest name (RFC 1035) in brackets with a port; what is longer names no backend.
    private const int MaxArgument = 264;

    private static readonly string Known =
        "status, graceful, graceful dry-run, explain, explain protection, explain backend NAME";

    /// <summary>Has a request answered, once.</summary>
    public void Answer(string request, Action<byte[]> answer)
    {
        switch (request)
        {
            case "status":
                reactor.Post(new SupervisorInput.Status(report => answer(StatusJson.Write(report))));
                break;
            case "graceful":
                reactor.Post(new SupervisorInput.Reload(result => answer(ReloadJson.Write(configPath, result))));
                break;
            case "graceful dry-run":
                Look(answer, view => DryRunJson.Write(
                    configPath, DryRun.Of(readConfig, ListenerSet.Rehearse, view)));
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
                if (ArgumentOf(request) is { } word)
                    Look(answer, view => Backend(word, view));
                else
                    answer(JsonReport.Write(json => json.WriteString("error", $"unknown request; known are: {Known}")));
                break;
        }
    }

    private void Look(Action<byte[]> answer, Func<SupervisorView, byte[]> explain) =>
        reactor.Post(new SupervisorInput.Look(view => answer(explain(view))));

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
