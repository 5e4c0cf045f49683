using System.Globalization;
using Bal.Domain.Upgrade;

namespace Bal.Domain.Specs.Upgrade;

/// <summary>What a process of a <see cref="LifeWorld"/> does next; false where there is nothing to do.</summary>
internal static class ProcessMoves
{
    /// <summary>Takes the next message or signal.</summary>
    public static bool Read(LifeWorld world, int i)
    {
        var p = world.Processes[i];
        // Signals wait until a process that takes over has begun to serve, and so does what comes before its turn.
        var at = p.Machine is null && p.Stage is "prepares" or "ready"
            ? p.Inbox.FindIndex(word => word is not ("TERM" or "HUP" or "USR2"))
            : p.Inbox.Count - 1 < 0 ? -1 : 0;
        if (at < 0 || p.Stage == "prepares")
            return false;
        var words = p.Inbox[at].Split(' ');
        p.Inbox.RemoveAt(at);
        if (p.Machine is { } machine)
            ReadAsOld(world, i, machine, words);
        else
            ReadAsNew(world, i, words);
        return true;
    }

    private static void ReadAsOld(LifeWorld world, int i, UpgradeState machine, string[] words)
    {
        var p = world.Processes[i];
        switch (words[0])
        {
            case "TERM":
                LifeMoves.Feed(world, i, new UpgradeEvent.StopRequested(new()));
                break;
            case "stop":
                LifeMoves.Feed(world, i, new UpgradeEvent.NewStops(new() { ByCommand = true }));
                break;
            case "USR2":
                if (!p.StopsItself)
                    LifeMoves.Feed(world, i, new UpgradeEvent.Requested(new Duration(1), 0, false));
                break;
            case "HUP" when machine is UpgradeState.Replaced:
                world.Send(i, p.Child, "reload");
                break;
            case "ready":
                LifeMoves.Feed(world, i, new UpgradeEvent.Ready());
                break;
            case "refused":
                LifeMoves.Feed(world, i, new UpgradeEvent.Refused(UpgradeProblems.FilesRestored));
                break;
            case "rested" when machine is UpgradeState.Resting:
                LifeMoves.Feed(world, i, p.Introduced == p.Restored
                    ? new UpgradeEvent.AtRest()
                    : new UpgradeEvent.Refused(UpgradeProblems.FilesRestored));
                break;
            case "serves":
                LifeMoves.Feed(world, i, new UpgradeEvent.Serves());
                break;
            case "settled":
                LifeMoves.Feed(world, i, new UpgradeEvent.Settled());
                break;
            case "gone":
                LifeMoves.Feed(world, i, new UpgradeEvent.Gone("was killed"));
                break;
            case "closed" when words.Length > 1:
                p.Before.Remove(int.Parse(words[1], CultureInfo.InvariantCulture));
                break;
        }
    }

    private static void ReadAsNew(LifeWorld world, int i, string[] words)
    {
        var p = world.Processes[i];
        var old = p.Before[^1];
        switch (words[0])
        {
            case "serve" when p.Stage == "ready":
                if (world.Inodes[p.Inode].Tail is not LifeWorld.None)
                {
                    world.Send(i, old, "refused");
                    world.End(i, cleanly: true);
                    return;
                }

                world.Inodes[p.Inode] = (world.Inodes[p.Inode].Head, i);
                p.Stage = "serves";
                world.Send(i, old, "serves");
                break;
            case "yours":
                p.Stage = "settling";
                break;
            case "closed" when words[1] != $"{old}":
                p.Before.Remove(int.Parse(words[1], CultureInfo.InvariantCulture));
                break;
            case "closed" when p.Stage is "ready":
                world.End(i, cleanly: true);
                break;
            case "closed":
                // Read once more when it has settled.
                p.Stage = "settling";
                p.Inbox.Insert(0, $"closed {old}");
                GoOn(world, i);
                break;
            case "TERM":
                LifeMoves.StopOwn(world, i, byCommand: false);
                break;
        }
    }

    /// <summary>Does what it owes of itself.</summary>
    public static bool GoOn(LifeWorld world, int i)
    {
        var p = world.Processes[i];
        if (p.Stage == "prepares")
        {
            p.Stage = "ready";
            world.Send(i, p.Before[^1], "ready");
            return true;
        }

        if (p.Stage == "settling" && world.TryWhole(p.Inode, i))
        {
            (p.Stage, p.Machine, p.FilesAreSuccessors, p.Answers) = ("", UpgradeState.None, false, true);
            world.Send(i, p.Before[^1], "settled");
            return true;
        }

        if (p.LockOwed && world.TryWhole(p.Inode, i))
        {
            (p.LockOwed, p.Held, p.FilesAreSuccessors) = (false, false, false);
            return true;
        }

        return false;
    }

    /// <summary>The last connection has ended; a stop waits for those that were replaced, too.</summary>
    public static bool EndDrain(LifeWorld world, int i)
    {
        var p = world.Processes[i];
        if (!p.Drains || p.Before.Exists(before => world.IsAlive(before) && !world.Processes[before].Accepts
            && world.Processes[before].Drains))
            return false;
        world.End(i, cleanly: true);
        return true;
    }

    /// <summary>Restores what was removed.</summary>
    public static bool Guard(LifeWorld world, int i)
    {
        var p = world.Processes[i];
        if (p.Machine is null or UpgradeState.Replaced || p.Held || p.FilesAreSuccessors || !p.Answers)
            return false;
        var restored = false;
        if (p.Inode != world.PidPath && (world.PidPath == LifeWorld.None || world.Holder == LifeWorld.None))
        {
            world.Release(i, p.Inode, first: true, rest: true);
            if (world.PidPath == LifeWorld.None)
                world.PidPath = world.NewInode();
            p.Inode = world.PidPath;
            restored = world.TryWhole(p.Inode, i);
        }

        if (p.Socket != world.SocketPath && (world.SocketPath == LifeWorld.None || !world.IsOpen(world.SocketPath)))
        {
            p.Socket = world.SocketPath = world.NewSocket();
            restored = true;
        }

        p.Restored += restored ? 1 : 0;
        return restored;
    }
}
