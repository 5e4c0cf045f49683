using Bal.Domain.Control;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Recording;
using Bal.Domain.Replay;
using Bal.Domain.Specs.Control;
using Bal.Domain.Specs.Generators;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Recording;

/// <summary>A decision log is followed to the same states and effects, or its first difference is named.</summary>
[Properties(Arbitrary = [typeof(Values), typeof(Configs), typeof(Scenarios)])]
public class ReplaySpecs
{
    [Property]
    public void Every_recorded_life_is_replayed_to_the_state_that_it_reached(Scenario scenario)
    {
        var end = Life.Of(scenario, _ => { });

        var replayed = Right(scenario);

        Assert.Equal(end, replayed.Position.Match(p => p.State, () => throw new InvalidOperationException()));
        Assert.Equal(scenario.Moments.Count, replayed.Totals.Steps);
        Assert.Equal(scenario.Moments.Sum(m => m.AfterMs), replayed.Totals.Covered.Milliseconds);
    }

    [Property]
    public void A_digest_reached_step_by_step_is_that_of_the_state_itself(Scenario scenario)
    {
        var digest = StateDigest.Of(ControlMachine.Start(scenario.Config, Life.Birth).State);
        Life.Of(scenario, o =>
        {
            digest = digest.Next(o.After);
            Assert.Equal(StateDigest.Of(o.After.State).Value, digest.Value);
            Assert.Equal(digest.Value, StateDigest.Of(o.Before).Next(o.After.State).Value);
        });
    }

    [Property]
    public void A_step_that_replays_differently_is_named(Scenario scenario, ushort at, bool state)
    {
        var lines = Recordings.Read(Recordings.Of(scenario));
        if (lines.Count < 2)
            return;
        var victim = 1 + at % (lines.Count - 1);
        var step = (DecisionLine.Step)lines[victim];
        var other = step with
        {
            Digest = state
                ? step.Digest with { State = ~step.Digest.State }
                : step.Digest with { Effects = ~step.Digest.Effects },
        };

        var fault = Left(Recordings.Rechained(lines.Select((line, i) => i == victim ? other : line)));

        Assert.Equal(victim + 1, fault.Line);
        Assert.Equal("replay_differs", fault.Problem.Code);
        Assert.Contains(
            state ? "the state differs" : "the effects differ",
            fault.Problem.WhatHappened, StringComparison.Ordinal);
        Assert.Contains($"(step {step.Sequence},", fault.Problem.WhatHappened, StringComparison.Ordinal);
        Assert.Contains(step.Digest.ToText(), fault.Problem.WhatHappened, StringComparison.Ordinal);
        Assert.Contains(other.Digest.ToText(), fault.Problem.WhatHappened, StringComparison.Ordinal);
    }

    [Property]
    public void Two_states_of_a_life_have_the_same_digest_only_if_they_are_equal(
        Scenario scenario) => Life.Of(scenario, o =>
        Assert.Equal(
            o.Before == o.After.State, StateDigest.Of(o.Before).Value == StateDigest.Of(o.After.State).Value));

    [Property]
    public void What_concerns_the_whole_process_is_part_of_the_digest(Scenario scenario)
    {
        var state = Life.Of(scenario, _ => { });
        ControlState[] others =
        [
            state with { Config = state.Config with { LogLevel = LogLevel.Error } },
            state with { ConfigVersion = state.ConfigVersion + 1 },
            state with { NextBackendId = state.NextBackendId + 1 },
        ];

        Assert.All(others, other => Assert.NotEqual(StateDigest.Of(state).Value, StateDigest.Of(other).Value));
    }

    [Property]
    public void A_step_that_is_left_out_is_noticed_even_where_the_chain_was_mended(Scenario scenario, ushort at)
    {
        var lines = Recordings.Read(Recordings.Of(scenario));
        var victim = 1 + (at % lines.Count);
        if (victim >= lines.Count - 1)
            return;

        var fault = Left(Recordings.Rechained(lines.Where((_, i) => i != victim)));

        Assert.Equal(victim + 1, fault.Line);
        Assert.Contains($"expected {victim}, found {victim + 1}", fault.Problem.WhatHappened, StringComparison.Ordinal);
    }

    [Property]
    public void A_step_before_its_time_is_noticed_even_where_the_chain_was_mended(Scenario scenario, ushort at)
    {
        var lines = Recordings.Read(Recordings.Of(scenario));
        if (lines.Count < 2)
            return;
        var victim = 1 + (at % (lines.Count - 1));
        var early = (DecisionLine.Step)lines[victim] with { At = new Instant(Life.Birth.Milliseconds - 1) };

        var fault = Left(Recordings.Rechained(lines.Select((line, i) => i == victim ? early : line)));

        Assert.Equal(victim + 1, fault.Line);
        Assert.Contains("it is earlier than the line before", fault.Problem.WhatHappened, StringComparison.Ordinal);
    }

    [Property]
    public void A_log_of_another_format_is_refused_and_said_to_be_one(Scenario scenario, byte more)
    {
        var format = 3 + more;
        var line = Recordings.Sealed(Recordings.Text(Recordings.Of(scenario)[0])
            .Replace("{\"decision_log\":2,", $"{{\"decision_log\":{format},", StringComparison.Ordinal));

        Assert.Contains(
            "another version of bal wrote this", Left([line]).Problem.WhatHappened, StringComparison.Ordinal);
    }

    [Property]
    public void Any_changed_byte_is_noticed_at_its_line(Scenario scenario, ushort line, ushort at, byte what)
    {
        var lines = Recordings.Of(scenario).ToList();
        var victim = line % lines.Count;
        var bytes = (byte[])lines[victim].Clone();
        var place = at % (bytes.Length - 1);
        if (bytes[place] == what)
            return;
        bytes[place] = what;
        lines[victim] = bytes;

        Assert.Equal(victim + 1, Left(lines).Line);
    }

    [Property]
    public void A_changed_digit_which_leaves_sound_JSON_is_noticed_at_its_line(
        Scenario scenario, ushort line, ushort at, byte to)
    {
        var lines = Recordings.Of(scenario).ToList();
        var victim = line % lines.Count;
        var bytes = (byte[])lines[victim].Clone();
        var digits = Enumerable.Range(0, bytes.Length).Where(i => char.IsAsciiDigit((char)bytes[i])).ToArray();
        var place = digits[at % digits.Length];
        // Any other digit but a leading zero.
        bytes[place] = (byte)('1' + ((bytes[place] - '1' + 1 + (to % 8)) % 9));
        if (bytes[place] == lines[victim][place])
            return;
        lines[victim] = bytes;

        Assert.Equal(victim + 1, Left(lines).Line);
    }

    [Property]
    public void A_line_does_not_follow_one_that_it_was_not_written_after(Scenario scenario)
    {
        var lines = Recordings.Of(scenario);
        if (lines.Count < 2)
            return;
        // The same start, told at another time of day: everything but the chain fits.
        var start = (DecisionLine.Checkpoint)Recordings.Read(lines)[0];
        var other = Recordings.Rechained([start with { WallTime = "2027-01-02T03:04:05Z" }]);

        Assert.Equal(2, Left(other.Concat(lines.Skip(1))).Line);
    }

    [Property]
    public void A_line_that_is_missing_is_noticed_where_it_was(Scenario scenario, ushort line)
    {
        var lines = Recordings.Of(scenario).ToList();
        var victim = line % lines.Count;
        if (victim == lines.Count - 1)
            return;
        lines.RemoveAt(victim);

        Assert.Equal(victim + 1, Left(lines).Line);
    }

    [Property]
    public void Lines_of_several_starts_in_one_file_are_followed_one_after_the_other(Scenario first, Scenario second)
    {
        var state = Recordings.Replay(Recordings.Of(first).Concat(Recordings.Of(second)))
            .Match(Right: s => s, Left: f => throw new InvalidOperationException(f.Problem.WhatHappened));

        Assert.Equal(2, state.Totals.Checkpoints);
        Assert.Equal(first.Moments.Count + second.Moments.Count, state.Totals.Steps);
    }

    [Property]
    public void After_a_gap_replay_goes_on_from_the_state_that_is_written_there(
        Scenario scenario, ushort from, ushort to)
    {
        var lines = Recordings.Read(Recordings.Of(scenario));
        var states = new List<ControlState> { ControlMachine.Start(scenario.Config, Life.Birth).State };
        Life.Of(scenario, o => states.Add(o.After.State));
        var (first, last) = (from % lines.Count, to % lines.Count);
        if (first >= last || first == 0)
            return;
        var end = (DecisionLine.Step)lines[last];
        var gap = new DecisionLine.Checkpoint(
            Recordings.Version, CheckpointReason.Gap, end.Sequence, end.At, "", last - first + 1, states[last]);

        var state = Recordings.Replay(Recordings.Rechained(lines.Take(first).Append(gap).Concat(lines.Skip(last + 1))))
            .Match(Right: s => s, Left: f => throw new InvalidOperationException(f.Problem.WhatHappened));

        Assert.Equal(last - first + 1, state.Totals.Unrecorded);
        Assert.Equal(lines.Count - 1, state.Totals.Steps + state.Totals.Unrecorded);
    }

    [Property]
    public void A_gap_goes_on_from_the_lines_before_it_and_a_start_from_nothing(Scenario scenario, bool gap)
    {
        var start = (DecisionLine.Checkpoint)Recordings.Read(Recordings.Of(scenario))[0];
        var second = start with { Reason = gap ? CheckpointReason.Gap : CheckpointReason.Rotated };
        var lines = Recordings.Rechained([start, second]);

        var elsewhere = Recordings.Rechained([start with { WallTime = "2027-01-02T03:04:05Z" }]).Append(lines[1]);

        Assert.True(Recordings.Replay(lines).IsRight);
        Assert.Equal(gap, Recordings.Replay(elsewhere).IsLeft);
    }

    [Fact]
    public void A_step_before_any_checkpoint_is_not_a_decision_log()
    {
        var line = DecisionChain.Start.Append(new DecisionLine.Step(1, Instant.Zero, Life.Tick, default)).Bytes;

        Assert.Contains("expected a checkpoint", Left([line]).Problem.WhatHappened, StringComparison.Ordinal);
    }

    private static ReplayState Right(Scenario scenario) => Recordings.Replay(Recordings.Of(scenario))
        .Match(Right: s => s, Left: f => throw new InvalidOperationException(f.Problem.WhatHappened));

    private static ReplayFault Left(IEnumerable<byte[]> lines) => Recordings.Replay(lines)
        .Match(Right: _ => throw new InvalidOperationException("no difference was found"), Left: fault => fault);
}
