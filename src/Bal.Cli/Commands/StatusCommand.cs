using System.CommandLine;
using Bal.Domain.Messages;
using Bal.Infrastructure.Control;
using Bal.Infrastructure.Process;

namespace Bal.Cli.Commands;

/// <summary><c>bal status</c>: what the running daemon itself knows, never a fresh probe.</summary>
internal static class StatusCommand
{
    /// <summary>How long a daemon that does not answer may take to end before it is asked again.</summary>
    private static readonly TimeSpan EndingPatience = TimeSpan.FromSeconds(1);

    internal static Command Define(CompositionRoot composition, Option<string?> config)
    {
        var (json, verbose, brief) = (Options.Json(), Options.Verbose(), Options.Brief());
        var exitCode = new Option<bool>("--exit-code")
        {
            Description = "Exit with 0 for OK, 1 for WARN, 2 for critical or stopped",
        };
        var command = new Command("status", "Show what the running daemon knows") { json, verbose, brief, exitCode };
        var target = Options.Word("TARGET", "SERVICE, or SERVICE/BACKEND", ArgumentArity.ZeroOrOne);
        command.Arguments.Add(target);
        command.SetAction(parsed => Run(
            composition,
            parsed.GetValue(config),
            parsed.GetValue(target),
            parsed.GetValue(exitCode),
            Options.Form(parsed.GetValue(json), parsed.GetValue(verbose), parsed.GetValue(brief))));
        return command;
    }

    private static int Run(
        CompositionRoot composition, string? config, string? word, bool exitCode, ReportForm form) =>
        composition.Home()
            .Bind(home => Observe(composition, home, config, word, form))
            .Match(
                Right: report =>
                {
                    composition.Out.Report(report.Text);
                    return exitCode ? (int)report.Level : ExitCode.Ok;
                },
                Left: problem =>
                {
                    var code = composition.Unreported(problem, form);
                    return exitCode ? ExitCode.Critical : code;
                });

    // Stopped is an observation, too; only a daemon that runs and does not answer could not be observed.
    private static LanguageExt.Either<Problem, Rendered> Observe(
        CompositionRoot composition, BalHome home, string? config, string? word, ReportForm form) =>
        PidFile.Inspect(home.PidFile).Match(
            missing: () => Stopped(composition, home, config, word, form),
            held: held => Ask(held.Pid, home).Match(
                Right: answer => Reports.Status(answer, word, form),
                // It may be ending or only starting at this moment: what it does next decides what was observed.
                Left: _ => HasGone(home) ? Stopped(composition, home, config, word, form)
                    : Ask(held.Pid, home).Bind(answer => Reports.Status(answer, word, form))),
            stale: _ => Stopped(composition, home, config, word, form),
            unreadable: problem => problem);

    private static LanguageExt.Either<Problem, string> Ask(int pid, BalHome home) =>
        RunningDaemon.Ask(pid, home.ControlSocket, "status", ControlClient.StatusPatience);

    private static bool HasGone(BalHome home) => RunningProcess.Find(home.PidFile).Match(
        Right: process =>
        {
            using (process)
                return process.WaitGone(EndingPatience);
        },
        Left: _ => true);

    private static LanguageExt.Either<Problem, Rendered> Stopped(
        CompositionRoot composition, BalHome home, string? config, string? word, ReportForm form) =>
        Reports.StatusStopped(composition.Config(home, LanguageExt.Prelude.Optional(config)), word, form);
}
