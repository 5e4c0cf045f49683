using System.CommandLine;
using System.Globalization;
using System.Text;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Reports;
using Bal.Infrastructure.Hosting;
using Bal.Infrastructure.Json;
using LanguageExt;

namespace Bal.Cli.Commands;

/// <summary><c>bal sessions</c>: the open connections of all event loops and processes; ends some of them.</summary>
internal static class SessionsCommand
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static readonly string[] Orders = [.. SessionSort.All.Select(sort => sort.Word)];

    internal static Command Define(CompositionRoot composition, System.CommandLine.Option<string?> config)
    {
        var sort = new System.CommandLine.Option<string?>("--sort")
        {
            Description = $"Which come first: {string.Join(", ", Orders)} (default: {Orders[0]})",
            HelpName = "ORDER",
        };
        sort.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var word }] && SessionSort.Of(word).IsNone)
                result.AddError($"--sort is one of {string.Join(", ", Orders)}, not '{Printable.Short(word, 40)}'");
        });
        var top = new System.CommandLine.Option<string?>("--top")
        {
            Description = string.Create(
                CultureInfo.InvariantCulture,
                $"How many are listed, from 1 to {SessionSort.Most} (default: {SessionSort.Few})"),
            HelpName = "N",
        };
        top.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var word }] && Number(word) is null)
                result.AddError($"--top is a whole number from 1 to {SessionSort.Most}, not "
                    + $"'{Printable.Short(word, 40)}'");
        });
        var reset = new System.CommandLine.Option<string?>("--reset")
        {
            Description = "End the connections of these clients (an address or a network) or of this backend",
            HelpName = "CIDR|BACKEND",
        };
        var json = Options.Json();
        var command = new Command("sessions", "List the open connections, or end some of them")
        {
            sort, top, reset, json,
        };
        command.Validators.Add(result =>
        {
            bool Has(Option option) => result.GetResult(option) is { Implicit: false };
            if (Has(reset) && (Has(sort) || Has(top)))
                result.AddError("--reset lists nothing: leave out --sort and --top");
        });
        command.SetAction(parsed =>
        {
            var source = Prelude.Optional(parsed.GetValue(config));
            var (word, asJson) = (parsed.GetValue(reset), parsed.GetValue(json));
            return word is not null
                ? Reset(composition, source, word, asJson)
                : List(
                    composition, source,
                    new SessionList(
                        SessionSort.Of(parsed.GetValue(sort) ?? Orders[0]).IfNone(SessionSort.Recent),
                        Number(parsed.GetValue(top) ?? "") ?? SessionSort.Few),
                    asJson);
        });
        return command;
    }

    private static int List(
        CompositionRoot composition, LanguageExt.Option<string> config, SessionList list, bool json) =>
        Ask(composition, config, SessionLine.Of(list)).Bind(answer => Text(answer, json)).Match(
            Right: text =>
            {
                composition.Out.Write(text);
                return ExitCode.Ok;
            },
            Left: problem => composition.Unreported(problem, json ? ReportForm.Json : ReportForm.Concise));

    private static Either<Problem, string> Text(string answer, bool json) =>
        ControlAnswer.Parse(answer).Bind(_ => SessionsJson.Read(Encoding.UTF8.GetBytes(answer)).MapLeft(why =>
            new Problem(
                "control_answer_unknown",
                $"the answer from the daemon was not understood: {why}",
                "this bal and the running one are too far apart",
                "use the bal that runs")))
            .Map(report => json ? answer : SessionsText.Of(report));

    private static int Reset(
        CompositionRoot composition, LanguageExt.Option<string> config, string word, bool json) =>
        Ask(composition, config, SessionLine.OfReset(word))
            .Bind(text => ControlAnswer.Parse(text).Map(answer => (text, answer)))
            .Match(
                Right: told =>
                {
                    var problem = told.answer.ProblemOrNull();
                    if (json)
                        composition.Out.Write(told.text);
                    else if (problem is not null)
                        composition.Out.Problem(problem);
                    else
                        composition.Out.Write($"reset: {Plural.Of(told.answer.Number("reset") ?? 0, "connection")}\n");
                    return problem is null ? ExitCode.Ok : ExitCode.Failure;
                },
                Left: problem => composition.Unreported(problem, json ? ReportForm.Json : ReportForm.Concise));

    private static Either<Problem, string> Ask(
        CompositionRoot composition, LanguageExt.Option<string> config, string request) =>
        RunningDaemon.Find(composition, config).Bind(daemon =>
        {
            using (daemon)
                return daemon.AskForOutcome(request, Patience);
        });

    private static int? Number(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        && number is > 0 and <= SessionSort.Most
            ? number
            : null;
}
