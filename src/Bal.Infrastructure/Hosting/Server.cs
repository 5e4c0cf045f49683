using Bal.Application;
using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Infrastructure.Config;
using Bal.Infrastructure.Control;
using Bal.Infrastructure.DataPlane;
using Bal.Infrastructure.Linux;
using Bal.Infrastructure.Logging;
using Bal.Infrastructure.Process;
using Bal.Infrastructure.Systemd;
using LanguageExt;

namespace Bal.Infrastructure.Hosting;

/// <summary>What a balancer process is started with.</summary>
/// <param name="Home">The directory of this instance, which exists.</param>
/// <param name="ConfigPath">
/// The configuration file, as an absolute path, read again by every reload; empty where there is none.
/// </param>
/// <param name="Version">bal's version.</param>
/// <param name="Readiness">Told once connections are accepted.</param>
/// <param name="Log">Where decisions are told; its level follows the configuration.</param>
public sealed record ServerOptions(
    BalHome Home, string ConfigPath, string Version, Readiness Readiness, LogPipeline Log)
{
    /// <summary>Sees every line that is logged, on the thread that logs it.</summary>
    public Action<LogEvent> Watch { get; init; } = _ => { };

    /// <summary>The configuration where there is no file: no reload changes it.</summary>
    public Option<GivenConfig> Given { get; init; } = Option<GivenConfig>.None;

    /// <summary>The process that this one is to replace, if it is started for that.</summary>
    public Option<Takeover> Takeover { get; init; } = Option<Takeover>.None;

    /// <summary>Listening sockets that the service manager has opened; used in place of opening them.</summary>
    public Arr<ActivatedSocket> Sockets { get; init; } = Arr<ActivatedSocket>.Empty;

    /// <summary>Whether it runs as a daemon: without a terminal, with its log in a file.</summary>
    public bool IsDaemon { get; init; }

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

/// <summary>
/// The composition of a serving process: it starts everything in order, serves, and takes it down again.
/// </summary>
public static class Server
{
    internal const string Module = "lifecycle";

    private static readonly TimeSpan AnswerPatience = TimeSpan.FromSeconds(2);

    /// <summary>Serves until told to stop; why not, where it cannot start. Exit code 0 is a clean stop.</summary>
    public static Either<Problem, int> Run(ServerOptions options)
    {
        Facilities.SayTo(options.Say);
        Libc.IgnoreSigpipe();
        if (options.IsDaemon && !AccessCheck.MayWriteFile(Libc.NullDevice))
            Facilities.Refused(Facility.NullDevice, Errno.Last);
        return Essentials.Missing().Match(Some: problem => problem, None: () => RunHere(options));
    }

    private static Either<Problem, int> RunHere(ServerOptions options)
    {
        // An unknown limit is taken for none: the kernel will say where it is.
        var descriptors = Libc.RaiseDescriptorLimit() is >= 0 and var limit ? limit : long.MaxValue;
        return ReadConfig(options).Match(
            Right: reading => Serving.TooFew(reading, descriptors).Match(
                Some: problem => problem,
                None: () => options.Takeover.Match(
                    Some: takeover => takeover.Receive()
                        .Bind(_ => OpenCounts.Create())
                        .Bind(open => TakeOver(options, reading, takeover, descriptors, open)),
                    None: () => PidFile.Acquire(options.Home.PidFile)
                        .Bind(pid => Start(options, reading, pid, descriptors)))),
            Left: refusal => refusal.Problem);
    }

    private static Either<Problem, int> Start(
        ServerOptions options, ConfigReading reading, PidFile pid, long descriptors)
    {
        using var held = pid;
        return OpenCounts.Create().Bind(open => Serve(options, reading, pid, descriptors, open));
    }

    private static Either<Problem, int> Serve(
        ServerOptions options, ConfigReading reading, PidFile pid, long descriptors, OpenCounts open)
    {
        using var serving = new Serving(options, reading, descriptors, open, Option<Instant>.None);
        reading = serving.Reading;
        serving.TakeSignals();
        return ActivatedSockets.Assign(reading.Config, options.Sockets)
            .Bind(activated =>
            {
                foreach (var (service, sockets) in activated)
                    serving.Plane.Inherit(service, sockets);
                return serving.Plane.Prepare(reading.Config);
            })
            .Bind(_ => OtherServing(options.Home))
            .Bind(_ => ControlServer.Open(serving.Reactor, options.Home.ControlSocket, serving.Requests.Answer))
            .Bind(control =>
            {
                using (control)
                {
                    serving.SayStarting();
                    SayWarnings(options, reading);
                    if (!serving.Supervisor.Start(reading.Config))
                    {
                        serving.Supervisor.Run();
                        return Either<Problem, int>.Right(0);
                    }

                    return pid.WritePid().Map(_ =>
                    {
                        serving.SayStarted();
                        serving.SayLeftover();
                        options.Readiness.ReportReady();
                        serving.AllowUpgrade(pid, control);
                        serving.ServeManager();
                        serving.ServeWeb();
                        ProgramPages.GiveBack();
                        serving.Supervisor.Run();
                        return 0;
                    });
                }
            });
    }

    // The lock was free, but the PID file may have been removed while another bal runs.
    private static Either<Problem, Unit> OtherServing(BalHome home) =>
        ControlClient.Ask(home.ControlSocket, "status", AnswerPatience).Match(
            Right: _ => PidFileProblems.RunsWithoutPidFile(home.PidFile, home.ControlSocket),
            Left: _ => Either<Problem, Unit>.Right(Unit.Default));

    private static Either<Problem, int> TakeOver(
        ServerOptions options, ConfigReading reading, Takeover takeover, long descriptors, OpenCounts open)
    {
        var carried = takeover.Handover.State.Config;
        using var pid = PidFile.Adopt(options.Home.PidFile, takeover.PidFile);
        using var serving = new Serving(options, reading, descriptors, open, takeover.Handover.StartedAt);
        reading = serving.Reading;
        using var control = ControlServer.Adopt(
            serving.Reactor, options.Home.ControlSocket, takeover.ControlSocket, serving.Requests.Answer);
        var handed = takeover.Listeners();
        foreach (var service in carried.Services)
        {
            if (handed.TryGetValue(service.Name, out var sockets))
                serving.Plane.Inherit(service, sockets, takeover.FilesOf(service.Name));
        }

        foreach (var (service, table) in takeover.Clients())
            serving.Plane.InheritClients(service, table);
        return serving.Plane.Prepare(carried)
            // What the file changes is acquired before anything is taken, and applied as a reload afterwards.
            .Bind(_ => serving.Plane.Reserve(reading.Config))
            .Bind(_ => takeover.AwaitTurn())
            .Bind(final => pid.TryTakeRest() ? Either<Problem, Handover>.Right(final) : LockTaken(options.Home.PidFile))
            .Map(final =>
            {
                serving.SayStarting(LogField.Of("replaces", final.Processes[final.Processes.Count - 1].Pid));
                SayWarnings(options, reading);
                new Succession(options, serving, pid, control).Begin(takeover, final);
                serving.Supervisor.Run();
                return 0;
            });
    }

    private static void SayWarnings(ServerOptions options, ConfigReading reading)
    {
        foreach (var warning in reading.Warnings)
            options.Say(ToLog(warning));
    }

    private static Problem LockTaken(string path) => new(
        "upgrade_lock_taken",
        $"the lock of {path} was not handed over",
        "the file was replaced, or the running bal has taken it back",
        "run 'bal upgrade' again");

    /// <summary>For a reload, which only a file can want.</summary>
    internal static Either<ConfigRefusal, ConfigReading> ReadConfigAgain(ServerOptions options) => options.Given.IsSome
        ? new ConfigRefusal(GivenConfig.Fixed, Arr<Finding>.Empty)
        : ReadConfig(options);

    private static Either<ConfigRefusal, ConfigReading> ReadConfig(ServerOptions options)
    {
        var loaded = options.Given.Match(
            given => new LoadedConfig(GivenConfig.Place, given.Validate(LinuxHostFacts.Gather())),
            () => ConfigLoader.Load(options.ConfigPath));
        var outcome = loaded.Outcome;
        return outcome.Config.Match(
            Some: config => options.IsDaemon && config.AccessLog == BalConfig.StandardOutput
                ? new ConfigRefusal(NoOutput(loaded.Path), outcome.Findings)
                : Either<ConfigRefusal, ConfigReading>.Right(new ConfigReading(config, outcome.Findings)),
            None: () => new ConfigRefusal(Invalid(loaded), outcome.Findings));
    }

    private static Problem NoOutput(string path) => new(
        "access_log_without_output",
        $"'access_log: \"-\"' in {path} means the standard output, which a daemon does not have",
        "bal runs with 'start -d', and the file was written for a bal in the foreground",
        "name a file as access_log, or run 'bal start' without -d");

    private static Problem Invalid(LoadedConfig loaded)
    {
        var errors = loaded.Outcome.Findings.Filter(f => f.Severity == Severity.Error);
        var first = FindingProblem.Of(loaded.Path, errors[0]);
        var more = errors.Count > 1 ? $" (and {errors.Count - 1} more)" : "";
        return first with
        {
            Code = "config_invalid",
            WhatHappened = $"the configuration cannot be used: {first.WhatHappened}{more}",
            DoThisNow = $"{first.DoThisNow}{(first.DoThisNow.EndsWith('?') ? "" : ";")} run 'bal check --config "
                + $"{loaded.Path}' " +
                "to see everything at once",
        };
    }

    private static LogEvent ToLog(Finding warning) => LogEvent.Warn("config", "config_warning", warning.Message,
        LogField.Of("code", warning.Code), LogField.Of("path", warning.Path), LogField.Of("hint", warning.Hint));

    // A loop that has crashed serves nobody, and half of a balancer is worse than none that is started again.
    internal static void Crash(LogPipeline log, Exception fault)
    {
        log.Write(LogEvent.Failure(Module, "internal_error", new Problem(
            "internal_error",
            $"an event loop failed: {fault.Message}",
            "this is a bug in bal",
            "start bal again, and report this line with the log before it")));
        _ = log.Flush(LogPipeline.ExitPatience);
        Environment.FailFast(fault.ToString());
    }
}
