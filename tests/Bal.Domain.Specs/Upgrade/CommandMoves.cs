using System.Globalization;
using Bal.Domain.Upgrade;

namespace Bal.Domain.Specs.Upgrade;

/// <summary>What a command of a <see cref="LifeWorld"/> does next; false where it waits, or is over.</summary>
internal static class CommandMoves
{
    // A process that starts has a number of its own until it serves.
    private const int Starting = 100;

    public static bool GoOn(LifeWorld world, int c)
    {
        var command = world.Commands[c];
        if (command.IsOver)
            return false;
        var words = command.What.Split(' ');
        var process = words.Length > 1 && words[0] != "unlink" ? int.Parse(words[1], CultureInfo.InvariantCulture) : 0;
        switch (words[0])
        {
            case "kill" or "TERM" or "HUP" or "USR2":
                return Signal(world, c, words[0], process);
            case "unlink":
                world.PidPath = words[1] == "pid" ? LifeWorld.None : world.PidPath;
                world.SocketPath = words[1] == "socket" ? LifeWorld.None : world.SocketPath;
                return Over(world, c, "done");
            case "start":
                return Start(world, c);
            case "stop":
                return Stop(world, c);
            default:
                return Ask(world, c, words[0]);
        }
    }

    /// <summary>It has waited for long enough.</summary>
    public static bool GiveUp(LifeWorld world, int c)
    {
        var command = world.Commands[c];
        if (command.IsOver || command.Step.Length == 0)
            return false;
        if (command.What == "start" && command.Step == "asks")
            return Serve(world, c);
        if (command.What == "stop" && command.Step == "asks")
        {
            world.Commands[c] = command.At("unanswered");
            return true;
        }

        return Over(world, c, "silence");
    }

    private static bool Over(LifeWorld world, int c, string outcome)
    {
        world.Commands[c] = world.Commands[c].At($"over {outcome}");
        return true;
    }

    private static bool Signal(LifeWorld world, int c, string signal, int process)
    {
        if (process >= world.Processes.Count || !world.IsAlive(process))
            return false;
        if (signal == "kill")
        {
            world.Killed = true;
            world.End(process, cleanly: false);
        }
        else
        {
            world.StopAsked |= signal == "TERM";
            world.Processes[process].Inbox.Add(signal);
        }

        return Over(world, c, "done");
    }

    // A request goes to whoever serves the socket by then; nobody answers on one that is closed.
    private static bool Asked(LifeWorld world, int c, out int by)
    {
        var command = world.Commands[c];
        by = LifeWorld.None;
        if (command.Step is "" or "finds")
        {
            world.Commands[c] = world.IsOpen(world.SocketPath)
                ? command.At("asks", world.SocketPath) : command.At("unanswered");
            return true;
        }

        if (command.Step != "asks")
            return false;
        if (!world.IsOpen(command.Of))
        {
            world.Commands[c] = command.At("unanswered");
            return true;
        }

        by = world.Processes.FindIndex(p => p.Alive && p.Answers && p.Socket == command.Of);
        return by != LifeWorld.None;
    }

    private static bool Ask(LifeWorld world, int c, string what)
    {
        if (world.Commands[c] is { Step: "upgrading", Of: var asked })
            return !world.IsAlive(asked) && Over(world, c, "not answered");
        if (!Asked(world, c, out var by))
            return world.Commands[c].Step == "unanswered" && Over(world, c, "not running");
        if (by == LifeWorld.None)
            return true;
        var p = world.Processes[by];
        if (what == "upgrade")
        {
            world.Commands[c] = world.Commands[c].At("upgrading", by);
            if (p.StopsItself)
                return Over(world, c, "stopping");
            LifeMoves.Feed(world, by, new UpgradeEvent.Requested(new Duration(1), 0, false));
            return true;
        }

        // A reload waits for the end of an upgrade; where that has replaced the process the command asks again.
        switch (p.Machine)
        {
            case UpgradeState.Idle or UpgradeState.Ending:
                return Over(world, c, p.StopsItself ? "stopping" : "applied");
            case UpgradeState.Replaced:
                world.Commands[c] = world.Commands[c].At("");
                return true;
            default:
                return false;
        }
    }

    private static bool Stop(LifeWorld world, int c)
    {
        var command = world.Commands[c];
        world.StopAsked = true;
        if (command.Step == "waits")
        {
            if (world.IsAlive(command.Of))
                return false;
            world.Commands[c] = command.At("finds") with { What = "stop" };
            return true;
        }

        if (command.Step == "ends")
        {
            if (IsLeft(world.Processes[command.Of]))
                return false;
            world.Commands[c] = command.At("finds");
            return true;
        }

        if (command.Step == "unanswered")
        {
            var holder = world.Holder;
            var left = world.Processes.FindIndex(IsLeft);
            if (holder == LifeWorld.None && left != LifeWorld.None)
            {
                // Its mark says whether it was asked already.
                if (!world.Processes[left].StopsItself)
                    world.Processes[left].Inbox.Add("TERM");
                world.Commands[c] = command.At("ends", left);
                return true;
            }

            if (holder == LifeWorld.None)
            {
                Check(world);
                return Over(world, c, "stopped");
            }

            // A start that is not known yet ends by the signal.
            if (holder >= Starting)
                LetGo(world, holder - Starting, "stopped");
            else
                world.Processes[holder].Inbox.Add("TERM");
            world.Commands[c] = holder >= Starting ? command.At("finds") : command.At("waits", holder);
            return true;
        }

        if (!Asked(world, c, out var by))
            return false;
        if (by == LifeWorld.None)
            return true;
        LifeMoves.Feed(world, by, new UpgradeEvent.StopRequested(new() { ByCommand = true }));
        world.Commands[c] = command.At("waits", world.Holder is LifeWorld.None or >= Starting ? by : world.Holder);
        return true;
    }

    // The answer is about this very moment.
    private static void Check(LifeWorld world)
    {
        if (!world.StartAsked && world.Processes.Exists(p => p.Accepts))
            world.Wrong = "'stop' said stopped, and somebody accepts";
        if (world.Processes.Exists(IsLeft))
            world.Wrong = "'stop' said stopped, and a replaced process serves its connections";
    }

    // Whom the lock on the directory names: it has let go of that of the PID file, and not taken it back.
    private static bool IsLeft(LifeProcess p) => p.Alive && (p.LockOwed || p.Machine is UpgradeState.Replaced
        or UpgradeState.Settling or UpgradeState.RollingBack { Rests: true });

    private static bool Start(LifeWorld world, int c)
    {
        var command = world.Commands[c];
        switch (command.Step)
        {
            case "":
                world.StartAsked = true;
                if (world.PidPath == LifeWorld.None)
                    world.PidPath = world.NewInode();
                if (!world.TryWhole(world.PidPath, Starting + c))
                    return Over(world, c, "already running");
                world.Commands[c] = command.At("asks", world.PidPath);
                return true;
            case "asks":
                if (!world.IsOpen(world.SocketPath))
                    return Serve(world, c);
                if (!world.Processes.Exists(p => p.Alive && p.Answers && p.Socket == world.SocketPath))
                    return false;
                return LetGo(world, c, "already running");
            default:
                return false;
        }
    }

    private static bool Serve(LifeWorld world, int c)
    {
        if (world.IsPortTaken)
            return LetGo(world, c, "port taken");
        var inode = world.Commands[c].Of;
        world.Release(Starting + c, inode, first: true, rest: true);
        var path = world.PidPath;
        world.NewServing();
        // Its own inode, unless that was removed meanwhile.
        var p = world.Processes[^1];
        world.Inodes[p.Inode] = (LifeWorld.None, LifeWorld.None);
        p.Inode = inode;
        world.Inodes[inode] = (world.Processes.Count - 1, world.Processes.Count - 1);
        world.PidPath = path;
        return Over(world, c, "serves");
    }

    private static bool LetGo(LifeWorld world, int c, string outcome)
    {
        var inode = world.Commands[c].Of;
        world.Release(Starting + c, inode, first: true, rest: true);
        if (world.PidPath == inode)
            world.PidPath = LifeWorld.None;
        return Over(world, c, outcome);
    }
}
