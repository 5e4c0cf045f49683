using Bal.Application;
using Bal.Domain.Backend;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Infrastructure.Process;
using Bal.Infrastructure.Recording;
using Bal.Integration.DataPlane;
using Bal.Integration.Process;
using LanguageExt;
using Outcome = Bal.Domain.Backend.Outcome;

namespace Bal.Integration.Recording;

/// <summary>What the recorder leaves behind always replays, whatever happens to its file.</summary>
public sealed class RecorderSpecs : IDisposable
{
    private const string Version = "1.2.3";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly TempDirectory directory = new();
    private readonly List<LogEvent> said = [];

    private string File => directory.File("decisions.ndjson");

    private bool IsOwn(string path) => new BalHome(directory.Root).Owns(path);

    public void Dispose() => directory.Dispose();

    [Fact]
    public void What_is_recorded_replays()
    {
        using (var bal = new Bal(this, File))
            bal.Live(500);

        var outcome = Replay(File);

        Assert.Equal((1, 500, 0), Totals(outcome));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, System.IO.File.GetUnixFileMode(File));
        Assert.Equal(["decision_log_started"], said.Select(line => line.Event));
    }

    [Fact]
    public void A_file_that_is_full_is_put_aside_once_and_each_begins_with_a_checkpoint()
    {
        using (var bal = new Bal(this, File, limit: 20_000))
            bal.Live(1_000);

        Assert.Equal(
            [File, File + ".1"], Directory.GetFiles(directory.Root).Order());
        Assert.All([File, File + ".1"], file =>
        {
            Assert.InRange(new FileInfo(file).Length, 1, 21_000);
            Assert.StartsWith("{\"decision_log\":2,", System.IO.File.ReadAllText(file), StringComparison.Ordinal);
            Assert.True(Replay(file).Fault.IsNone);
        });
        Assert.Contains("\"reason\":\"rotated\"", System.IO.File.ReadLines(File).First(), StringComparison.Ordinal);
    }

    [Fact]
    public void Steps_that_the_queue_has_no_room_for_are_said_and_followed_by_a_checkpoint()
    {
        using var held = new ManualResetEventSlim();
        // What the writer says it says on its own thread, which thus stands still.
        using (var bal = new Bal(this, File, onSaid: () => held.Wait(Patience)))
        {
            bal.Live(DecisionRecorder.Capacity + 1_000);
            held.Set();
            Assert.True(bal.Recorder.Flush(Patience));
            bal.Live(10);
        }

        var outcome = Replay(File);

        Assert.True(outcome.State.Totals.Unrecorded > 0);
        Assert.Equal(
            DecisionRecorder.Capacity + 1_010, outcome.State.Totals.Steps + outcome.State.Totals.Unrecorded);
        Assert.Contains(said, line => line.Event == "decision_log_gap");
        Assert.Contains("\"reason\":\"gap\"", System.IO.File.ReadAllText(File), StringComparison.Ordinal);
    }

    [Fact]
    public void Another_start_goes_on_in_the_same_file_after_half_a_line_is_removed()
    {
        using (var bal = new Bal(this, File))
            bal.Live(10);
        System.IO.File.AppendAllText(File, "{\"seq\":11,\"at\":5");
        using (var bal = new Bal(this, File))
            bal.Live(20);

        Assert.Equal((2, 30, 0), Totals(Replay(File)));
    }

    [Fact]
    public void A_last_line_that_is_cut_is_reported_and_no_fault()
    {
        using (var bal = new Bal(this, File))
            bal.Live(10);
        using (var file = System.IO.File.OpenWrite(File))
            file.SetLength(file.Length - 20);

        var outcome = Replay(File);

        Assert.Equal((1, 9, 0), Totals(outcome));
        Assert.Equal(11, outcome.CutLine.IfNone(0));
    }

    [Fact]
    public void A_newline_alone_that_is_missing_costs_no_step()
    {
        using (var bal = new Bal(this, File))
            bal.Live(10);
        using (var file = System.IO.File.OpenWrite(File))
            file.SetLength(file.Length - 1);

        Assert.Equal((1, 10, 0), Totals(Replay(File)));
        Assert.True(Replay(File).CutLine.IsNone);
    }

    [Fact]
    public void A_reload_moves_the_record_to_another_file_and_both_replay()
    {
        var other = directory.File("other.ndjson");
        using (var bal = new Bal(this, File))
        {
            bal.Live(5);
            bal.Step(new ControlEvent.Reloaded(bal.State.Config with { DecisionLog = other }));
            bal.Live(7);
            bal.Step(new ControlEvent.Reloaded(bal.State.Config with { DecisionLog = Option<string>.None }));
            bal.Live(9);
        }

        Assert.Equal((1, 6, 0), Totals(Replay(File)));
        Assert.Equal((1, 8, 0), Totals(Replay(other)));
    }

    [Theory]
    [InlineData("link", "decision_log_failed", "it is a symbolic link")]
    [InlineData("missing/d.ndjson", "decision_log_failed", "No such file or directory")]
    [InlineData("notes.txt", "decision_log_foreign", "contains something other than decisions")]
    [InlineData("", "decision_log_failed", "Is a directory")]
    public void A_file_that_cannot_be_used_is_said_once_and_costs_nothing_else(string name, string code, string what)
    {
        var notes = directory.File("notes.txt");
        System.IO.File.WriteAllText(notes, "remember the milk\n");
        System.IO.File.CreateSymbolicLink(directory.File("link"), notes);
        using (var bal = new Bal(this, Path.Combine(directory.Root, name)))
            bal.Live(100);

        var line = Assert.Single(said);
        Assert.Equal((code, LogLevel.Error), (line.Event, line.Level));
        Assert.Contains(what, line.Message, StringComparison.Ordinal);
        Assert.Equal("remember the milk\n", System.IO.File.ReadAllText(notes));
    }

    [Fact]
    public void A_file_that_was_renamed_is_begun_anew_when_asked_to()
    {
        var kept = directory.File("kept.ndjson");
        using (var bal = new Bal(this, File))
        {
            bal.Live(5);
            Assert.True(bal.Recorder.Flush(Patience));
            System.IO.File.Move(File, kept);
            bal.Recorder.Reopen();
            bal.Live(5);
        }

        Assert.Equal((1, 5, 0), Totals(Replay(kept)));
        Assert.Equal(1, Replay(File).State.Totals.Checkpoints);
        Assert.Equal(4, Replay(File).State.Totals.Steps);
    }

    [Fact]
    public void After_a_hand_over_nothing_more_is_written()
    {
        using (var bal = new Bal(this, File))
        {
            bal.Live(5);
            bal.Step(new ControlEvent.HandedOver(4711));
            bal.Live(5);
        }

        Assert.Equal((1, 6, 0), Totals(Replay(File)));
    }

    [Fact]
    public void Steps_that_were_not_recorded_before_a_hand_over_are_counted()
    {
        using var held = new ManualResetEventSlim();
        // What the writer says it says on its own thread, which thus stands still.
        using (var bal = new Bal(this, File, onSaid: () => held.Wait(Patience)))
        {
            bal.Live(DecisionRecorder.Capacity + 10);
            held.Set();
            Assert.True(bal.Recorder.Flush(Patience));
            bal.Step(new ControlEvent.HandedOver(4711));
        }

        var totals = Replay(File).State.Totals;

        Assert.True(totals.Unrecorded > 0);
        Assert.Equal(DecisionRecorder.Capacity + 11, totals.Steps + totals.Unrecorded);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_line_that_is_missing_before_a_start_is_noticed_and_so_is_a_start_that_stands_twice(bool missing)
    {
        for (var i = 0; i < 2; i++)
            using (var bal = new Bal(this, File))
                bal.Live(3);
        var lines = System.IO.File.ReadAllLines(File).ToList();
        Assert.Equal(8, lines.Count);
        if (missing)
            lines.RemoveAt(3);
        else
            lines.Insert(5, lines[4]);
        System.IO.File.WriteAllLines(File, lines);

        var fault = Replay(File).Fault.Match(f => f, () => throw new InvalidOperationException("not noticed"));

        Assert.Equal(missing ? 4 : 6, fault.Line);
        Assert.Equal("decision_log_damaged", fault.Problem.Code);
    }

    [Fact]
    public void A_first_line_that_stands_twice_is_noticed()
    {
        using (var bal = new Bal(this, File))
            bal.Live(3);
        var lines = System.IO.File.ReadAllLines(File);
        System.IO.File.WriteAllLines(File, lines.Prepend(lines[0]));

        Assert.Contains(
            "it repeats the line before",
            Replay(File).Fault.Match(f => f.Problem.WhatHappened, () => ""), StringComparison.Ordinal);
    }

    [Fact]
    public void Two_files_of_one_recording_replay_as_one()
    {
        var kept = directory.File("kept.ndjson");
        using (var bal = new Bal(this, File))
        {
            bal.Live(5);
            Assert.True(bal.Recorder.Flush(Patience));
            System.IO.File.Move(File, kept);
            bal.Recorder.Reopen();
            bal.Live(5);
        }

        var both = directory.File("both.ndjson");
        System.IO.File.WriteAllText(both, System.IO.File.ReadAllText(kept) + System.IO.File.ReadAllText(File));

        Assert.Equal((2, 9, 0), Totals(Replay(both)));
    }

    [Theory]
    [InlineData("bal.pid")]
    [InlineData("bal.log")]
    [InlineData("bal.sock")]
    public void No_file_of_bal_itself_becomes_a_decision_log(string name)
    {
        using (var bal = new Bal(this, directory.File(name)))
            bal.Live(10);

        Assert.Equal("decision_log_foreign", Assert.Single(said).Event);
        Assert.False(System.IO.File.Exists(directory.File(name)));
    }

    [Fact]
    public void A_file_that_cannot_be_read_on_is_a_problem_that_says_why()
    {
        using var reader = DecisionLogReader.Open("/proc/self/mem")
            .Match(Right: r => r, Left: p => throw new InvalidOperationException(p.WhatHappened));

        var outcome = Replaying.Follow(reader.Lines(), Version, _ => { });

        Assert.Equal("decision_log_unreadable", outcome.Fault.Match(f => f.Problem.Code, () => ""));
    }

    [Fact]
    public void A_line_beyond_the_limit_is_a_fault_and_not_read()
    {
        System.IO.File.WriteAllText(File, new string('x', 5_000));
        using var reader = DecisionLogReader.Open(File, mostOfALine: 1_000)
            .Match(Right: r => r, Left: p => throw new InvalidOperationException(p.WhatHappened));

        var outcome = Replaying.Follow(reader.Lines(), Version, _ => { });

        Assert.Contains(
            "longer than any line", outcome.Fault.Match(f => f.Problem.WhatHappened, () => ""),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "the decision log is empty")]
    [InlineData("{\"decision_log\":1", "line 1 of the decision log is damaged")]
    [InlineData("{\"decision_log\":9,\"chain\":\"0123456789abcdef\"}\n", "decision_log: expected format 1 or 2")]
    [InlineData("hello\n", "it does not end in a checksum")]
    public void What_is_not_a_decision_log_is_said_not_to_be_one(string content, string what)
    {
        System.IO.File.WriteAllText(File, content);

        Assert.Contains(
            what, Replay(File).Fault.Match(f => f.Problem.WhatHappened, () => ""), StringComparison.Ordinal);
    }

    private static (long Checkpoints, long Steps, long Unrecorded) Totals(ReplayOutcome outcome)
    {
        Assert.Equal("", outcome.Fault.Match(f => f.Problem.ToText(), () => ""));
        return (outcome.State.Totals.Checkpoints, outcome.State.Totals.Steps, outcome.State.Totals.Unrecorded);
    }

    private static ReplayOutcome Replay(string file)
    {
        using var reader = DecisionLogReader.Open(file)
            .Match(Right: r => r, Left: p => throw new InvalidOperationException(p.WhatHappened));
        return Replaying.Follow(reader.Lines(), Version, _ => { });
    }

    /// <summary>A core that decides, and the recorder that sees it.</summary>
    private sealed class Bal : IDisposable
    {
        private Instant now = new(1_000);

        public Bal(RecorderSpecs specs, string file, long limit = 1 << 20, Action? onSaid = null)
        {
            Recorder = new DecisionRecorder(
                new DecisionWriter(
                    Version,
                    line =>
                    {
                        specs.said.Add(line);
                        onSaid?.Invoke();
                    },
                    specs.IsOwn,
                    limit),
                () => DateTimeOffset.UnixEpoch);
            var config = LivePlane.ConfigOf(9_295);
            State = ControlMachine.Start(
                config with
                {
                    DecisionLog = file,
                    Services = config.Services.Map(s => s with
                    {
                        Backends = Prelude.Array(9_001, 9_002)
                            .Map(port => new BackendConfig(new Endpoint(new Host.Name("localhost"), port))),
                    }),
                },
                now).State;
            Recorder.Began(now, State);
        }

        public ControlState State { get; private set; }

        public DecisionRecorder Recorder { get; }

        /// <summary>Ticks and probes that fail and pass.</summary>
        public void Live(int steps)
        {
            for (var i = 0; i < steps; i++)
                Step(i % 2 == 0
                    ? new ControlEvent.Tick()
                    : new ControlEvent.ProbeEnded(
                        new BackendId(1 + i / 2 % 2),
                        i / 8 % 2 == 0 ? Outcome.Success : Outcome.Failure(FailureKind.Refused),
                        Option<System.Net.IPAddress>.None));
        }

        public void Step(ControlEvent happened)
        {
            now = now.Plus(new Duration(250));
            var step = ControlMachine.Step(happened, now, State);
            Recorder.Decided(happened, now, step);
            State = step.State;
        }

        public void Dispose()
        {
            Assert.True(Recorder.Flush(Patience));
            Recorder.Dispose();
        }
    }
}
