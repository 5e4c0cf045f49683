using Bal.Application;
using Bal.Domain.Backend;
using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Counting;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Reports;
using Bal.Integration.DataPlane;
using LanguageExt;

namespace Bal.Integration.Supervision;

/// <summary>The supervisor among recorded effects: what it has done, and what it never may do.</summary>
public sealed class SupervisorLoopSpecs
{
    private static readonly BalConfig Literal = LivePlane.ConfigOf(9_295);

    // A name keeps the start waiting for its lookup.
    private static readonly BalConfig Named = Literal with
    {
        Services = Literal.Services.Map(s => s with
        {
            Backends = Prelude.Array(new BackendConfig(new Endpoint(new Host.Name("db.internal"), 5_432))),
        }),
    };

    [Fact]
    public void A_reload_during_the_start_waits_until_the_listeners_are_in_service()
    {
        var scene = new Scene(Named);
        scene.Inbox.Add(scene.ReloadRequest());
        scene.Inbox.Add(Resolved());
        scene.Supervisor.Start(Named);

        Assert.Equal(
            ["commit", "prepare", "commit"], scene.Plane.Done.Where(d => d is "prepare" or "commit" or "abandon"));
        Assert.True(Assert.Single(scene.Answers).Applied);
    }

    [Fact]
    public void A_stop_during_the_start_puts_no_listener_into_service()
    {
        var scene = new Scene(Named);
        scene.Inbox.Add(new SupervisorInput.Happened(new ControlEvent.StopRequested()));
        scene.Inbox.Add(Resolved());
        scene.Inbox.Add(new SupervisorInput.Happened(new ControlEvent.AllIdle()));
        scene.Supervisor.Start(Named);
        scene.Supervisor.Run();
        Assert.DoesNotContain("commit", scene.Plane.Done);
    }

    [Fact]
    public void A_reload_during_the_drain_is_refused_and_opens_nothing()
    {
        var scene = new Scene(Literal);
        scene.Supervisor.Start(Literal);
        scene.Plane.Done.Clear();
        scene.Inbox.Add(new SupervisorInput.Happened(new ControlEvent.StopRequested()));
        scene.Inbox.Add(scene.ReloadRequest());
        scene.Inbox.Add(new SupervisorInput.Happened(new ControlEvent.AllIdle()));
        scene.Supervisor.Run();

        var answer = Assert.Single(scene.Answers);
        Assert.False(answer.Applied);
        Assert.DoesNotContain("prepare", scene.Plane.Done);
        Assert.DoesNotContain("commit", scene.Plane.Done);
    }

    [Fact]
    public void A_disk_that_does_not_answer_delays_an_order_by_no_more_than_a_command_waits()
    {
        var scene = new Scene(Literal);
        scene.Supervisor.Start(Literal);
        var answers = new List<OrderReport>();
        var began = scene.Inbox.Now;
        foreach (var user in (string[])["alice", "bob"])
        {
            scene.Inbox.Add(new SupervisorInput.Order(
                new OrderRequest(OrderKind.Drain, "1") { Force = true }, user, 7, answers.Add));
        }

        var asked = new List<StatusReport>();
        scene.Inbox.WhenIdle = () =>
        {
            if (answers.Count < 2)
                return;
            scene.Inbox.WhenIdle = () => { };
            scene.Inbox.Add(new SupervisorInput.Status(asked.Add));
            scene.Inbox.Add(new SupervisorInput.Happened(new ControlEvent.OverridesKept(1, Option<string>.None)));
            scene.Inbox.Add(new SupervisorInput.Status(asked.Add));
            scene.Inbox.Add(new SupervisorInput.Happened(new ControlEvent.StopRequested()));
            scene.Inbox.Add(new SupervisorInput.Happened(new ControlEvent.AllIdle()));
        };
        scene.Supervisor.Run();

        Assert.All(answers, answer => Assert.Contains(
            "the disk has not answered", answer.WhyNotKept.IfNone(""), StringComparison.Ordinal));
        Assert.True(scene.Inbox.Now.Since(began).Milliseconds < 2_000);
        Assert.All(answers, answer => Assert.True(answer.Backends[0].After.Drained));
        Assert.Equal("alice", answers[1].Backends[0].After.Override.Match(o => o.By.Name, () => ""));
        Assert.Equal([1, 0], asked.Select(report => report.OverrideProblems.Count));
    }

    [Fact]
    public void A_configuration_that_makes_its_reader_fail_changes_nothing_and_does_not_end_bal()
    {
        var scene = new Scene(Literal) { Reading = () => throw new InvalidOperationException("parser defect") };
        scene.Supervisor.Start(Literal);
        scene.Inbox.Add(scene.ReloadRequest());
        scene.Inbox.Add(new SupervisorInput.Happened(new ControlEvent.StopRequested()));
        scene.Inbox.Add(new SupervisorInput.Happened(new ControlEvent.AllIdle()));
        scene.Supervisor.Run();

        var answer = Assert.Single(scene.Answers);
        // Whatever came of it, the reload is over.
        Assert.Equal(["reloading", "ready", "stopping"], scene.Manager.Told);
        Assert.Contains("parser defect", answer.Problem.Match(p => p.ToText(), () => ""), StringComparison.Ordinal);
        Assert.Equal(1, answer.ConfigVersion);
    }

    private static SupervisorInput Resolved() => new SupervisorInput.Happened(new ControlEvent.Resolved(
        "db.internal", new Arr<System.Net.IPAddress>([System.Net.IPAddress.Loopback])));

    private sealed class Scene
    {
        public Scene(BalConfig config)
        {
            Reading = () => new ConfigReading(config, Arr<Finding>.Empty);
            Supervisor = new SupervisorLoop(
                Inbox, Plane, new NoProbes(), new NoLog(), Manager, () => Reading(), _ => { }, () =>
                    DateTimeOffset.UnixEpoch,
                new ProcessIdentity(1, "/config.yaml", "0", Instant.Zero));
        }

        public Func<Either<ConfigRefusal, ConfigReading>> Reading { get; init; }

        public ScriptedInbox Inbox { get; } = new();

        public RecordingPlane Plane { get; } = new();

        public RecordingManager Manager { get; } = new();

        public List<ReloadAnswer> Answers { get; } = [];

        public SupervisorLoop Supervisor { get; }

        public SupervisorInput ReloadRequest() => new SupervisorInput.Reload(Answers.Add);
    }

    /// <summary>What is written into it, one a call; then time passes.</summary>
    private sealed class ScriptedInbox : IInbox
    {
        private readonly Queue<SupervisorInput> script = new();

        public Instant Now { get; private set; } = Instant.Zero;

        public bool HasMore => script.Count > 0;

        /// <summary>Called before time passes.</summary>
        public Action WhenIdle { get; set; } = () => { };

        public void Add(SupervisorInput input) => script.Enqueue(input);

        public Option<SupervisorInput> Next(Instant until)
        {
            if (script.TryDequeue(out var input))
                return input;
            WhenIdle();
            if (script.TryDequeue(out input))
                return input;
            Assert.NotEqual(Instant.Never, until);
            Now = Instant.Max(Now, until);
            return Option<SupervisorInput>.None;
        }
    }

    private sealed class RecordingPlane : IDataPlane
    {
        public List<string> Done { get; } = [];

        public Either<Problem, Unit> Prepare(BalConfig config) => Do("prepare");

        public void Commit() => Do("commit");

        public void Abandon() => Do("abandon");

        public void Publish(RoutingTable table) => Do("publish");

        public void Forget(BackendId backend) => Do("forget");

        public void ForgetService(ServiceId service) => Do("forget service");

        public void StopAccepting() => Do("stop accepting");

        public void Cut(int oneOf) => Do("cut");

        public void Reset(BackendId backend, TerminationReason reason) => Do("reset");

        public Traffic Measure() => Traffic.None;

        private Unit Do(string what)
        {
            Done.Add(what);
            return Unit.Default;
        }
    }

    private sealed class RecordingManager : IServiceManager
    {
        public List<string> Told { get; } = [];

        public void Ready() => Told.Add("ready");

        public void Reloading() => Told.Add("reloading");

        public void Stopping(Duration within) => Told.Add("stopping");

        public void Show(ControlState state)
        {
        }
    }

    private sealed class NoProbes : IProber
    {
        public void Start(ControlEffect.StartProbe probe)
        {
        }

        public void Resolve(string name)
        {
        }
    }

    private sealed class NoLog : ILogSink
    {
        public void Write(LogEvent line)
        {
        }
    }
}
