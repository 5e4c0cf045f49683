using System.CommandLine;

namespace Bal.Cli.Commands;

/// <summary><c>bal check</c>: static validation, without a socket and without a daemon.</summary>
internal static class CheckCommand
{
    internal static Command Define(CompositionRoot composition, Option<string?> config)
    {
        var (json, verbose) = (Options.Json(), Options.Verbose());
        var strict = new Option<bool>("--strict") { Description = "Treat warnings as errors" };
        var command = new Command("check", "Validate the configuration; opens no socket") { json, verbose, strict };
        command.SetAction(parsed => Run(
            composition,
            parsed.GetValue(config),
            parsed.GetValue(strict),
            Options.Form(parsed.GetValue(json), parsed.GetValue(verbose), brief: false)));
        return command;
    }

    private static int Run(CompositionRoot composition, string? config, bool strict, ReportForm form) =>
        composition.Home().Match(
            Right: home =>
            {
                var location = composition.Config(home, LanguageExt.Prelude.Optional(config));
                var report = Reports.Check(location, strict, form);
                composition.Out.Report(report.Text);
                return report.Level == ReportLevel.Critical ? ExitCode.Failure : ExitCode.Ok;
            },
            Left: problem => composition.Unreported(problem, form));
}
