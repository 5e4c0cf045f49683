using System.CommandLine;
using LanguageExt;

namespace Bal.Cli.Commands;

/// <summary><c>bal explain</c>: why things are as they are, asked of the running daemon; never a fresh probe.</summary>
internal static class ExplainCommand
{
    internal static Command Define(CompositionRoot composition, System.CommandLine.Option<string?> config)
    {
        var target = Options.Word("TARGET", "SERVICE, or SERVICE/BACKEND", ArgumentArity.ZeroOrOne);
        var command = Asking(
            composition, config, "explain", "Explain the state of backends and services, and what happens next",
            parsed => Request("explain", parsed.GetValue(target)));
        command.Arguments.Add(target);
        var word = Options.Word(
            "BACKEND", "host:port, its number in the file, or SERVICE/BACKEND", ArgumentArity.ExactlyOne);
        var backend = Asking(composition, config, "backend", "Why a backend is up, cooling, down or draining",
            parsed => Request("explain backend", parsed.GetValue(word)));
        backend.Arguments.Add(word);
        command.Subcommands.Add(backend);
        var service = Options.Word(
            "SERVICE",
            "the name of a service; by default the first in protection mode, else the first",
            ArgumentArity.ZeroOrOne);
        var protection = Asking(composition, config, "protection", "Why protection mode is on or off",
            parsed => Request("explain protection", parsed.GetValue(service)));
        protection.Arguments.Add(service);
        command.Subcommands.Add(protection);
        return command;
    }

    private static string Request(string what, string? word) => word is null ? what : $"{what} {word}";

    private static Command Asking(
        CompositionRoot composition, System.CommandLine.Option<string?> config, string name, string description,
        Func<ParseResult, string> request)
    {
        var json = Options.Json();
        var command = new Command(name, description) { json };
        command.SetAction(parsed => Run(
            composition,
            Prelude.Optional(parsed.GetValue(config)),
            request(parsed),
            parsed.GetValue(json) ? ReportForm.Json : ReportForm.Concise));
        return command;
    }

    private static int Run(
        CompositionRoot composition, LanguageExt.Option<string> config, string request, ReportForm form) =>
        RunningDaemon.Find(composition, config).Bind(daemon =>
        {
            using (daemon)
                return daemon.Ask(request);
        })
        .Bind(text => ControlAnswer.Parse(text).Map(answer => (Text: text, Answer: answer)))
        .Match(
            Right: told => Show(composition, told.Text, told.Answer, form),
            Left: problem => composition.Unreported(problem, form));

    private static int Show(CompositionRoot composition, string text, ControlAnswer answer, ReportForm form)
    {
        var problem = answer.ProblemOrNull();
        if (form == ReportForm.Json)
            composition.Out.Write(text);
        else if (problem is null)
            composition.Out.Write(string.Concat(answer.Items("text").Select(line => $"{line}\n")));
        else
            composition.Out.Problem(problem);
        return problem is null ? ExitCode.Ok : ExitCode.Failure;
    }
}
