using Bal.Application;
using Bal.Domain.Config;
using Bal.Domain.Diagnostics;
using Bal.Infrastructure.Config;
using Bal.Infrastructure.DataPlane;
using Bal.Infrastructure.Linux;
using Bal.Infrastructure.Logging;
using Bal.Infrastructure.Process;
using Bal.Infrastructure.Recording;
using Bal.Infrastructure.Systemd;
using LanguageExt;

namespace Bal.Infrastructure.Supervision;

/// <summary>What a balancer process is started with.</summary>
/// <param name="Home">The directory of this instance, which exists.</param>
/// <param name="ConfigPath">The configuration file, as an absolute path; read again by every reload.</param>
/// <param name="Version">bal's version.</param>
/// <param name="Readiness">Told once connections are accepted.</param>
/// <param name="Log">Where decisions are told; its level follows the configuration.</param>
public sealed record ServerOptions(
    BalHome Home, string ConfigPath, string Version, Readiness Readiness, LogPipeline Log)
{
    /// <summary>Sees every line that is logged, on the thread that logs it.</summary>
    public Action<LogEvent> Watch { get; init; } = _ => { };

    /// <summary>Cancelled to stop like SIGTERM does.</summary>
    public CancellationToken Stop { get; init; } = CancellationToken.None;

    /// <summary>The service manager that has started this process.</summary>
    public ManagerEnvironment Manager { get; init; } = ManagerEnvironment.None;

    internal void Say(LogEvent line)
    {
        Log.Write(line);
        Watch(line);
    }
}

/// <summary>The composition of a serving process: it starts everything in order, serves, and takes it down again.</summary>
public static class Server
{
    private const string Module = "lifecycle";

    /// <summary>Serves until told to stop; why not, where it cannot start. Exit code 0 is a clean stop.</summary>
    public static Either<Problem, int> Run(ServerOptions options)
    {
        Libc.IgnoreSigpipe();
        // An unknown limit is taken for none: the kernel will say where it is.
        var descriptors = Libc.RaiseDescriptorLimit() is >= 0 and var limit ? limit : long.MaxValue;
        return ReadConfig(options).Match(
            Right: reading => PidFile.Acquire(options.Home.PidFile).Bind(pid =>
            {
                using (pid)
                    return Serve(options, reading, pid, descriptors);
            }),
            Left: refusal => refusal.Problem);
    }

    private static Either<Problem, int> Serve(
        ServerOptions options, ConfigReading reading, PidFile pid, long descriptors)
    {
        var threads = reading.Config.Threads.IfNone(Environment.ProcessorCount);
        if (descriptors < DescriptorBudget.Least(threads))
            return DescriptorBudget.TooLow(descriptors, threads);
        using var reactor = new Reactor();
        var identity = new ProcessIdentity(
            Environment.ProcessId, options.ConfigPath, options.Version, reactor.Now);
        using var plane = new Plane(threads, descriptors, reactor.Wake, fault => Crash(options.Log, fault));
        reactor.Collect = plane.Collect;
        options.Log.Level = reading.Config.LogLevel;

        using var manager = new ServiceManager(options.Manager, reactor, problem => options.Say(
            LogEvent.Warn(Module, problem.Code, problem.WhatHappened,
                LogField.Of("why_likely", problem.WhyLikely), LogField.Of("do_this_now", problem.DoThisNow))));
        using var recorder = new DecisionRecorder(
            new DecisionWriter(options.Version, options.Say), () => DateTimeOffset.UtcNow);
        var supervisor = new SupervisorLoop(
            reactor,
            plane,
            new Prober(reactor, new Resolver(reactor)),
            new DecisionLogWriter(options),
            manager,
            () => ReadConfig(options),
            config => options.Log.Level = config.LogLevel,
            () => DateTimeOffset.UtcNow,
            identity)
        {
            Recorder = recorder,
        };
        using var stop = options.Stop.Register(() => reactor.PostFromOutside(Signals.Stop()));
        using var signals = new Signals(reactor, () =>
        {
            ReopenLog(options.Log);
            recorder.Reopen();
        });
        return plane.Prepare(reading.Config)
            .Bind(_ => ControlServer.Open(
                reactor, options.Home.ControlSocket, new Requests(reactor, options.ConfigPath, () => ReadConfig(options)).Answer))
            .Bind(control =>
            {
                using (control)
                {
                    options.Say(LogEvent.Info(Module, "starting",
                        $"bal {options.Version} listens on {reading.Config.Main.Listener} for " +
                        $"{reading.Config.Main.Backends.Count} backend(s)",
                        LogField.Of("version", options.Version),
                        LogField.Of("config_path", options.ConfigPath),
                        LogField.Of("listener", reading.Config.Main.Listener.ToString()),
                        LogField.Of("backends", reading.Config.Main.Backends.Count),
                        LogField.Of("threads", threads),
                        LogField.Of("descriptor_limit", descriptors)));
                    foreach (var warning in reading.Warnings)
                        options.Say(ToLog(warning));
                    if (!supervisor.Start(reading.Config))
                    {
                        supervisor.Run();
                        return Either<Problem, int>.Right(0);
                    }

                    return pid.WritePid().Map(_ =>
                    {
                        options.Say(LogEvent.Info(Module, "started", "bal accepts connections",
                            LogField.Of("pid", identity.Pid)));
                        options.Readiness.ReportReady();
                        manager.Ready();
                        Watchdog.Start(options.Manager, reactor, plane, manager.Alive);
                        using var guard = new HomeGuard(reactor, options.Home, pid, control, options.Say);
                        supervisor.Run();
                        return 0;
                    });
                }
            });
    }

    private static Either<ConfigRefusal, ConfigReading> ReadConfig(ServerOptions options)
    {
        var loaded = ConfigLoader.Load(options.ConfigPath);
        var outcome = loaded.Outcome;
        return outcome.Config.Match(
            Some: config => Either<ConfigRefusal, ConfigReading>.Right(new ConfigReading(config, outcome.Findings)),
            None: () => new ConfigRefusal(Invalid(loaded), outcome.Findings));
    }

    private static Problem Invalid(LoadedConfig loaded)
    {
        var errors = loaded.Outcome.Findings.Filter(f => f.Severity == Severity.Error);
        var first = FindingProblem.Of(loaded.Path, errors[0]);
        var more = errors.Count > 1 ? $" (and {errors.Count - 1} more)" : "";
        return first with
        {
            Code = "config_invalid",
            WhatHappened = $"the configuration cannot be used: {first.WhatHappened}{more}",
            DoThisNow = $"{first.DoThisNow}; run 'bal check --config {loaded.Path}' to see everything at once",
        };
    }

    private static void ReopenLog(LogPipeline log) => log.Reopen().IfLeft(problem =>
        log.Write(LogEvent.Failure("logging", "log_reopen_failed", problem)));

    private static LogEvent ToLog(Finding warning) => LogEvent.Warn("config", "config_warning", warning.Message,
        LogField.Of("code", warning.Code), LogField.Of("path", warning.Path), LogField.Of("hint", warning.Hint));

    // A loop that has crashed serves nobody, and half of a balancer is worse than none that is started again.
    private static void Crash(LogPipeline log, Exception fault)
    {
        log.Write(LogEvent.Failure(Module, "internal_error", new Problem(
            "internal_error",
            $"an event loop failed: {fault.Message}",
            "this is a defect of bal",
            "start bal again, and report this line with the log before it")));
        _ = log.Flush(LogPipeline.ExitPatience);
        Environment.FailFast(fault.ToString());
    }

    private sealed class DecisionLogWriter(ServerOptions options) : IDecisionLog
    {
        public void Write(LogEvent line) => options.Say(line);
    }
}
