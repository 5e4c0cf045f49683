using System.Text;
using System.Text.Json.Nodes;
using Bal.Domain.Control;
using Bal.Domain.Messages;
using Bal.Domain.Recording;
using Bal.Domain.Replay;
using Bal.Domain.Specs.Control;
using Bal.Domain.Specs.Generators;
using FsCheck.Xunit;
using LanguageExt;

namespace Bal.Domain.Specs.Recording;

/// <summary>The log of another version is compared by its effects, and the first that differs is named.</summary>
[Properties(Arbitrary = [typeof(Values), typeof(Configs), typeof(Scenarios)])]
public class OtherVersionSpecs
{
    private const string Other = "9.9.9";

    public static TheoryData<string> Logs => Released.Files("decisions", ".ndjson");

    [Theory]
    [MemberData(nameof(Logs))]
    public void A_log_of_a_released_version_replays(string file)
    {
        var replayed = Right(Recordings.Replay(Released.Lines(file)));
        var told = Released.Json(file.Replace(".ndjson", ".replay.json", StringComparison.Ordinal));

        Assert.Equal(Released.VersionOf(file), replayed.OtherVersion.IfNone(""));
        Assert.Equal(told.GetProperty("steps").GetInt64(), replayed.Totals.Steps);
        Assert.Equal(told.GetProperty("checkpoints").GetInt64(), replayed.Totals.Checkpoints);
        Assert.Equal(told.GetProperty("covered_ms").GetInt64(), replayed.Totals.Covered.Milliseconds);
    }

    [Theory]
    [MemberData(nameof(Logs))]
    public void A_log_of_a_released_version_tells_the_same_story(string file)
    {
        var told = Released.Json(file.Replace(".ndjson", ".replay.json", StringComparison.Ordinal))
            .GetProperty("timeline").EnumerateArray().Select(entry => entry.GetProperty("event").GetString()!);
        var state = ReplayState.Begin(Recordings.Version);
        var events = new List<string>();
        foreach (var line in Released.Lines(file))
        {
            var step = ReplayMachine.Next(line.AsMemory(0, line.Length - 1), state)
                .Match(Right: s => s, Left: f => throw new InvalidOperationException(f.Problem.WhatHappened));
            state = step.State;
            if (step.What is Replayed.Step decided)
                events.AddRange(Timeline.Of(decided.After.Effects).Map(entry => entry.Event));
        }

        Assert.Equal(told, events);
    }

    [Property]
    public void A_life_recorded_by_another_version_replays_by_its_effects(Scenario life)
    {
        var replayed = Right(Recordings.Replay(Recordings.Of(life), Other));

        Assert.Equal(life.Moments.Count, replayed.Totals.Steps);
        Assert.Equal(life.Moments.Count > 0, replayed.OtherVersion.IsSome);
    }

    [Property]
    public void Another_digest_of_another_version_is_not_a_difference(Scenario life) =>
        Assert.True(Recordings.Replay(Changed(life, step => step with { Digest = default }), Other).IsRight);

    [Property]
    public void Another_effect_is_a_difference_at_its_line(Scenario life, ushort at)
    {
        var victim = 1 + at % Math.Max(1, life.Moments.Count);
        var fault = Recordings.Replay(
            Changed(life, step => step.Sequence == victim
                ? step with { Effects = step.Effects.Map(digest => new EffectDigest(~digest.Value)) }
                : step),
            Other);

        Assert.Equal(life.Moments.Count > 0, fault.IsLeft);
        fault.IfLeft(f => Assert.Equal((victim + 1, "replay_differs"), (f.Line, f.Problem.Code)));
        fault.IfLeft(f => Assert.StartsWith(
            $"bal {Recordings.Version} wrote the file, and this is bal {Other}", f.Problem.WhyLikely,
                StringComparison.Ordinal));
    }

    [Property]
    public void What_a_log_line_says_is_not_part_of_the_effects_in_common(Scenario life) => Life.Of(life, o =>
        Assert.Equal(
            EffectDigest.Of(o.After.Effects),
            EffectDigest.Of(o.After.Effects.Filter(e => e is not ControlEffect.Log)
                .Add(new ControlEffect.Log(LogEvent.Info("a", "b", "c"))))));

    [Theory]
    [InlineData("0.1.0/decisions/failing.ndjson", "probe", 3, "was probed when it was recorded")]
    [InlineData("0.1.0/decisions/name.ndjson", "resolution", 3, "was looked up when it was recorded")]
    public void An_ending_without_a_beginning_in_the_replay_is_a_difference(
        string file, string what, long line, string reason)
    {
        // Nothing is ever due in this state, so that the replay begins nothing.
        var lines = Edited(file, state =>
        {
            foreach (var backend in state["services"]![0]!["backends"]!.AsArray())
                backend![what]!["next_at"] = long.MaxValue;
        });

        var fault = Left(Recordings.Replay(lines));

        Assert.Equal((line, "replay_differs"), (fault.Line, fault.Problem.Code));
        Assert.Contains(reason, fault.Problem.WhatHappened, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("health", "failures", "health of backend 127.0.0.1:")]
    [InlineData("cooldown", "streak", "cooldown of backend 127.0.0.1:")]
    public void Another_state_at_a_checkpoint_after_an_upgrade_is_a_difference(
        string part, string member, string reason)
    {
        const string file = "0.1.0/decisions/upgraded.ndjson";
        var second = Released.Lines(file).Select((line, i) => (line, i))
            .Last(l => Encoding.UTF8.GetString(l.line).StartsWith("{\"decision_log\"", StringComparison.Ordinal)).i;

        var fault = Left(Recordings.Replay(Edited(
            file, state => state["services"]![0]!["backends"]![0]![part]![member] = 7, second)));

        Assert.Equal((second + 1L, "replay_differs"), (fault.Line, fault.Problem.Code));
        Assert.Contains(reason, fault.Problem.WhatHappened, StringComparison.Ordinal);
    }

    [Fact]
    public void A_log_that_uses_what_this_version_does_not_know_is_refused_and_the_member_named()
    {
        var line = Encoding.UTF8.GetString(Released.Lines("0.1.0/decisions/healthy.ndjson").First());
        var later = Recordings.Sealed(line.Replace(
            "{\"decision_log\":1,",
            "{\"decision_log\":2,\"must_know\":[\"state.config.services[].allow\"],", StringComparison.Ordinal));

        var fault = Left(Recordings.Replay([later]));

        Assert.Equal("decision_log_not_understood", fault.Problem.Code);
        Assert.Contains(
            "uses 'allow', which this version does not know", fault.Problem.WhatHappened, StringComparison.Ordinal);
        Assert.False(fault.IsDamage);
    }

    private static IEnumerable<byte[]> Changed(Scenario life, Func<DecisionLine.Step, DecisionLine> change) =>
        Recordings.Rechained(Recordings.Read(Recordings.Of(life)).Select(line =>
            line.Match(checkpoint => checkpoint, change)));

    // A released log with another state in one of its checkpoints, under checksums that are right.
    private static IEnumerable<byte[]> Edited(string file, Action<JsonNode> edit, int at = 0)
    {
        var lines = Released.Lines(file).Select((line, i) =>
        {
            if (i != at)
                return line;
            var node = JsonNode.Parse(line)!;
            edit(node["state"]!);
            return Recordings.Sealed(node.ToJsonString());
        });
        return Recordings.Rechained(Recordings.ReadEach(lines));
    }

    private static ReplayState Right(Either<ReplayFault, ReplayState> replayed) =>
        replayed.Match(Right: s => s, Left: f => throw new InvalidOperationException(f.Problem.WhatHappened));

    private static ReplayFault Left(Either<ReplayFault, ReplayState> replayed) =>
        replayed.Match(
            Right: _ => throw new InvalidOperationException("no difference was found"), Left: fault => fault);
}
