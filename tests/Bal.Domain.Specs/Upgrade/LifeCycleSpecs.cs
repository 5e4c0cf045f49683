using Bal.Domain.Primitives;
using Bal.Domain.Upgrade;
using LanguageExt;

namespace Bal.Domain.Specs.Upgrade;

/// <summary>
/// Commands, signals, killed processes and removed files at every moment of an upgrade and beside each other: every
/// order in which they and the steps of the processes can follow one another is tried, on a <see cref="LifeWorld"/>.
/// </summary>
public class LifeCycleSpecs(Xunit.Abstractions.ITestOutputHelper output)
{
    private static readonly string[] Happenings =
    [
        "stop", "start", "reload", "upgrade", "TERM 0", "TERM 1", "HUP 0", "USR2 0", "kill 0", "kill 1", "unlink pid",
        "unlink socket",
    ];

    private const int MostWorlds = 400_000;

    private static readonly (string One, string Other)[] Pairs =
    [
        .. from i in Enumerable.Range(0, Happenings.Length)
           from j in Enumerable.Range(i, Happenings.Length - i)
           select (Happenings[i], Happenings[j]),
    ];

    private int worlds;

    [Fact]
    public void Any_two_at_any_moment_of_an_upgrade()
    {
        foreach (var (one, other) in Pairs)
            Nothing(Explore(["upgrade", one, other], AsItIs));
        output.WriteLine($"{worlds} worlds");
    }

    [Fact]
    public void Any_two_without_an_upgrade()
    {
        foreach (var (one, other) in Pairs)
            Nothing(Explore([one, other], AsItIs));
    }

    [Theory]
    [InlineData("never rests", "two processes accept")]
    [InlineData("takes nothing back", "'stop' said stopped")]
    [InlineData("keeps its files", "serves nobody")]
    public void A_process_that_decides_otherwise_is_found(string how, string fault)
    {
        var found = Pairs.Select(pair => Explore(["upgrade", pair.One, pair.Other], (happened, state) =>
        {
            var step = AsItIs(happened, state);
            return step with
            {
                Effects = how[0] switch
                {
                    'n' => step.Effects.Bind(e => e is UpgradeEffect.Rest
                        ? Prelude.Array<UpgradeEffect>(e, new UpgradeEffect.Resume()) : Prelude.Array(e)),
                    't' => step.Effects.Filter(e => e is not UpgradeEffect.Reclaim),
                    _ => step.Effects.Filter(e => e is not UpgradeEffect.Yield),
                },
            };
        })).FirstOrDefault(seen => seen.Length > 0, "");

        Assert.Contains(fault, found, StringComparison.Ordinal);
    }

    private static void Nothing(string fault) => Assert.True(fault.Length == 0, fault);

    private static UpgradeStep AsItIs(UpgradeEvent happened, UpgradeState state) =>
        UpgradeMachine.Step(happened, Instant.Zero, state);

    /// <summary>What went wrong and how it came to that; empty where nothing can.</summary>
    private string Explore(string[] commands, Func<UpgradeEvent, UpgradeState, UpgradeStep> decide)
    {
        var first = LifeWorld.Serving(commands, decide);
        var seen = new Dictionary<string, (string From, string What)> { [first.Key()] = ("", "") };
        var next = new Queue<LifeWorld>([first]);
        while (next.TryDequeue(out var world))
        {
            var key = world.Key();
            var moves = LifeMoves.Of(world).ToArray();
            if (Faults.Of(world, isEnd: moves.Length == 0) is { Length: > 0 } fault)
                return Trace(fault, seen, key, commands);
            foreach (var (what, after) in moves)
            {
                if (seen.TryAdd(after.Key(), (key, what)))
                    next.Enqueue(after);
                if (after.Wrong.Length > 0)
                    return Trace(after.Wrong, seen, after.Key(), commands);
            }

            Assert.True(seen.Count < MostWorlds, $"{string.Join(", ", commands)}: there is no end to it");
        }

        worlds += seen.Count;
        return "";
    }

    private static string Trace(
        string fault, Dictionary<string, (string From, string What)> seen, string at, string[] commands)
    {
        var trace = new List<string>();
        for (var key = at; seen[key].From.Length > 0; key = seen[key].From)
            trace.Add($"{seen[key].What}\n        {key}");
        trace.Reverse();
        return $"{string.Join(", ", commands)}: {fault}, after\n{string.Join("\n", trace)}";
    }

    private static class Faults
    {
        public static string Of(LifeWorld world, bool isEnd)
        {
            if (world.Processes.Count(p => p.Accepts) > 1)
                return "two processes accept";
            if (!world.StopAsked && !world.Killed && !world.IsPortTaken)
                return "clients are refused";
            if (!world.StopAsked && world.Commands.Exists(c => c.Step == "over stopping"))
                return "somebody was told that bal is stopping";
            return isEnd ? AtTheEnd(world) : "";
        }

        // Nothing happens any more: whoever serves can be reached, and every command has its outcome.
        private static string AtTheEnd(LifeWorld world)
        {
            for (var i = 0; i < world.Processes.Count; i++)
            {
                var p = world.Processes[i];
                if (!p.Alive)
                    continue;
                if (p.Drains)
                    return $"{i} drains without end";
                if (!p.Accepts)
                    return $"{i} is there and serves nobody";
                if (world.PidPath != p.Inode || world.Inodes[p.Inode] != (i, i))
                    return $"{i} serves without the lock of the PID file";
                if (world.SocketPath != p.Socket || !p.Answers)
                    return $"{i} serves without the control socket";
            }

            var waits = world.Commands.Find(c => !c.IsOver && c.Step.Length > 0);
            if (waits is not null)
                return $"'{waits.What}' waits without end";
            if (world.Commands.Exists(c => c.Step == "over silence"))
                return "a command had no answer";
            return world.StopAsked || world.Killed || world.Processes.Exists(p => p.Accepts) ? "" : "nobody serves";
        }
    }
}
