using System.CommandLine;
using System.Globalization;
using Bal.Infrastructure.Hosting;
using LanguageExt;

namespace Bal.Cli.Commands;

/// <summary>
/// <c>bal upgrade</c>: the running bal starts the binary that is now at its path, and hands everything over to it; the
/// command returns when that one serves.
/// </summary>
internal static class UpgradeCommand
{
    // Beyond what the daemon allows the new process: the steps of the handover, and the answer.
    private static readonly TimeSpan Handover = TimeSpan.FromSeconds(30);

    internal static Command Define(CompositionRoot composition, System.CommandLine.Option<string?> config)
    {
        var timeout = Options.SecondsOf(
            "--timeout", "Seconds to wait until the new process is ready (1 to 600; 30 by default)", "SECONDS",
            most: (int)(Upgrading.MaxPatience.Milliseconds / 1_000));
        var command = new Command(
            "upgrade", "Replace the running process with the installed binary, without losing a connection")
        {
            timeout,
        };
        command.SetAction(parsed => Run(
            composition,
            Prelude.Optional(parsed.GetValue(config)),
            TimeSpan.FromMilliseconds(
                parsed.GetValue(timeout) * 1_000L ?? Upgrading.DefaultPatience.Milliseconds)));
        return command;
    }

    private static int Run(CompositionRoot composition, LanguageExt.Option<string> config, TimeSpan timeout) =>
        RunningDaemon.Find(composition, config).Bind(daemon =>
        {
            using (daemon)
                return daemon.AskForOutcome(
                    string.Create(CultureInfo.InvariantCulture, $"upgrade {timeout.TotalMilliseconds:0}"),
                    timeout + Handover);
        })
        .Bind(ControlAnswer.Parse)
        .Match(
            Right: answer => Show(composition, answer),
            Left: problem =>
            {
                composition.Error.Problem(problem);
                return ExitCode.Failure;
            });

    private static int Show(CompositionRoot composition, ControlAnswer answer)
    {
        if (answer.Flag("upgraded"))
        {
            composition.Out.Write(string.Create(CultureInfo.InvariantCulture,
                $"upgraded: yes\ndaemon: running (pid={answer.Number("pid")})\n" +
                $"draining: old process pid={answer.Number("previous_pid")}, until its last connection ends\n" +
                $"next: run 'bal status'\n"));
            return ExitCode.Ok;
        }

        composition.Out.Write(string.Create(CultureInfo.InvariantCulture,
            $"upgraded: no\ndaemon: running (pid={answer.Number("previous_pid")})\n" +
            $"next: nothing has changed; do what do_this_now says\n"));
        if (answer.ProblemOrNull() is { } problem)
            composition.Error.Problem(problem);
        return ExitCode.Failure;
    }
}
