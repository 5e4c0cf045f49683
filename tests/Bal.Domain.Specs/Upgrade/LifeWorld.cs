using System.Text;
using Bal.Domain.Upgrade;

namespace Bal.Domain.Specs.Upgrade;

/// <summary>
/// A machine with one BAL_HOME: the processes of bal, the lock of the PID file by its inodes, the control sockets, what
/// is on its way between processes, and the commands that wait. How a process replaces itself is decided by the
/// production's <see cref="UpgradeMachine"/>; the rest says what the shell does with that. Time passes only where
/// nothing else can happen.
/// </summary>
internal sealed class LifeWorld
{
    public const int None = -1;
    public const int MostProcesses = 4;

    public List<LifeProcess> Processes { get; } = [];

    /// <summary>How a process decides; the production's machine, or one that a test has spoilt.</summary>
    public Func<UpgradeEvent, UpgradeState, UpgradeStep> Decide { get; private init; } = null!;

    /// <summary>Who holds the first byte and the others of each inode that was the PID file.</summary>
    public List<(int Head, int Tail)> Inodes { get; } = [];

    /// <summary>How many control sockets there were.</summary>
    public int Sockets { get; private set; }

    public int PidPath { get; set; } = None;

    public int SocketPath { get; set; } = None;

    public List<LifeCommand> Commands { get; } = [];

    /// <summary>Somebody was asked to stop, or killed: from then on nobody needs to serve.</summary>
    public bool StopAsked { get; set; }

    public bool Killed { get; set; }

    public bool StartAsked { get; set; }

    /// <summary>What went wrong in this very step; none where nothing did.</summary>
    public string Wrong { get; set; } = "";

    public static LifeWorld Serving(
        IEnumerable<string> commands, Func<UpgradeEvent, UpgradeState, UpgradeStep> decide)
    {
        var world = new LifeWorld { Decide = decide };
        world.NewServing();
        world.Commands.AddRange(commands.Select(c => new LifeCommand(c)));
        return world;
    }

    public LifeWorld Copy()
    {
        var copy = new LifeWorld
        {
            Decide = Decide,
            Sockets = Sockets,
            PidPath = PidPath,
            SocketPath = SocketPath,
            StopAsked = StopAsked,
            Killed = Killed,
            StartAsked = StartAsked,
        };
        copy.Processes.AddRange(Processes.Select(p => p.Copy()));
        copy.Inodes.AddRange(Inodes);
        copy.Commands.AddRange(Commands.Select(c => c with { }));
        return copy;
    }

    public string Key()
    {
        var text = new StringBuilder();
        foreach (var p in Processes)
            text.Append(p.Key()).Append('|');
        text.AppendJoin(',', Inodes).Append(PidPath).Append('/').Append(SocketPath).Append('/').Append(Sockets)
            .Append(StopAsked).Append(Killed).Append(StartAsked).AppendJoin(';', Commands);
        return text.ToString();
    }

    public int NewInode()
    {
        Inodes.Add((None, None));
        return Inodes.Count - 1;
    }

    public int NewSocket() => Sockets++;

    public bool TryWhole(int inode, int by)
    {
        var (head, tail) = Inodes[inode];
        if ((head != None && head != by) || (tail != None && tail != by))
            return false;
        Inodes[inode] = (by, by);
        return true;
    }

    public void Release(int by, int inode, bool first, bool rest)
    {
        var held = Inodes[inode];
        Inodes[inode] = (
            first && held.Head == by ? None : held.Head, rest && held.Tail == by ? None : held.Tail);
    }

    /// <summary>Whom F_GETLK names.</summary>
    public int Holder => PidPath == None ? None
        : Inodes[PidPath].Head != None ? Inodes[PidPath].Head : Inodes[PidPath].Tail;

    public bool IsAlive(int process) => process != None && Processes[process].Alive;

    /// <summary>Whether somebody has that socket open, so that a client of it waits.</summary>
    public bool IsOpen(int socket) => socket != None && Processes.Exists(p => p.Alive && p.Socket == socket);

    public bool IsPortTaken => Processes.Exists(p => p.Alive && p.Listens);

    public void NewServing()
    {
        var (inode, socket) = (NewInode(), NewSocket());
        Processes.Add(new LifeProcess
        {
            Alive = true,
            Listens = true,
            Machine = UpgradeState.None,
            Inode = inode,
            Socket = socket,
            Answers = true,
        });
        Inodes[inode] = (Processes.Count - 1, Processes.Count - 1);
        (PidPath, SocketPath) = (inode, socket);
    }

    /// <summary>A process is gone, however it ended; who has a link to it notices.</summary>
    public void End(int process, bool cleanly)
    {
        var p = Processes[process];
        if (!p.Alive)
            return;
        if (cleanly)
        {
            if (!p.FilesAreSuccessors && p.Inode == PidPath)
                PidPath = None;
            if (!p.FilesAreSuccessors && p.Socket == SocketPath)
                SocketPath = None;
            if (p.Child != None && p.Machine is not UpgradeState.Replaced)
                End(p.Child, cleanly: false);
        }

        p.Alive = false;
        for (var inode = 0; inode < Inodes.Count; inode++)
            Release(process, inode, first: true, rest: true);
        if (IsAlive(p.Child))
            Send(process, p.Child, "closed");
        foreach (var (other, i) in Processes.Select((q, i) => (q, i)))
        {
            if (i == process || !other.Alive)
                continue;
            if (other.Child == process)
                other.Inbox.Add("gone");
            if (i != p.Child && other.Before.Contains(process))
                other.Inbox.Add($"closed {process}");
        }
    }

    public void Send(int from, int to, string word)
    {
        if (IsAlive(to))
            Processes[to].Inbox.Add(Processes[to].Child == from ? word : $"{word} {from}");
    }
}

/// <summary>One process of bal.</summary>
internal sealed class LifeProcess
{
    public bool Alive { get; set; }

    /// <summary>Has the listening sockets, so that clients wait at least.</summary>
    public bool Listens { get; set; }

    public bool Rests { get; set; }

    /// <summary>Stopping, or replaced.</summary>
    public bool Drains { get; set; }

    public bool StopsItself { get; set; }

    /// <summary>Its end of an upgrade as the old process; null while it is still taking over.</summary>
    public UpgradeState? Machine { get; set; }

    public string Stage { get; set; } = "";

    public int Inode { get; set; }

    public int Socket { get; set; }

    public bool Answers { get; set; }

    public bool FilesAreSuccessors { get; set; }

    public int Restored { get; set; }

    public int Introduced { get; set; }

    public bool Held { get; set; }

    public bool LockOwed { get; set; }

    public int Child { get; set; } = LifeWorld.None;

    /// <summary>Those that it has replaced, or is about to.</summary>
    public List<int> Before { get; private init; } = [];

    public List<string> Inbox { get; private init; } = [];

    public bool Accepts => Alive && Listens && !Rests && !Drains
        && (Machine is not null || Stage is "serves" or "settling");

    public LifeProcess Copy()
    {
        var copy = (LifeProcess)MemberwiseClone();
        return new LifeProcess
        {
            Alive = copy.Alive,
            Listens = copy.Listens,
            Rests = copy.Rests,
            Drains = copy.Drains,
            StopsItself = copy.StopsItself,
            Machine = copy.Machine,
            Stage = copy.Stage,
            Inode = copy.Inode,
            Socket = copy.Socket,
            Answers = copy.Answers,
            FilesAreSuccessors = copy.FilesAreSuccessors,
            Restored = copy.Restored,
            Introduced = copy.Introduced,
            Held = copy.Held,
            LockOwed = copy.LockOwed,
            Child = copy.Child,
            Before = [.. Before],
            Inbox = [.. Inbox],
        };
    }

    public string Key() => Alive
        ? $"{Listens}{Rests}{Drains}{StopsItself}{Machine}{Stage}{Inode},{Socket}{Answers}{FilesAreSuccessors}"
            + $"{Restored},{Introduced}{Held}{LockOwed}{Child}[{string.Join(' ', Before)}]({string.Join(' ', Inbox)})"
        : "-";
}

/// <summary>One command of the operator, or something that befalls a process or file.</summary>
/// <param name="What">Such as <c>stop</c> or <c>kill 0</c>.</param>
internal sealed record LifeCommand(string What)
{
    /// <summary>How far it is; empty before it has begun.</summary>
    public string Step { get; init; } = "";

    /// <summary>The process that it waits for, or the socket.</summary>
    public int Of { get; init; } = LifeWorld.None;

    public bool IsOver => Step.StartsWith("over", StringComparison.Ordinal);

    public LifeCommand At(string step, int of = LifeWorld.None) => this with { Step = step, Of = of };
}
