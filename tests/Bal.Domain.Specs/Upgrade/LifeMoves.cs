using Bal.Domain.Upgrade;

namespace Bal.Domain.Specs.Upgrade;

/// <summary>Everything that can happen next in a <see cref="LifeWorld"/>, each as a world of its own.</summary>
internal static class LifeMoves
{
    /// <summary>The worlds that may come next, with what happened.</summary>
    public static IEnumerable<(string What, LifeWorld World)> Of(LifeWorld world)
    {
        var (moves, key) = (new List<(string, LifeWorld)>(), world.Key());
        for (var i = 0; i < world.Processes.Count; i++)
        {
            if (!world.Processes[i].Alive)
                continue;
            Add($"{i} reads", i, ProcessMoves.Read);
            Add($"{i} goes on", i, ProcessMoves.GoOn);
            Add($"{i} has no connection left", i, ProcessMoves.EndDrain);
            Add($"{i} looks at its files", i, ProcessMoves.Guard);
        }

        for (var c = 0; c < world.Commands.Count; c++)
            Add($"{world.Commands[c].What}: {world.Commands[c].Step}", c, CommandMoves.GoOn);
        // Only then somebody has waited for long enough.
        if (moves.Count == 0)
        {
            for (var c = 0; c < world.Commands.Count; c++)
                Add($"{world.Commands[c].What} gives up", c, CommandMoves.GiveUp);
        }

        return moves;

        void Add(string what, int which, Func<LifeWorld, int, bool> move)
        {
            var next = world.Copy();
            // What changes nothing does not happen.
            if (move(next, which) && next.Key() != key)
                moves.Add((what, next));
        }
    }

    /// <summary>Has the machine of a process decide, and does what it wants.</summary>
    public static void Feed(LifeWorld world, int process, UpgradeEvent happened)
    {
        var p = world.Processes[process];
        var step = world.Decide(happened, p.Machine!);
        p.Machine = step.State;
        foreach (var effect in step.Effects)
            Do(world, process, effect);
    }

    private static void Do(LifeWorld world, int process, UpgradeEffect effect)
    {
        var p = world.Processes[process];
        switch (effect)
        {
            case UpgradeEffect.Spawn:
                Spawn(world, process);
                break;
            case UpgradeEffect.Rest:
                (p.Rests, p.Held) = (true, true);
                p.Inbox.Add("rested");
                break;
            case UpgradeEffect.Resume:
                (p.Rests, p.Held) = (false, p.LockOwed);
                break;
            case UpgradeEffect.HandOver:
                world.Release(process, p.Inode, first: false, rest: true);
                world.Send(process, p.Child, "serve");
                break;
            case UpgradeEffect.Yield:
                (p.Answers, p.FilesAreSuccessors) = (false, true);
                world.Release(process, p.Inode, first: true, rest: true);
                world.Send(process, p.Child, "yours");
                break;
            case UpgradeEffect.Reclaim:
                (p.Answers, p.LockOwed, p.FilesAreSuccessors) = (true, true, true);
                break;
            case UpgradeEffect.Leave:
                (p.Listens, p.Drains, p.Socket, p.FilesAreSuccessors) = (false, true, LifeWorld.None, true);
                world.Send(process, p.Child, "left");
                break;
            case UpgradeEffect.Kill:
                world.End(p.Child, cleanly: false);
                break;
            case UpgradeEffect.StopNew:
                if (world.IsAlive(p.Child))
                    world.Processes[p.Child].Inbox.Add("TERM");
                break;
            case UpgradeEffect.StopOwn e:
                StopOwn(world, process, e.Stop.ByCommand);
                break;
            case UpgradeEffect.Answer e:
                Tell(world, e.Outcome.Match(Right: _ => "upgraded", Left: problem => problem.Code));
                break;
            case UpgradeEffect.RefuseLatest e:
                Tell(world, e.Problem.Code);
                break;
        }
    }

    /// <summary>An order to stop, which goes to those that were replaced as well.</summary>
    public static void StopOwn(LifeWorld world, int process, bool byCommand)
    {
        var p = world.Processes[process];
        foreach (var before in p.Before)
            world.Send(process, before, "stop");
        if (p.StopsItself && !byCommand)
            world.End(process, cleanly: true);
        p.StopsItself = true;
        // What is in flight for the event loops: from now on it takes no new clients.
        p.Drains = true;
        if (p.Machine is not UpgradeState.Settling and not UpgradeState.HandingOver)
            p.Listens = false;
    }

    private static void Spawn(LifeWorld world, int process)
    {
        var p = world.Processes[process];
        if (world.Processes.Count >= LifeWorld.MostProcesses)
        {
            Feed(world, process, new UpgradeEvent.NotSpawned(UpgradeProblems.UnderWay));
            return;
        }

        p.Child = world.Processes.Count;
        p.Introduced = p.Restored;
        world.Processes.Add(new LifeProcess
        {
            Alive = true,
            Stage = "prepares",
            Inode = p.Inode,
            Socket = p.Socket,
            Listens = true,
            FilesAreSuccessors = true,
        });
        world.Processes[p.Child].Before.AddRange(p.Before);
        world.Processes[p.Child].Before.Add(process);
        Feed(world, process, new UpgradeEvent.Spawned(p.Child));
    }

    // The last that has asked for an upgrade is told; for a signal nobody waits.
    private static void Tell(LifeWorld world, string outcome)
    {
        var at = world.Commands.FindIndex(c => c.Step == "upgrading");
        if (at >= 0)
            world.Commands[at] = world.Commands[at].At($"over {outcome}");
    }
}
