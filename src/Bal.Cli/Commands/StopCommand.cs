using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Bal.Domain.Messages;
using Bal.Infrastructure.Control;
using Bal.Infrastructure.Process;
using LanguageExt;

namespace Bal.Cli.Commands;

/// <summary><c>bal stop</c>: returns when the process is gone.</summary>
internal static class StopCommand
{
    // The drain is bounded at 30 s; what is beyond that is a daemon that does not obey.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(2);

    internal static Command Define(CompositionRoot composition)
    {
        var command = new Command("stop", "Stop accepting, drain, end; returns when the process is gone");
        command.SetAction(_ => Run(composition));
        return command;
    }

    private static int Run(CompositionRoot composition) =>
        composition.Home()
            .Bind(home => RunningProcess.Find(home.PidFile).Bind(process => Stop(composition, home, process)))
            .Match(
            Right: pid =>
            {
                composition.Out.Write(string.Create(CultureInfo.InvariantCulture, $"daemon: stopped (pid={pid})\n"));
                return ExitCode.Ok;
            },
            Left: problem =>
            {
                composition.Error.Problem(problem);
                return ExitCode.Failure;
            });

    private static Either<Problem, int> Stop(CompositionRoot composition, BalHome home, RunningProcess process)
    {
        using (process)
        {
            // A second TERM would end the drain and cut what is still open; who asks twice wants the same as the first.
            return IsStopping(home)
                ? AwaitEnd(composition, home, process,
                    $"bal (pid={process.Pid}) is stopping already; waiting for its end")
                : process.Terminate().Bind(_ => AwaitEnd(composition, home, process,
                    $"stopping bal (pid={process.Pid}), open connections may finish within 30 s"));
        }
    }

    private static bool IsStopping(BalHome home) =>
        ControlClient.Ask(home.ControlSocket, "status", ControlClient.StatusPatience)
            .Bind(ControlAnswer.Parse)
            .Match(Right: answer => answer.Flag("stopping"), Left: _ => false);

    private static Either<Problem, int> AwaitEnd(
        CompositionRoot composition, BalHome home, RunningProcess process, string first)
    {
        var clock = Stopwatch.StartNew();
        var progress = new Progress(composition.Error);
        progress.Show(first);
        while (!process.WaitGone(Step))
        {
            if (clock.Elapsed > Patience)
            {
                progress.End();
                return StillThere(process.Pid);
            }
            progress.Show(string.Create(CultureInfo.InvariantCulture,
                $"stopping bal (pid={process.Pid}), {clock.Elapsed.TotalSeconds:0} s so far{Left(home)}"));
        }
        progress.End();
        return process.Pid;
    }

    private static string Left(BalHome home) =>
        ControlClient.Ask(home.ControlSocket, "status", TimeSpan.FromMilliseconds(500))
            .Bind(ControlAnswer.Parse)
            .Match(
                answer => answer.Number("active_connections") is { } left ? $", connections left: {left}" : "",
                _ => "");

    private static Problem StillThere(int pid) => new(
        "stop_timeout",
        $"bal (pid={pid}) is still there {Patience.TotalSeconds:0} s after it was told to end",
        "the process is stopped (SIGSTOP), or hangs in the kernel",
        $"run 'kill -TERM {pid}', which ends it at once; if that does not help: 'kill -KILL {pid}'");
}
