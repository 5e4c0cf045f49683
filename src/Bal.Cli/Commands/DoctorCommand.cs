using System.CommandLine;

namespace Bal.Cli.Commands;

/// <summary><c>bal doctor</c>: diagnostics from the environment as it is.</summary>
internal static class DoctorCommand
{
    internal static Command Define(CompositionRoot composition, Option<string?> config)
    {
        var (json, verbose, brief) = (Options.Json(), Options.Verbose(), Options.Brief());
        var command = new Command("doctor", "Diagnose process, port, backends, limits and permissions")
        {
            json,
            verbose,
            brief,
        };
        command.SetAction(parsed => Run(
            composition,
            parsed.GetValue(config),
            Options.Form(parsed.GetValue(json), parsed.GetValue(verbose), parsed.GetValue(brief))));
        return command;
    }

    private static int Run(CompositionRoot composition, string? config, ReportForm form) =>
        composition.AskedHome().Match(
        Right: home =>
        {
            var report = Reports.Doctor(home, composition.Config(home, LanguageExt.Prelude.Optional(config)), form);
            composition.Out.Report(report.Text);
            return report.Level == ReportLevel.Critical ? ExitCode.Failure : ExitCode.Ok;
        },
        Left: problem => composition.Unreported(problem, form));
}
