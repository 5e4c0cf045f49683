using Bal.Application;
using Bal.Domain.Admission;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Relay;
using Bal.Domain.Reports;
using Bal.Infrastructure.Accounting;
using Bal.Infrastructure.DataPlane;
using Bal.Infrastructure.Linux;
using Bal.Infrastructure.Probing;
using Bal.Infrastructure.Process;
using Bal.Infrastructure.Reacting;
using Bal.Infrastructure.Recording;
using Bal.Infrastructure.Systemd;
using LanguageExt;

namespace Bal.Infrastructure.Hosting;

/// <summary>The parts of a serving process, put together; how they begin is for <see cref="Server"/> to say.</summary>
internal sealed class Serving : IDisposable
{
    private static readonly Duration PipesEvery = new(PipeShortage.QuietMs);

    private readonly ServerOptions options;
    private readonly DecisionRecorder recorder;
    private readonly OverrideStore overrides;
    private readonly AccessLogging access;
    private readonly WebService web;
    private CancellationTokenRegistration stop;
    private readonly Reloads reloads;
    private Signals? signals;
    private Upgrader? upgrader;
    private HomeGuard? guard;
    private bool watchesPipes;

    public Serving(
        ServerOptions options, ConfigReading reading, long descriptors, OpenCounts open, Option<Instant> startedAt)
    {
        this.options = options;
        Threads = reading.Config.Threads.IfNone(Environment.ProcessorCount);
        Descriptors = descriptors;
        Reading = InForce(reading);
        Identity = new ProcessIdentity(
            Environment.ProcessId, options.ConfigPath, options.Version, startedAt.IfNone(Reactor.Now));
        Budget = ConnectionLimits.Of(reading.Config, descriptors, Threads).Budget;
        Plane = new Plane(Threads, Budget, open, Reactor.Wake, fault => Server.Crash(options.Log, fault))
        {
            Say = options.Say,
            LogTo = Log,
            OnReset = reset => Replaced!.TellReset(reset),
        };
        access = new AccessLogging(Plane.Access, options.Say);
        Reactor.Collect = Plane.Collect;
        Facilities.OnShortage = () => Reactor.PostFromOutside(new SupervisorInput.Call(WatchPipes), Urgency.Request);
        web = new WebService(
            Reactor,
            (request, answer) => new WebAnswers(
                Reactor, Requests, Descriptors == long.MaxValue ? double.PositiveInfinity : Descriptors)
                .Answer(request, answer),
            options.Say);
        Replaced = new ReplacedLinks(Reactor, Plane, options.Say) { OnWebSocket = web.Inherit };
        LogAs(reading.Config);
        Manager = new ServiceManager(options.Manager, Reactor, problem => options.Say(
            LogEvent.Warn(Server.Module, problem.Code, problem.WhatHappened,
                LogField.Of("why_likely", problem.WhyLikely), LogField.Of("do_this_now", problem.DoThisNow))));
        recorder = new DecisionRecorder(
            new DecisionWriter(options.Version, options.Say, options.Home.Owns), () => DateTimeOffset.UtcNow);
        overrides = new OverrideStore(Reactor, options.Home.OverrideFile);
        Supervisor = new SupervisorLoop(
            Reactor,
            Plane,
            new Prober(
                Reactor, new Resolver(Reactor), Budget.Probes, new(Plane.LeadsHere, Plane.LeadsHere), Plane.Probed),
            new DecisionLogWriter(options),
            Manager,
            () => Server.ReadConfigAgain(options).Map(InForce),
            InEffect,
            () => DateTimeOffset.UtcNow,
            Identity)
        {
            Recorder = recorder,
            Overrides = overrides,
        };
        reloads = new Reloads(
            Reactor,
            () => Server.ReadConfigAgain(options).Map(InForce),
            () => Supervisor.Served.IfNone(Reading.Config),
            Apply);
    }

    public Reactor Reactor { get; } = new();

    public Plane Plane { get; }

    public SupervisorLoop Supervisor { get; }

    public ReplacedLinks Replaced { get; }

    public ServiceManager Manager { get; }

    public ProcessIdentity Identity { get; }

    public ConfigReading Reading { get; }

    public int Threads { get; }

    public long Descriptors { get; }

    /// <summary>How they are divided, as the configuration of the start wants it.</summary>
    public DescriptorBudget Budget { get; }

    /// <summary>Why there are too few descriptors for this many loops, if there are.</summary>
    public static Option<Problem> TooFew(ConfigReading reading, long descriptors)
    {
        var threads = reading.Config.Threads.IfNone(Environment.ProcessorCount);
        return descriptors < DescriptorBudget.Least(threads)
            ? DescriptorBudget.TooLow(descriptors, threads)
            : Option<Problem>.None;
    }

    /// <summary>From now on signals are answered; those that came before have waited.</summary>
    public void TakeSignals()
    {
        stop = options.Stop.Register(
            () => Reactor.PostFromOutside(new SupervisorInput.Call(StopBySignal), Urgency.Request));
        signals = new Signals(Reactor, new SignalActions(
            Stop: StopBySignal,
            Reload: ReloadBySignal,
            ReopenLog: ReopenLog,
            Upgrade: () => upgrader?.Request(Upgrading.DefaultPatience, _ => { })))
        {
            Heard = (signal, sender) => options.Say(Asked.For(signal, sender)),
        };
    }

    /// <summary>Tells the service manager that bal serves, and goes on doing so.</summary>
    public void ServeManager()
    {
        Manager.Ready();
        Watchdog.Start(options.Manager, Reactor, Plane, Manager.Alive);
    }

    /// <summary>From now on this process answers for its files, and can be replaced.</summary>
    public void AllowUpgrade(PidFile pid, ControlServer control)
    {
        guard = new HomeGuard(Reactor, options.Home, pid, control, options.Say);
        upgrader = UpgraderOf(pid, control);
    }

    /// <summary>Serves the page and the metrics, as the configuration in force wants it.</summary>
    public void ServeWeb() => web.Apply(Supervisor.Served.IfNone(Reading.Config).Web);

    private void LogAs(BalConfig config)
    {
        options.Log.Level = config.LogLevel;
        options.Log.Use(config.LogFormat);
    }

    private void InEffect(BalConfig config)
    {
        LogAs(config);
        web.Apply(config.Web);
    }

    private Upgrader UpgraderOf(PidFile pid, ControlServer control) => new(
        Reactor,
        new HandedParts(Plane, Supervisor, pid, control, Replaced, options.Version, Identity.StartedAt),
        () => Successor.Start(options),
        options.Say)
    {
        OnReplaced = replacement =>
        {
            // The files are the new process's, which looks after them and says what becomes of them.
            guard?.Dispose();
            Manager.HandOver(replacement);
        },
        OnYielding = yielding =>
        {
            if (yielding)
                DrainMark.Set(options.Home);
            else
                DrainMark.Clear();
        },
        OnStopping = DrainMark.Stopping,
        OnFilesHeld = held =>
        {
            guard?.Hold(held);
            overrides.Hold(held);
        },
        // The other process goes on with the file of decisions.
        OnLeaving = link =>
        {
            web.HandOver(link);
            recorder.Flush(DecisionRecorder.ExitPatience);
        },
        OnReopen = ReopenLog,
        OnSessions = (asked, answer) => Sessions.Answer(asked, answer),
    };

    /// <summary>What the control socket understands.</summary>
    public Requests Requests => new(Reactor, options.ConfigPath, reloads.Read, Plane.Rehearse)
    {
        AskOthers = Replaced.Refresh,
        Say = options.Say,
        IsReplaced = () => upgrader is { IsReplaced: true },
        Leftover = Leftover,
        Web = () => web.Report,
        Reload = Reload,
        Settled = Plane.Confirm,
        Sessions = Sessions,
        AccessLogFault = () => access.Fault,
        Order = order =>
        {
            if (upgrader is null)
                Reactor.PostUrgent(order);
            else
                upgrader.Order(order);
        },
        Upgrade = (patience, answer) => upgrader?.Request(
            patience, outcome => answer(Upgrading.Write(outcome, Environment.ProcessId))),
        Stop = (stop, answer) =>
        {
            Stop(stop);
            // After the decision, of which the answer tells.
            Reactor.PostUrgent(new SupervisorInput.Call(
                () => answer(Stopping.Write(Supervisor.State.Phase.StopsBy.Map(by => by.Since(Reactor.Now))))));
        },
    };

    private SessionRequests Sessions => new(Reactor, Plane, Replaced);

    public void Reload(SupervisorInput.Reload reload)
    {
        if (MayReload)
            reloads.Take(reload);
        else
            Reactor.PostUrgent(new SupervisorInput.Call(() => Decline(reload)));
    }

    /// <summary>Whether there is a file to read again.</summary>
    public bool MayReload => options.Given.IsNone;

    // Nobody's file is wrong: status does not warn of it from now on.
    private void Decline(SupervisorInput.Reload reload)
    {
        Manager.Reloading();
        options.Say(LogEvent.Failure("reload", "reload_declined", GivenConfig.Fixed));
        Manager.Ready();
        reload.Answer(new ReloadAnswer(
            Supervisor.State.ConfigVersion, GivenConfig.Fixed, Arr<Finding>.Empty, Arr<string>.Empty));
    }

    private void Apply(SupervisorInput.Reload reload)
    {
        if (upgrader is null)
            Reactor.PostUrgent(reload);
        else
            upgrader.Reload(reload);
    }

    public void SayStarting(params LogField[] more) => options.Say(LogEvent.Info(Server.Module, "starting",
        $"bal {options.Version} listens on {Listeners} for {Plural.Of(BackendTotal, "backend")}",
        [
            LogField.Of("version", options.Version),
            LogField.Of("config_path", GivenConfig.PlaceOf(options.ConfigPath)),
            LogField.Of("listener", Reading.Config.Main.Listener.ToString()),
            LogField.Of("services", Reading.Config.Services.Count),
            LogField.Of("backends", BackendTotal),
            LogField.Of("threads", Threads),
            LogField.Of("descriptor_limit", Descriptors),
            .. LoopbackCongestionControl,
            .. more,
        ]));

    private int BackendTotal => Reading.Config.Services.Sum(s => s.Backends.Count);

    private string Listeners => Reading.Config.Services.Count == 1
        ? Reading.Config.Main.Listener.ToString()
        : $"the addresses of {Plural.Of(Reading.Config.Services.Count, "service")}";

    /// <summary>Said only where it is not the one that the machine is set to.</summary>
    private static LogField[] LoopbackCongestionControl => LoopbackSockets.Replacement is { } instead
        ? [LogField.Of("loopback_congestion_control", instead)]
        : [];

    /// <summary>Processes that serve connections from the same BAL_HOME, and that nobody speaks for.</summary>
    public Arr<int> Leftover() =>
        DrainMark.Seen(options.Home).Except(new Arr<int>(Replaced.Links.Select(link => link.Pid))).All;

    public void SayLeftover()
    {
        if (Leftover() is not { IsEmpty: false } pids)
            return;
        var problem = LeftoverProblems.StillServing(pids);
        options.Say(LogEvent.Warn(Server.Module, problem.Code, problem.WhatHappened,
            LogField.Of("pids", string.Join(' ', pids)), LogField.Of("why_likely", problem.WhyLikely),
            LogField.Of("do_this_now", problem.DoThisNow)));
    }

    public void SayStarted(params LogField[] more) => options.Say(LogEvent.Info(
        Server.Module, "started", "bal accepts connections", [LogField.Of("pid", Identity.Pid), .. more]));

    public void Dispose()
    {
        // A signal that came last may be meant for the process that has replaced this one.
        signals?.Read();
        // What is in the file by then is part of the last words.
        if (upgrader is { IsReplaced: true })
        {
            Plane.SayHeld(AccessLogging.ExitPatience);
            access.Flush(AccessLogging.ExitPatience);
        }
        // The last words to that process; it counts them.
        upgrader?.Dispose();
        guard?.Dispose();
        signals?.Dispose();
        stop.Dispose();
        web.Dispose();
        recorder.Dispose();
        Manager.Dispose();
        Plane.Dispose();
        // Connections that were open until now have a line as well.
        access.Dispose();
        Replaced.Dispose();
        Reactor.Dispose();
    }

    // Whoever has got a pipe wants no other one, and would never say that there are some again.
    private void WatchPipes()
    {
        if (watchesPipes)
            return;
        watchesPipes = true;
        Reactor.After(PipesEvery, () =>
        {
            watchesPipes = false;
            if (Facilities.IsStillShort())
                WatchPipes();
        });
    }

    private void ReloadBySignal()
    {
        if (upgrader is { IsReplaced: true })
            upgrader.PassOnReload();
        else
            Reload(new SupervisorInput.Reload(_ => { }));
    }

    private void StopBySignal() => Stop(new ControlEvent.StopRequested());

    private void Stop(ControlEvent.StopRequested stop)
    {
        if (upgrader is not null)
        {
            upgrader.Stop(stop);
            return;
        }

        // Still taking over: the process that is being replaced may serve again, and stops as well.
        if (Replaced.Count > 0)
            Replaced.TellStop(stop, Supervisor.State, Reactor.Now);
        Reactor.PostUrgent(stop);
    }

    private void ReopenLog()
    {
        Replaced.Tell("reopen");
        recorder.Reopen();
        access.Reopen();
        options.Log.Reopen()
            .IfLeft(problem => options.Log.Write(LogEvent.Failure("logging", "log_reopen_failed", problem)));
    }

    private void Log(BalConfig config) => access.Use(
        config.AccessLog, path => AccessLogging.IsOwn(path, options.Home, options.ConfigPath, config));

    // Whoever serves more than descriptors allow promises what it cannot keep.
    private ConfigReading InForce(ConfigReading reading) => reading with
    {
        Config = ConnectionLimits.Of(reading.Config, Descriptors, Threads).InForce(reading.Config),
    };

    private sealed class DecisionLogWriter(ServerOptions options) : ILogSink
    {
        public void Write(LogEvent line) => options.Say(line);
    }
}
