using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Bal.Domain.Messages;
using Bal.Infrastructure.Control;
using Bal.Infrastructure.Hosting;
using Bal.Infrastructure.Process;
using LanguageExt;
using Duration = Bal.Domain.Primitives.Duration;

namespace Bal.Cli.Commands;

/// <summary>
/// <c>bal stop</c>: returns when no process serves. During an upgrade two processes may, one after the other, so
/// it goes on until the lock is free and no process listens on the control socket.
/// </summary>
internal static class StopCommand
{
    // Added to the time that the daemon says it needs.
    private static readonly TimeSpan Reserve = TimeSpan.FromSeconds(10);

    // Assumed where the daemon does not say: the default of drain_timeout_ms.
    private static readonly TimeSpan Usual = TimeSpan.FromSeconds(30);

    // After so many questions in a row without an answer it hangs, and nothing is waited for. One that has heard of the
    // stop may be too busy with its end to answer the next question.
    private const int MostUnanswered = 2;

    // Two processes of an upgrade, and a start or two that came in between.
    private const int MostRounds = 8;
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(2);

    internal static Command Define(CompositionRoot composition, System.CommandLine.Option<string?> config)
    {
        var timeout = Options.SecondsOf(
            "--timeout",
            "Seconds that open connections may take to finish (0 cuts them at once; drain_timeout_ms by default); a "
                + "second stop can only shorten it",
            "SECONDS", most: Stopping.MostSeconds, least: 0);
        var command = new Command("stop", "Stop accepting, drain, exit; returns when no process serves")
        {
            timeout,
        };
        command.SetAction(parsed => Run(
            composition,
            Prelude.Optional(parsed.GetValue(config)),
            parsed.GetValue(timeout) is { } seconds
                ? new Duration(seconds * 1_000L)
                : LanguageExt.Option<Duration>.None));
        return command;
    }

    private static int Run(
        CompositionRoot composition, LanguageExt.Option<string> config, LanguageExt.Option<Duration> within) =>
        composition.AskedHome()
            .Bind(home => Serves(composition, home, config).Bind(
                _ => WithLeftovers(composition, home, within)))
            .Match(
            Right: said =>
            {
                composition.Out.Write(said);
                return ExitCode.Ok;
            },
            Left: problem =>
            {
                composition.Error.Problem(problem);
                return ExitCode.Failure;
            });

    // Nobody serves only once those have ended, too, that a killed bal had replaced. One that is being replaced at this
    // very moment may serve again, so that the lock is looked at once more.
    private static Either<Problem, string> WithLeftovers(
        CompositionRoot composition, BalHome home, LanguageExt.Option<Duration> within)
    {
        var (said, left) = ("", Arr<int>.Empty);
        for (var round = 0; round < MostRounds; round++)
        {
            var stopped = new Stop(composition, home, Stopping.RequestOf(within)).Run();
            said += stopped.Match(
                pid => string.Create(CultureInfo.InvariantCulture, $"daemon: stopped (pid={pid})\n"), _ => "");
            if (stopped.Case is Problem { Code: not RunningProcess.NotRunningCode })
                return stopped.Map(_ => "");
            var progress = new Progress(composition.Error);
            var ended = new StopLeftovers(home, within, progress).Run();
            progress.End();
            if (ended.IsLeft)
                return ended.Map(_ => "");
            var pids = ended.IfLeft(Arr<int>.Empty);
            left = left.AddRange(pids);
            if (!pids.IsEmpty)
                continue;
            if (said.Length == 0 && left.IsEmpty)
                return stopped.MapLeft(problem => RunningDaemon.WithOthers(problem, home)).Map(_ => "");
            return (said.Length == 0 ? "daemon: not running\n" : said) + Ended(left);
        }

        return StartedAgain(home);
    }

    private static Problem StartedAgain(BalHome home) => new(
        "stop_started_again",
        $"bal was stopped {MostRounds} times in BAL_HOME={home.Root}, and each time another one ran",
        "a service manager or a script starts it again",
        "stop that first, for example with 'systemctl stop bal'");

    private static string Ended(Arr<int> pids) => string.Concat(
        pids.Map(pid => string.Create(CultureInfo.InvariantCulture, $"draining: stopped (pid={pid})\n")));

    private static Either<Problem, Unit> Serves(
        CompositionRoot composition, BalHome home, LanguageExt.Option<string> config)
    {
        if (config.IsNone)
            return Unit.Default;
        return RunningDaemon.Of(home, composition, config).Map(daemon =>
        {
            daemon.Dispose();
            return Unit.Default;
        });
    }

    /// <summary>One run of the command.</summary>
    private sealed class Stop(CompositionRoot composition, BalHome home, string request)
    {
        private readonly Stopwatch clock = Stopwatch.StartNew();
        private readonly Progress progress = new(composition.Error);
        private readonly System.Collections.Generic.HashSet<int> signalled = [];
        private TimeSpan until = Usual + Reserve;
        private int stopped;
        private int unanswered;
        private bool unheard;

        private string Fate => request == Stopping.RequestOf(new Duration(0)) ? "are cut" : "may finish";

        public Either<Problem, int> Run()
        {
            for (var round = 0; round < MostRounds; round++)
            {
                var over = RunningProcess.Find(home.PidFile).Match(
                    Right: holder => Ended(holder, ask: true),
                    Left: WithoutLock);
                if (over is { IsSome: true })
                {
                    progress.End();
                    return (Either<Problem, int>)over;
                }
            }

            progress.End();
            return StartedAgain(home);
        }

        // Nobody holds the lock: nobody serves, or the file was removed, or an upgrade is just failing.
        private LanguageExt.Option<Either<Problem, int>> WithoutLock(Problem notRunning) =>
            Ask().Bind(answer => RunningProcess.Of((int)(answer.Number("pid") ?? 0))).Match(
                Right: process => Ended(process, ask: false),
                Left: _ => stopped > 0 ? Either<Problem, int>.Right(stopped) : Either<Problem, int>.Left(notRunning));

        // None if it has ended and the caller must check whether another one serves.
        private LanguageExt.Option<Either<Problem, int>> Ended(RunningProcess process, bool ask)
        {
            using (process)
            {
                var asked = ask ? AskOrSignal(process) : Unit.Default;
                if (asked.IsLeft)
                    return asked.Map(_ => 0);
                progress.Show($"stopping bal (pid={process.Pid}), open connections {Fate}");
                while (!process.WaitGone(IsSilent(process) ? TimeSpan.Zero : Step))
                {
                    if (IsSilent(process))
                        return Either<Problem, int>.Left(Unresponsive(process));
                    if (clock.Elapsed > until)
                        return Either<Problem, int>.Left(StillThere(process.Pid));
                    progress.Show(string.Create(CultureInfo.InvariantCulture,
                        $"stopping bal (pid={process.Pid}), {clock.Elapsed.TotalSeconds:0} s so far{Left()}"));
                }

                stopped = process.Pid;
                return LanguageExt.Option<Either<Problem, int>>.None;
            }
        }

        private bool IsSilent(RunningProcess process) =>
            unheard || unanswered >= MostUnanswered || (unanswered > 0 && process.IsPaused);

        // A signal only where the request was not understood or nobody can have read it: after one, it would end the
        // drain.
        private Either<Problem, Unit> AskOrSignal(RunningProcess process)
        {
            var answer = Ask();
            unheard = unanswered > 0;
            if (answer.IsRight || unheard || signalled.Contains(process.Pid) || IsStopping())
                return Unit.Default;
            signalled.Add(process.Pid);
            return process.Terminate();
        }

        private Either<Problem, ControlAnswer> Ask() =>
            Answer(request).Bind(ControlAnswer.Parse).Map(answer =>
            {
                if (answer.Number("ends_within_ms") is { } milliseconds)
                    until = clock.Elapsed + TimeSpan.FromMilliseconds(milliseconds) + Reserve;
                return answer;
            });

        private bool IsStopping() =>
            Answer("status").Bind(ControlAnswer.Parse).Exists(answer => answer.Flag("stopping"));

        private string Left() => Answer("status").Bind(ControlAnswer.Parse).Match(
            answer => answer.Number("active_connections") is { } left ? $", connections left: {left}" : "",
            _ => "");

        private Either<Problem, string> Answer(string question)
        {
            var answer = ControlClient.Ask(home.ControlSocket, question, ControlClient.AnswerPatience);
            unanswered = answer.Case is Problem { Code: ControlClient.SilentCode } ? unanswered + 1 : 0;
            return answer;
        }

        // The request stays in the socket until the process is continued.
        private static Problem Unresponsive(RunningProcess process) => process.IsPaused
            ? new(
                ControlClient.SilentCode,
                $"bal (pid={process.Pid}) was told to stop, but it is paused (SIGSTOP) and cannot",
                "somebody sent it SIGSTOP, or pressed Ctrl-Z in its terminal",
                $"run 'kill -CONT {process.Pid}' to let it go on and stop, or 'kill -KILL {process.Pid}' to end it now")
            : new(
                ControlClient.SilentCode,
                $"bal (pid={process.Pid}) was told to stop, but it does not answer",
                "it hangs, a debugger holds it, or the machine is overloaded",
                $"run 'bal status' in a moment; if it still runs, 'kill -KILL {process.Pid}' ends it now");

        private Problem StillThere(int pid) => new(
            "stop_timeout",
            $"bal (pid={pid}) is still there {clock.Elapsed.TotalSeconds:0} s after it was told to stop",
            "it is too busy to finish in time, or is stuck in the kernel",
            $"run 'kill -TERM {pid}', which ends it at once; if that does not help: 'kill -KILL {pid}'");
    }
}
