using System.Net;
using Bal.Domain.Config;
using Bal.Domain.Doctor;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using FsCheck;
using FsCheck.Fluent;
using LanguageExt;
using Millis = Bal.Domain.Primitives.Duration;

namespace Bal.Domain.Specs.Diagnostics;

/// <summary>Facts for the doctor: a healthy machine to start from, and arbitrary ones for the properties.</summary>
internal static class DoctorScenes
{
    internal const int Port = 9295;

    internal static readonly Problem NoAnswer = new("control_silent", "no answer within 2 s", "it hangs", "kill it");

    internal static Endpoint Backend(int port) => new(new Host.Address(IPAddress.Loopback), port);

    internal static BalConfig Balancer(int backends, int port = Port) => new(
        Mode.Simple,
        LogLevel.Info,
        Option<int>.None,
        Prelude.Array(new Service(
            Service.DefaultName,
            new Listener(new Host.Address(IPAddress.Any), port),
            Method.RoundRobin,
            Enumerable.Range(9000, backends).Select(port => new BackendConfig(Backend(port))).ToArr(),
            Tuning.For(backends))));

    internal static ConfigFact Valid(BalConfig config) =>
        new ConfigFact.Read("/c.yaml", new ConfigOutcome(Prelude.Some(config), Arr<Finding>.Empty));

    internal static BindFact Bind(BindOutcome outcome, int port = Port) =>
        new(new Listener(new Host.Address(IPAddress.Any), port), outcome);

    internal static Arr<BackendFact> Backends(params ProbeOutcome[] outcomes) =>
        outcomes.Select((outcome, i) => new BackendFact(Backend(9000 + i), outcome)).ToArr();

    internal static ProbeOutcome Up => new ProbeOutcome.Connected(new Millis(1));

    internal static ProbeOutcome Refused => new ProbeOutcome.Refused();

    internal static LimitFacts RoomyLimits => new(
        false, Prelude.Some(1024L), Prelude.Some(1L << 20), Prelude.Some(4096L),
        Prelude.Some(new PortRange(32768, 60999)), Prelude.Some(16384L), PipesUnlimited: false);

    /// <summary>A machine before its first start, with nothing wrong.</summary>
    internal static DoctorFacts Stopped => new(
        Valid(Balancer(2)),
        new HomeFact.Present("/h", 1000, 0b111_000_000, true),
        new PidFact.Absent(),
        new ControlFact.NotAsked(),
        Prelude.Array(Bind(new BindOutcome.Free())),
        Backends(Up, Up),
        RoomyLimits,
        1000,
        new LogFact("/h/bal.log", LogState.Absent, Prelude.Some(1L << 40)));

    /// <summary>The same with the daemon running.</summary>
    internal static DoctorFacts Running => Stopped with
    {
        Pid = new PidFact.Held(Prelude.Some(42)),
        Control = new ControlFact.Answered("/c.yaml", "0.0.0.0:9295", Option<string>.None),
        Binds = Prelude.Array(Bind(new BindOutcome.HeldByOwnDaemon(Prelude.Some(42)))),
        Log = new LogFact("/h/bal.log", LogState.Writable, Prelude.Some(1L << 40)),
    };

    /// <summary>Any combination of facts, possible or not: the report must be total.</summary>
    internal static Arbitrary<DoctorFacts> AnyFacts() => (
        from config in AnyConfig
        from home in Gen.Elements<HomeFact>(
            new HomeFact.Missing("/h", true), new HomeFact.Missing("/h", false), new HomeFact.NotDirectory("/h"),
            new HomeFact.Present("/h", 1000, 0b111_101_101, true),
            new HomeFact.Present("/h", 1000, 0b111_111_111, true),
            new HomeFact.Present("/it's here", 1000, 0b111_000_000, false))
        from pid in Gen.Elements<PidFact>(
            new PidFact.Absent(), new PidFact.Stale("empty"), new PidFact.Stale("-1"), new PidFact.Unreadable(Missing),
            new PidFact.Held(Option<int>.None), new PidFact.Held(Prelude.Some(42)))
        from control in Gen.Elements<ControlFact>(
            new ControlFact.NotAsked(), new ControlFact.Silent(NoAnswer),
            new ControlFact.Answered("/c", "[::]:1", Option<string>.None),
            new ControlFact.Answered("/c", "[::]:1", Prelude.Some("all_backends_unavailable")),
            new ControlFact.Answered("/c", "[::]:1", Prelude.Some("timeout_or_refused_storm")))
        from bind in AnyBind
        from backends in AnyProbe.ListOf()
        from limits in AnyLimits
        from user in Gen.Elements(0L, 1000L)
        from log in Gen.Elements(Enum.GetValues<LogState>())
        from free in Gen.Elements(Option<long>.None, Prelude.Some(0L), Prelude.Some(1L << 40))
        select new DoctorFacts(
            config, home, pid, control, Prelude.Array(Bind(bind)), Backends([.. backends]), limits, user,
            new LogFact("/h/bal.log", log, free))).ToArbitrary();

    internal static Gen<ProbeOutcome> AnyProbe => Gen.Elements<ProbeOutcome>(
        Up, Refused, new ProbeOutcome.TimedOut(new Millis(800)), new ProbeOutcome.Unresolved("no such name"),
        new ProbeOutcome.Unreachable("no route"), new ProbeOutcome.LocalFailure("EMFILE"),
        new ProbeOutcome.OwnListener());

    internal static Gen<BindOutcome> AnyBind => Gen.Elements<BindOutcome>(
        new BindOutcome.Free(), new BindOutcome.HeldByOwnDaemon(Option<int>.None), new BindOutcome.NotLocal(),
        new BindOutcome.HeldByOther(Option<PortHolder>.None), new BindOutcome.NotPermitted(1024),
        new BindOutcome.HeldByOther(Prelude.Some(new PortHolder(7, "nginx"))),
        new BindOutcome.Unresolved("no such name"), new BindOutcome.Failed("EIO"));

    private static Problem Missing => new("file_missing", "no file", "none was made", "make one");

    private static Gen<ConfigFact> AnyConfig => Gen.Elements<ConfigFact>(
        Valid(Balancer(1)), Valid(Balancer(9, port: 40000)),
        new ConfigFact.Unavailable(Missing),
        new ConfigFact.Read("/c.yaml", new ConfigOutcome(
            Option<BalConfig>.None,
            Prelude.Array(Finding(Severity.Error), Finding(Severity.Warning), Finding(Severity.Error)))));

    private static Gen<LimitFacts> AnyLimits =>
        from descriptors in Gen.Elements(Option<long>.None, Prelude.Some(64L), Prelude.Some(1L << 20))
        from backlog in Gen.Elements(Option<long>.None, Prelude.Some(128L), Prelude.Some(4096L))
        from ports in Gen.Elements(
            Option<PortRange>.None, Prelude.Some(new PortRange(1, 0)), Prelude.Some(new PortRange(32768, 60999)))
        from daemon in Gen.Elements(true, false)
        select new LimitFacts(daemon, descriptors, descriptors, backlog, ports, Prelude.Some(16384L), false);

    internal static Finding Finding(Severity severity) => new(
        severity, "some_code", "bind_address", new SourcePosition(3, 5), "0.0.0.0 is every interface", "name one");
}
