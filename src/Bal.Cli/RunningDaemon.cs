using System.Globalization;
using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Domain.Reports;
using Bal.Infrastructure.Config;
using Bal.Infrastructure.Control;
using Bal.Infrastructure.Process;
using LanguageExt;

namespace Bal.Cli;

/// <summary>
/// The running daemon that a command is about: the one of its BAL_HOME, and where the command names a configuration,
/// only one that serves it.
/// </summary>
internal sealed class RunningDaemon : IDisposable
{
    /// <summary>How many checks in a row a busy daemon may leave unanswered.</summary>
    private const int MostUnanswered = 3;

    private readonly RunningProcess process;

    private RunningDaemon(BalHome home, RunningProcess process) => (Home, this.process) = (home, process);

    /// <summary>Its directory.</summary>
    internal BalHome Home { get; }

    /// <summary>Its process.</summary>
    internal RunningProcess Process => process;

    /// <summary>Finds it.</summary>
    /// <param name="composition">Where to look.</param>
    /// <param name="config">The value of <c>--config</c>: another file than the daemon's is a problem.</param>
    /// <returns>A problem with the words "not running" where there is none; it names those that are seen.</returns>
    internal static Either<Problem, RunningDaemon> Find(CompositionRoot composition, Option<string> config) =>
        composition.AskedHome().Bind(home => Of(home, composition, config));

    /// <summary>As above, in a directory that is known.</summary>
    internal static Either<Problem, RunningDaemon> Of(
        BalHome home, CompositionRoot composition, Option<string> config) =>
        In(home).MapLeft(problem => WithOthers(problem, home))
            .Bind(daemon => config.Map(composition.Absolute).Match(
                Some: file => daemon.Ask("status").Bind(answer => daemon.Check(file, answer)).Map(_ => daemon),
                None: () => Either<Problem, RunningDaemon>.Right(daemon)));

    /// <summary>The one that holds the lock of a directory.</summary>
    internal static Either<Problem, RunningDaemon> In(BalHome home) =>
        RunningProcess.Find(home.PidFile).Map(process => new RunningDaemon(home, process));

    /// <summary>The instances with another BAL_HOME that this user can see, as text.</summary>
    internal static Arr<string> Elsewhere(BalHome home) => RunningInstances.Visible(home.Root).Map(Named);

    /// <summary>Whether it serves <paramref name="file"/>, an absolute path, if one is given.</summary>
    /// <param name="file">The file that the command names.</param>
    /// <param name="answer">The daemon's answer to a request that names its own.</param>
    internal Either<Problem, Unit> Check(Option<string> file, string answer) => file.Match(
        Some: named => ControlAnswer.Parse(answer).Bind(parsed => OnlyIfSame(named, parsed.Text("config_path") ?? "")),
        None: () => Unit.Default);

    /// <summary>
    /// A problem that nothing runs, with what a killed bal has left, or what is seen to run elsewhere.
    /// </summary>
    internal static Problem WithOthers(Problem problem, BalHome home) =>
        problem.Code == RunningProcess.NotRunningCode && DrainMark.Seen(home).All is { IsEmpty: false } left
            ? problem with
            {
                WhyLikely = $"it was killed or crashed; {LeftoverProblems.StillServing(left).WhatHappened}",
                DoThisNow = "run 'bal start -d', or 'bal stop' without --config to end what is left",
            }
            : WithRunning(problem, home);

    private static Problem WithRunning(Problem problem, BalHome home) =>
        problem.Code != RunningProcess.NotRunningCode
        || RunningInstances.Visible(home.Root) is not { IsEmpty: false } others
            ? problem
            : problem with
            {
                WhyLikely = $"{problem.WhyLikely}; running elsewhere: {string.Join(", ", others.Map(Named))}",
                DoThisNow = others.Find(o => o.Home.IsSome).Bind(o => o.Home).Match(
                    Some: other => $"set BAL_HOME={other} to reach that one, or run 'bal start -d'",
                    None: () => "run the command as the user who owns that one, or run 'bal start -d'"),
            };

    private static string Named(RunningInstance instance) => instance.Home.Match(
        Some: home => $"BAL_HOME={home} (pid={instance.Pid})",
        None: () => $"pid={instance.Pid} of another user");

    /// <summary>Asks what a daemon can answer at once.</summary>
    internal Either<Problem, string> Ask(string request) => Ask(request, ControlClient.AnswerPatience);

    /// <summary>As above, in less time.</summary>
    internal Either<Problem, string> Ask(string request, TimeSpan patience) =>
        ControlClient.Ask(Home.ControlSocket, request, patience).MapLeft(Explained);

    /// <summary>
    /// Asks for something that takes a while: up to <paramref name="patience"/> for a daemon that answers other
    /// questions meanwhile, and not at all for one that does not.
    /// </summary>
    internal Either<Problem, string> AskForOutcome(string request, TimeSpan patience)
    {
        var unanswered = 0;
        // Every version answers this at once, if only with "unknown request".
        return Ask("ready").Bind(_ => ControlClient.Ask(Home.ControlSocket, request, patience, GoOn)
            .MapLeft(problem => problem.Code == ControlClient.SilentCode && Ask("ready").IsRight
                ? Late(request, patience)
                : Explained(problem)));

        bool GoOn()
        {
            unanswered = Ask("ready").IsRight ? 0 : unanswered + 1;
            return unanswered == 0 || (unanswered < MostUnanswered && !process.IsPaused);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => process.Dispose();

    private Either<Problem, Unit> OnlyIfSame(string named, string served) => ConfigFile.IsSame(named, served)
        ? Unit.Default
        : new Problem(
            "other_instance",
            $"the bal in BAL_HOME={Home.Root} (pid={process.Pid}) serves {GivenConfig.PlaceOf(served)}, not {named}",
            "the instance that serves that file has another BAL_HOME, or is not running",
            $"leave out --config to reach the one in {Home.Root}, or set BAL_HOME to that of the other instance");

    private Problem Explained(Problem problem) => problem.Code switch
    {
        // The lock is held, so a missing socket does not mean "not running".
        ControlClient.Missing or ControlClient.Refused => new(
            "control_unavailable",
            $"bal (pid={process.Pid}) is running, but its control socket {Home.ControlSocket} does not answer",
            "it is starting or exiting right now, or the socket file was removed",
            "run the command again; if that does not help, run 'bal stop', then 'bal start -d'"),
        ControlClient.SilentCode when process.IsPaused => new(
            ControlClient.SilentCode,
            $"bal (pid={process.Pid}) does not answer: it is paused (SIGSTOP)",
            "somebody sent it SIGSTOP, or pressed Ctrl-Z in its terminal",
            $"run 'kill -CONT {process.Pid}' to let it go on, then run the command again"),
        ControlClient.SilentCode => problem with
        {
            WhatHappened = problem.WhatHappened.Replace("bal did", $"bal (pid={process.Pid}) did",
                StringComparison.Ordinal),
            WhyLikely = "it hangs, a debugger holds it, or the machine is overloaded",
            DoThisNow = $"run the command again; if it still does not answer, 'kill -KILL {process.Pid}' ends it, "
                + "then run 'bal start -d'",
        },
        _ => problem,
    };

    private static Problem Late(string request, TimeSpan patience) => new(
        "outcome_late",
        string.Create(CultureInfo.InvariantCulture,
            $"bal is still busy with '{request}' after {patience.TotalSeconds:0} s"),
        "a name server does not answer, or the machine is slow; the request may still be carried out",
        "run 'bal status' to see the outcome, or run the command with a longer --timeout");
}
