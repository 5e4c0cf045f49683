using System.CommandLine;
using Bal.Application;
using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Infrastructure.Config;
using Bal.Infrastructure.Recording;
using LanguageExt;

namespace Bal.Cli.Commands;

/// <summary>
/// <c>bal replay FILE</c>: runs recorded decisions again, and with <c>--config</c> what another configuration would
/// have decided.
/// </summary>
internal static class ReplayCommand
{
    internal static Command Define(CompositionRoot composition, System.CommandLine.Option<string?> config)
    {
        var file = new Argument<string>("FILE") { Description = "A file that decision_log named" };
        file.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var text }] && UsageMessage.IsOption(text))
                result.AddError("FILE is a path; write ./ before a name that begins with a dash");
        });
        var json = Options.Json();
        var command = new Command("replay", "Replay a decision log; with --config, show what that file would decide")
        {
            file, json,
        };
        command.SetAction(parsed => Run(
            composition,
            composition.Absolute(parsed.GetValue(file)!),
            Prelude.Optional(parsed.GetValue(config)).Map(composition.Absolute),
            Options.Form(parsed.GetValue(json), verbose: false, brief: false)));
        return command;
    }

    private static int Run(
        CompositionRoot composition, string file, LanguageExt.Option<string> config, ReportForm form) =>
        config.Match(
                Some: path => Load(path).Map(loaded => LanguageExt.Option<Trial>.Some(new Trial(path, loaded))),
                None: () => Either<Problem, LanguageExt.Option<Trial>>.Right(LanguageExt.Option<Trial>.None))
            .Bind(trial => DecisionLogReader.Open(file).Map(reader => (Trial: trial, Reader: reader)))
            .Match(
                Right: opened =>
                {
                    using (opened.Reader)
                        return Follow(composition, file, opened.Trial, opened.Reader, form);
                },
                Left: problem => composition.Unreported(problem, form));

    private static int Follow(
        CompositionRoot composition, string file, LanguageExt.Option<Trial> trial, DecisionLogReader reader,
        ReportForm form)
    {
        IReplayReport report = form == ReportForm.Json
            ? new ReplayJsonReport(composition.Out, file, trial.Map(t => t.Path))
            : new ReplayTextReport(composition.Out, trial);
        var summary = Replaying.Tell(reader.Lines(), CommandLine.Version, trial.Map(t => t.Config), report.Say);
        report.End(summary);
        return summary.Outcome.Fault.IsSome ? ExitCode.Failure : ExitCode.Ok;
    }

    private static Either<Problem, BalConfig> Load(string path)
    {
        var loaded = ConfigLoader.Load(path);
        return loaded.Outcome.Config.ToEither(() =>
            FindingProblem.Of(loaded.Path, loaded.Outcome.Findings.Find(f => f.Severity == Severity.Error)
                .Match(finding => finding, () => loaded.Outcome.Findings[0])));
    }
}
