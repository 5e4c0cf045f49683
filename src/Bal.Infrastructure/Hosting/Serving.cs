using Bal.Application;
using Bal.Domain.Admission;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Reports;
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
    private readonly ServerOptions options;
    private readonly DecisionRecorder recorder;
    private CancellationTokenRegistration stop;
    private readonly Reloads reloads;
    private Signals? signals;
    private Upgrader? upgrader;
    private HomeGuard? guard;

    public Serving(
        ServerOptions options, ConfigReading reading, long descriptors, OpenCounts open, Option<Instant> startedAt)
    {
        this.options = options;
        Reading = reading;
        Threads = reading.Config.Threads.IfNone(Environment.ProcessorCount);
        Descriptors = descriptors;
        Identity = new ProcessIdentity(
            Environment.ProcessId, options.ConfigPath, options.Version, startedAt.IfNone(Reactor.Now));
        Budget = BudgetOf(reading, Threads, descriptors);
        Plane = new Plane(Threads, Budget, open, Reactor.Wake, fault => Server.Crash(options.Log, fault))
        {
            Say = options.Say,
        };
        Reactor.Collect = Plane.Collect;
        Replaced = new ReplacedLinks(Reactor, Plane, options.Say);
        options.Log.Level = reading.Config.LogLevel;
        Manager = new ServiceManager(options.Manager, Reactor, problem => options.Say(
            LogEvent.Warn(Server.Module, problem.Code, problem.WhatHappened,
                LogField.Of("why_likely", problem.WhyLikely), LogField.Of("do_this_now", problem.DoThisNow))));
        recorder = new DecisionRecorder(
            new DecisionWriter(options.Version, options.Say, options.Home.Owns), () => DateTimeOffset.UtcNow);
        Supervisor = new SupervisorLoop(
            Reactor,
            Plane,
            new Prober(Reactor, new Resolver(Reactor), Budget.Probes),
            new DecisionLogWriter(options),
            Manager,
            () => Server.ReadConfig(options),
            config => options.Log.Level = config.LogLevel,
            () => DateTimeOffset.UtcNow,
            Identity)
        {
            Recorder = recorder,
        };
        reloads = new Reloads(
            Reactor, () => Server.ReadConfig(options), () => Supervisor.Served.IfNone(reading.Config), Apply);
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
            () => Reactor.PostFromOutside(new SupervisorInput.Call(Stop), Urgency.Request));
        signals = new Signals(Reactor, new SignalActions(
            Stop: Stop,
            Reload: () => Reload(new SupervisorInput.Reload(_ => { })),
            ReopenLog: ReopenLog,
            Upgrade: () => upgrader?.Request(Upgrading.DefaultPatience, _ => { })));
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
        // The other process goes on with the file of decisions.
        OnLeaving = () => recorder.Flush(DecisionRecorder.ExitPatience),
        OnReopen = ReopenLog,
    };

    /// <summary>What the control socket understands.</summary>
    public Requests Requests => new(Reactor, options.ConfigPath, reloads.Read, Plane.Rehearse)
    {
        AskOthers = Replaced.Refresh,
        Reload = Reload,
        Upgrade = (patience, answer) => upgrader?.Request(
            patience, outcome => answer(Upgrading.Write(outcome, Environment.ProcessId))),
    };

    public void Reload(SupervisorInput.Reload reload) => reloads.Take(reload);

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
            LogField.Of("config_path", options.ConfigPath),
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

    public void SayStarted(params LogField[] more) => options.Say(LogEvent.Info(
        Server.Module, "started", "bal accepts connections", [LogField.Of("pid", Identity.Pid), .. more]));

    public void Dispose()
    {
        // The last words to a process that has replaced this one; it counts them.
        upgrader?.Dispose();
        guard?.Dispose();
        signals?.Dispose();
        stop.Dispose();
        recorder.Dispose();
        Manager.Dispose();
        Plane.Dispose();
        Replaced.Dispose();
        Reactor.Dispose();
    }

    private void Stop()
    {
        if (upgrader is null)
            Reactor.PostUrgent(new Domain.Control.ControlEvent.StopRequested());
        else
            upgrader.Stop();
    }

    private void ReopenLog()
    {
        Replaced.Tell("reopen");
        recorder.Reopen();
        options.Log.Reopen()
            .IfLeft(problem => options.Log.Write(LogEvent.Failure("logging", "log_reopen_failed", problem)));
    }

    private static DescriptorBudget BudgetOf(ConfigReading reading, int threads, long descriptors)
    {
        var backends = reading.Config.Services.Sum(service => service.Backends.Count);
        var names = reading.Config.Services.Sum(service => service.Backends.Count(b => b.Endpoint.Host is Host.Name));
        return DescriptorBudget.Of(descriptors, threads, backends, names);
    }

    private sealed class DecisionLogWriter(ServerOptions options) : ILogSink
    {
        public void Write(LogEvent line) => options.Say(line);
    }
}
