using System.CommandLine;
using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Infrastructure.Config;
using Bal.Infrastructure.Hosting;
using Bal.Infrastructure.Logging;
using Bal.Infrastructure.Process;
using Bal.Infrastructure.Systemd;
using LanguageExt;

namespace Bal.Cli.Commands;

/// <summary><c>bal start</c>: in the foreground, or with <c>-d</c> as a daemon that is waited for.</summary>
internal static class StartCommand
{
    private const string Module = "start";

    internal static Command Define(CompositionRoot composition, System.CommandLine.Option<string?> config)
    {
        var daemon = new System.CommandLine.Option<bool>("--daemon", "-d")
        {
            Description = "Run in the background; return once it accepts connections",
        };
        var format = new System.CommandLine.Option<LogFormat?>("--log-format")
        {
            Description = "Write log lines as auto, text or json, whatever the file says",
            HelpName = "FORMAT",
            CustomParser = result =>
            {
                var word = result.Tokens[0].Value;
                foreach (var known in Enum.GetValues<LogFormat>())
                    if (word == Words.Of(known))
                        return known;
                result.AddError($"--log-format needs auto, text or json, not '{Printable.Short(word, 40)}'");
                return null;
            },
        };
        var listen = Options.Listen();
        var backends = Options.Backends("A backend, in place of a configuration file; may be repeated");
        var command = new Command("start", "Run the load balancer, in the foreground unless -d is given")
        {
            daemon, listen, backends, format,
        };
        command.Validators.Add(result =>
        {
            if (result.GetResult(config) is not null && Options.Given(result, listen, backends).IsSome)
                result.AddError("--listen and --backend stand in place of a file: leave out --config");
            Options.Check(result, listen, backends);
        });
        command.SetAction(parsed =>
        {
            var asked = new Asked(
                Prelude.Optional(parsed.GetValue(config)).Map(composition.Absolute),
                Options.Given(parsed.CommandResult, listen, backends),
                Prelude.Optional(parsed.GetValue(format)));
            return parsed.GetValue(daemon) ? Launch(composition, asked) : Serve(composition, asked);
        });
        return command;
    }

    // Where the configuration is.
    private sealed record Asked(
        LanguageExt.Option<string> File, LanguageExt.Option<GivenConfig> Given, LanguageExt.Option<LogFormat> Format);

    /// <summary>The launcher: starts the same binary again without <c>-d</c> and reports the outcome.</summary>
    private static int Launch(CompositionRoot composition, Asked asked)
    {
        return composition.Home().Bind(home =>
        {
            string[] arguments = ["start",
                .. asked.File.Match(file => (string[])["--config", file], () => []),
                .. asked.Given.Match(given => [.. given.Arguments], () => (string[])[]),
                .. asked.Format.Match(format => (string[])["--log-format", Words.Of(format)], () => [])];
            var variables = new Dictionary<string, string?> { ["BAL_HOME"] = home.Root };
            composition.AbsoluteVariable("BAL_CONFIG").IfSome(file => variables["BAL_CONFIG"] = file);
            return DaemonLauncher.Launch(arguments, variables, DaemonLauncher.Patience)
                .Map(pid => (Pid: pid, Home: home));
        }).Match(
            Right: started =>
            {
                using var log = LogPipeline.ToStderr(LogLevel.Info).Choose(asked.Format);
                log.Use(FormatOf(composition, started.Home, asked));
                log.Write(LogEvent.Info(Module, "started", "bal accepts connections",
                    LogField.Of("pid", started.Pid), LogField.Of("log", started.Home.LogFile)));
                return ExitCode.Ok;
            },
            Left: problem => Failed(composition, problem));
    }

    // As the daemon itself writes its lines.
    private static LogFormat FormatOf(CompositionRoot composition, BalHome home, Asked asked) =>
        asked.Given.IsSome
            ? LogFormat.Auto
            : composition.Config(home, asked.File).Match(
                found: file => ConfigLoader.Load(file.Path).Outcome.Config.Match(
                    config => config.LogFormat, () => LogFormat.Auto),
                missing: _ => LogFormat.Auto);

    /// <summary>
    /// The balancer itself: in the foreground, or as the child that <see cref="Launch"/> or a running bal waits for.
    /// </summary>
    private static int Serve(CompositionRoot composition, Asked asked)
    {
        ProcessSetup.DeferSignals();
        var (readiness, manager) = (Readiness.FromEnvironment(), ManagerEnvironment.Take());
        var takeover = Takeover.FromEnvironment();
        var sockets = ActivatedSockets.Take();
        var isDaemon = readiness.IsExpected || takeover.Exists(t => t.IsDaemon);
        // Until the log is open, the launcher's pipe or standard error is all there is.
        return composition.Home().Bind(home => home.Ensure().Map(_ => home)).Match(
            Right: home => OpenLog(home, isDaemon).Map(log => log.Choose(asked.Format)).Match(
                Right: log =>
                {
                    using (log)
                    {
                        var location = composition.Config(home, asked.File);
                        readiness.LeaveDirectory();
                        var options = new BalancerOptions(home, location, readiness, log, manager, takeover)
                        {
                            Given = asked.Given,
                            Sockets = sockets,
                        };
                        return Guarded(options).Match(
                            Right: code => code,
                            Left: problem => Failed(composition, readiness, takeover, isDaemon, log, problem));
                    }
                },
                Left: problem => FailedEarly(composition, readiness, takeover, problem)),
            Left: problem => FailedEarly(composition, readiness, takeover, problem));
    }

    // A daemon has no standard error: a fatal error must reach its log and the launcher that waits for it.
    private static Either<Problem, int> Guarded(BalancerOptions options)
    {
        try
        {
            return Balancer.Run(options);
        }
        catch (Exception limit) when (Faults.IsLimit(limit))
        {
            return Faults.ToProblem(limit);
        }
        catch (Exception fault)
        {
            options.Log.Write(LogEvent.Failure(Module, "internal_error", Faults.ToProblem(fault)));
            options.Readiness.ReportProblem(Faults.ToProblem(fault));
            options.Takeover.IfSome(takeover => takeover.Refuse(Faults.ToProblem(fault)));
            throw;
        }
    }

    private static Either<Problem, LogPipeline> OpenLog(BalHome home, bool isDaemon)
    {
        try
        {
            return isDaemon
                ? LogPipeline.ToFile(home.LogFile, LogLevel.Info)
                : Either<Problem, LogPipeline>.Right(LogPipeline.ToStderr(LogLevel.Info));
        }
        catch (Exception limit) when (Faults.IsLimit(limit))
        {
            // The log is written by a thread of its own.
            return Faults.ToProblem(limit);
        }
    }

    private static int FailedEarly(
        CompositionRoot composition, Readiness readiness, LanguageExt.Option<Takeover> takeover, Problem problem)
    {
        readiness.ReportProblem(problem);
        takeover.IfSome(old => old.Refuse(problem));
        return Failed(composition, problem);
    }

    private static int Failed(
        CompositionRoot composition,
        Readiness readiness,
        LanguageExt.Option<Takeover> takeover,
        bool isDaemon,
        LogPipeline log,
        Problem problem)
    {
        readiness.ReportProblem(problem);
        takeover.IfSome(old => old.Refuse(problem));
        // The process that goes on serving reports this to whoever asked for the upgrade, and logs it.
        if (takeover.IsSome) return ExitCode.Failure;
        _ = log.Flush(LogPipeline.ExitPatience);
        if (!isDaemon) return Failed(composition, problem);
        log.Write(LogEvent.Failure(Module, "start_failed", problem));
        return ExitCode.Failure;
    }

    // Once: in the log of a daemon, which its launcher repeats, and on standard error otherwise.
    private static int Failed(CompositionRoot composition, Problem problem)
    {
        composition.Error.Problem(problem);
        return ExitCode.Failure;
    }
}
