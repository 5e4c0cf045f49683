using System.CommandLine;
using System.Diagnostics;
using Bal.Domain.Messages;
using Bal.Domain.Reports;
using Bal.Infrastructure.Control;
using Bal.Infrastructure.Process;
using LanguageExt;

namespace Bal.Cli.Commands;

/// <summary><c>bal status</c>: what the running daemon itself knows, never a fresh probe.</summary>
internal static class StatusCommand
{
    internal static Command Define(CompositionRoot composition, System.CommandLine.Option<string?> config)
    {
        var (json, verbose, brief) = (Options.Json(), Options.Verbose(), Options.Brief());
        var exitCode = new System.CommandLine.Option<bool>("--exit-code")
        {
            Description = "Exit with 0 for OK, 1 for WARN, 2 for critical or stopped",
        };
        var watch = new System.CommandLine.Option<bool>("--watch")
        {
            Description = "Show it each second anew, as 'bal top' does",
        };
        var command = new Command("status", "Show what the running daemon knows")
        {
            json, verbose, brief, exitCode, watch,
        };
        var target = Target();
        command.Arguments.Add(target);
        command.Validators.Add(result =>
        {
            if (result.GetResult(watch) is not null && new[] { json, verbose, brief, exitCode }
                .FirstOrDefault(form => result.GetResult(form) is not null) is { } other)
                result.AddError($"--watch and {other.Name} exclude each other");
        });
        command.SetAction(parsed => parsed.GetValue(watch)
            ? new Watching(composition, Prelude.Optional(parsed.GetValue(config)), parsed.GetValue(target)).Run()
            : Run(
                composition,
                new Asked(
                    Prelude.Optional(parsed.GetValue(config)),
                    parsed.GetValue(target),
                    Options.Form(parsed.GetValue(json), parsed.GetValue(verbose), parsed.GetValue(brief))),
                parsed.GetValue(exitCode)));
        return command;
    }

    /// <summary><c>bal top</c>.</summary>
    internal static Command DefineTop(CompositionRoot composition, System.CommandLine.Option<string?> config)
    {
        var target = Target();
        var command = new Command("top", "Show services and backends, each second anew") { target };
        command.SetAction(parsed => new Watching(
            composition, Prelude.Optional(parsed.GetValue(config)), parsed.GetValue(target)).Run());
        return command;
    }

    private static Argument<string?> Target() =>
        Options.Word("TARGET", "SERVICE, or SERVICE/BACKEND", ArgumentArity.ZeroOrOne);

    private static int Run(CompositionRoot composition, Asked asked, bool exitCode) =>
        composition.AskedHome().Match(
            Right: home => RunningDaemon.In(home).Match(
                Right: daemon =>
                {
                    using (daemon)
                        return Ask(composition, daemon, asked, exitCode);
                },
                Left: problem => problem.Code == RunningProcess.NotRunningCode
                    ? Stopped(composition, home, asked, exitCode)
                    : Failed(composition, problem, asked, exitCode)),
            Left: problem => Failed(composition, problem, asked, exitCode));

    private static int Ask(CompositionRoot composition, RunningDaemon daemon, Asked asked, bool exitCode)
    {
        var clock = Stopwatch.StartNew();
        return daemon.Ask("status").Match(
            Right: answer => Show(composition, daemon, answer, asked, exitCode),
            Left: problem => problem.Code == ControlClient.SilentCode
                ? Unanswered(composition, daemon, problem, asked, exitCode)
                // It may be starting or stopping right now, so look again before reporting.
                : daemon.Process.WaitGone(ControlClient.AnswerPatience / 2)
                    ? Stopped(composition, daemon.Home, asked, exitCode)
                    : daemon.Ask("status", ControlClient.AnswerPatience - clock.Elapsed).Match(
                        Right: answer => Show(composition, daemon, answer, asked, exitCode),
                        Left: again => Failed(composition, again, asked, exitCode)));
    }

    private static int Show(
        CompositionRoot composition, RunningDaemon daemon, string answer, Asked asked, bool exitCode) =>
        daemon.Check(asked.File.Map(composition.Absolute), answer)
            .Bind(_ => Reports.Status(answer, asked.Word, asked.Form))
            .Match(
                Right: report => Print(composition, report, exitCode),
                Left: problem => Failed(composition, problem, asked, exitCode));

    // 'Stopped' is a valid result; only a daemon that runs and does not answer is a failure.
    private static int Stopped(CompositionRoot composition, BalHome home, Asked asked, bool exitCode) =>
        Unobserved(composition, Prelude.None, home, Prelude.None, asked).Match(
            Right: report => Print(composition, report, exitCode),
            Left: problem => Failed(composition, problem, asked, exitCode));

    // The JSON keeps all its members, so that programs can read it, and says why they are empty.
    private static int Unanswered(
        CompositionRoot composition, RunningDaemon daemon, Problem problem, Asked asked, bool exitCode)
    {
        if (asked.Form != ReportForm.Json)
            return Failed(composition, problem, asked, exitCode);
        return Unobserved(composition, daemon.Process.Pid, daemon.Home, problem, asked).Match(
            Right: report =>
            {
                composition.Error.Problem(problem);
                _ = Print(composition, report, exitCode);
                return exitCode ? ExitCode.Critical : ExitCode.Failure;
            },
            Left: other => Failed(composition, other, asked, exitCode));
    }

    private static Either<Problem, Rendered> Unobserved(
        CompositionRoot composition, LanguageExt.Option<int> pid, BalHome home, LanguageExt.Option<Problem> problem,
        Asked asked) =>
        Reports.StatusStopped(
            composition.Config(home, asked.File),
            pid,
            new Unobserved(home.Root, RunningDaemon.Elsewhere(home), problem)
            {
                WasKilled = PidFile.Inspect(home.PidFile) is PidFileState.Stale,
            },
            DrainMark.Seen(home).All,
            asked.Word,
            asked.Form);

    private static int Print(CompositionRoot composition, Rendered report, bool exitCode)
    {
        composition.Out.Report(report.Text);
        return exitCode ? (int)report.Level : ExitCode.Ok;
    }

    private static int Failed(CompositionRoot composition, Problem problem, Asked asked, bool exitCode)
    {
        var code = composition.Unreported(problem, asked.Form);
        return exitCode ? ExitCode.Critical : code;
    }

    /// <summary>What was asked for.</summary>
    /// <param name="File">The value of <c>--config</c>.</param>
    /// <param name="Word">A service or a backend; null for everything.</param>
    /// <param name="Form">How it is printed.</param>
    private sealed record Asked(LanguageExt.Option<string> File, string? Word, ReportForm Form);
}
