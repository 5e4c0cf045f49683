using LanguageExt;

namespace Bal.Domain.Admission;

/// <summary>What a client's thread is about to do.</summary>
public enum ClientStage
{
    /// <summary>To look for the client's entry without a lock.</summary>
    Finding,

    /// <summary>To look at what other processes have open.</summary>
    Summing,

    /// <summary>To count the connection, if its own count is still what was seen.</summary>
    Counting,

    /// <summary>It has counted, or is about to refuse: to look whether somebody is clearing the entry.</summary>
    Watching,

    /// <summary>To look whether the entry is still this client's.</summary>
    Recognising,

    /// <summary>To look once more at what other processes have open, since they may have counted as well.</summary>
    Confirming,

    /// <summary>To take its own count back and begin again.</summary>
    Withdrawing,

    /// <summary>To take the lock, or to give up and be one of those who are not told apart.</summary>
    Locking,

    /// <summary>Under the lock: to look for the client's entry or a free one.</summary>
    Adding,

    /// <summary>Under the lock: to mark an entry whose client may be forgotten.</summary>
    Marking,

    /// <summary>Under the lock: to look whether a process has the marked client's connections.</summary>
    Asking,

    /// <summary>Under the lock: to give the marked entry to this client.</summary>
    Replacing,

    /// <summary>Under the lock: to take the mark off again.</summary>
    Unmarking,

    /// <summary>It has its connection.</summary>
    Open,

    /// <summary>It is gone.</summary>
    Gone,
}

/// <summary>A client's connection with the thread that acts for it.</summary>
/// <param name="Process">In which process.</param>
/// <param name="Client">Who the client is.</param>
/// <param name="Stage">What comes next.</param>
/// <param name="Slot">Its entry, or the one that is looked at.</param>
/// <param name="Sum">What other processes were seen to have open.</param>
/// <param name="Asked">The process whose count is looked at next.</param>
/// <param name="Refuses">It has seen that the limit is reached.</param>
/// <param name="Refused">It was sent away.</param>
public sealed record ClientActor(
    int Process, int Client, ClientStage Stage, int Slot, int Sum, int Asked, bool Refuses, bool Refused)
{
    /// <summary>One that is about to come.</summary>
    public static ClientActor Of(int process, int client) =>
        new(process, client, ClientStage.Finding, 0, 0, 0, Refuses: false, Refused: false);
}

/// <summary>An entry of the table.</summary>
/// <param name="Client">Whose it is; negative for nobody's.</param>
/// <param name="Marked">Somebody who has the lock is about to give it to another client.</param>
public sealed record ClientSlot(int Client, bool Marked)
{
    /// <summary>Nobody's.</summary>
    public static ClientSlot Free { get; } = new(-1, Marked: false);
}

/// <summary>
/// A model of how processes that share a table of clients count connections and forget clients. Each step is one that
/// no other thread can come between: a read, a write, or a compare and swap. A process counts in a column of its own,
/// which goes with it when it is killed, whatever it was about to do. The table of the data plane does the same in the
/// same order; <c>ClientProtocolSpecs</c> tries every order that the threads can take.
/// </summary>
/// <param name="Slots">The entries.</param>
/// <param name="Open">
/// The connections that each process counts in each entry; the entry after the last one is that of the clients that are
/// not told apart.
/// </param>
/// <param name="Limit"><c>max_connections_per_client</c>.</param>
/// <param name="LockedBy">Who has the lock; negative for nobody.</param>
/// <param name="Dies">Which processes may be killed.</param>
/// <param name="Dead">Which have been.</param>
/// <param name="Actors">Everybody.</param>
public sealed record ClientProtocol(
    Arr<ClientSlot> Slots, Arr<Arr<int>> Open, int Limit, int LockedBy, Arr<bool> Dies, Arr<bool> Dead,
    Arr<ClientActor> Actors)
{
    /// <summary>A table that knows some clients; nobody is connected.</summary>
    public static ClientProtocol Of(Arr<int> known, int limit, Arr<bool> dies, Arr<ClientActor> actors) => new(
        known.Map(client => new ClientSlot(client, Marked: false)),
        dies.Map(_ => new Arr<int>(new int[known.Count + 1])), limit, -1, dies, dies.Map(_ => false), actors);

    /// <summary>The entry of those who are not told apart.</summary>
    public int Shared => Slots.Count;

    /// <summary>Whether nobody is in the middle of something.</summary>
    public bool IsAtRest => Actors.ForAll(actor => actor.Stage is ClientStage.Open or ClientStage.Gone)
        && !NeedsRepair;

    private bool NeedsRepair => LockedBy >= 0 && Dead[Actors[LockedBy].Process];

    /// <summary>What may happen next.</summary>
    public Arr<ClientProtocol> Next() => new(
    [
        .. Enumerable.Range(0, Actors.Count).SelectMany(Moves),
        .. Enumerable.Range(0, Dies.Count).Where(process => Dies[process] && !Dead[process]).Select(Killed),
        .. Enumerable.Range(0, Dies.Count).SelectMany(AfterDeath),
    ]);

    private IEnumerable<ClientProtocol> Moves(int who)
    {
        var actor = Actors[who];
        switch (actor.Stage)
        {
            case ClientStage.Finding:
                var found = SlotOf(actor.Client);
                yield return found >= 0
                    ? With(who, actor with { Stage = ClientStage.Summing, Slot = found })
                    : With(who, actor with { Stage = ClientStage.Locking });
                break;
            case ClientStage.Summing:
                yield return With(who, actor with { Stage = ClientStage.Counting, Sum = Elsewhere(actor) });
                break;
            case ClientStage.Counting:
                yield return Count(who, actor);
                break;
            case ClientStage.Watching:
                yield return With(who, actor.Slot != Shared && Slots[actor.Slot].Marked
                    ? Lost(actor) : actor with { Stage = ClientStage.Recognising });
                break;
            case ClientStage.Recognising:
                yield return With(who, actor.Slot != Shared && Slots[actor.Slot].Client != actor.Client
                    ? Lost(actor)
                    : actor.Refuses
                        ? actor with { Stage = ClientStage.Gone, Refused = true }
                        : actor with { Stage = ClientStage.Confirming });
                break;
            case ClientStage.Confirming:
                // What this process had when it counted, and what the others have after that.
                yield return With(who, actor with
                {
                    Stage = actor.Asked + Elsewhere(actor) > Limit ? ClientStage.Withdrawing : ClientStage.Open,
                });
                break;
            case ClientStage.Withdrawing:
                yield return Add(actor, -1).With(who, actor with { Stage = ClientStage.Finding });
                break;
            case ClientStage.Locking:
                if (LockedBy < 0)
                    yield return With(who, actor with { Stage = ClientStage.Adding }) with { LockedBy = who };
                else if (Actors[LockedBy].Process != actor.Process)
                    yield return With(who, actor with { Stage = ClientStage.Summing, Slot = Shared });
                break;
            case ClientStage.Open:
                yield return Add(actor, -1).With(who, actor with { Stage = ClientStage.Gone });
                break;
            default:
                foreach (var next in MovesUnderLock(who, actor))
                    yield return next;
                break;
        }
    }

    private IEnumerable<ClientProtocol> MovesUnderLock(int who, ClientActor actor)
    {
        switch (actor.Stage)
        {
            case ClientStage.Adding:
                var own = SlotOf(actor.Client);
                var free = SlotOf(ClientSlot.Free.Client);
                yield return own >= 0 ? Unlock(who, actor, own)
                    : free >= 0 ? Give(free, actor.Client).Unlock(who, actor, free)
                    : With(who, actor with { Stage = ClientStage.Marking, Slot = 0 });
                break;
            case ClientStage.Marking when actor.Slot == Shared:
                yield return Unlock(who, actor, Shared);
                break;
            case ClientStage.Marking:
                yield return Mark(actor.Slot, marked: true)
                    .With(who, actor with { Stage = ClientStage.Asking, Asked = 0 });
                break;
            case ClientStage.Asking:
                yield return With(who, Open[actor.Asked][actor.Slot] > 0
                    ? actor with { Stage = ClientStage.Unmarking }
                    : actor.Asked + 1 < Open.Count
                        ? actor with { Asked = actor.Asked + 1 }
                        : actor with { Stage = ClientStage.Replacing });
                break;
            case ClientStage.Replacing:
                // First whose it is, then the mark, so that who reads the mark and then the client is never misled.
                yield return Slots[actor.Slot].Client != actor.Client
                    ? this with { Slots = Slots.SetItem(actor.Slot, new(actor.Client, Marked: true)) }
                    : Mark(actor.Slot, marked: false).Unlock(who, actor, actor.Slot);
                break;
            case ClientStage.Unmarking:
                yield return Mark(actor.Slot, marked: false)
                    .With(who, actor with { Stage = ClientStage.Marking, Slot = actor.Slot + 1 });
                break;
            default:
                break;
        }
    }

    private ClientProtocol Count(int who, ClientActor actor) =>
        ClientLimits.Admits(Open[actor.Process][actor.Slot], actor.Sum, Limit)
            ? Add(actor, 1).With(who, actor with
            {
                Stage = ClientStage.Watching,
                Asked = Open[actor.Process][actor.Slot] + 1,
                Refuses = false,
            })
            : With(who, actor with { Stage = ClientStage.Watching, Refuses = true });

    private static ClientActor Lost(ClientActor actor) => actor.Refuses
        ? actor with { Stage = ClientStage.Finding }
        : actor with { Stage = ClientStage.Withdrawing };

    // Its column is cleared first, and then what it was about to do under the lock is put right.
    private ClientProtocol Killed(int process) => this with
    {
        Dead = Dead.SetItem(process, true),
        Actors = Actors.Map(actor =>
            actor.Process == process ? actor with { Stage = ClientStage.Gone } : actor),
    };

    private IEnumerable<ClientProtocol> AfterDeath(int process)
    {
        if (!Dead[process])
            yield break;
        if (Open[process].Exists(count => count != 0))
            yield return this with { Open = Open.SetItem(process, Open[process].Map(_ => 0)) };
        else if (NeedsRepair && Actors[LockedBy].Process == process)
            yield return this with { LockedBy = -1, Slots = Slots.Map(slot => slot with { Marked = false }) };
    }

    private int SlotOf(int client)
    {
        for (var slot = 0; slot < Slots.Count; slot++)
        {
            if (Slots[slot].Client == client)
                return slot;
        }

        return -1;
    }

    private int Elsewhere(ClientActor actor) =>
        Enumerable.Range(0, Open.Count).Where(p => p != actor.Process).Sum(p => Open[p][actor.Slot]);

    private ClientProtocol Add(ClientActor actor, int change) => this with
    {
        Open = Open.SetItem(actor.Process, Open[actor.Process].SetItem(
            actor.Slot, Open[actor.Process][actor.Slot] + change)),
    };

    private ClientProtocol Give(int slot, int client) =>
        this with { Slots = Slots.SetItem(slot, new(client, Marked: false)) };

    private ClientProtocol Mark(int slot, bool marked) =>
        this with { Slots = Slots.SetItem(slot, Slots[slot] with { Marked = marked }) };

    private ClientProtocol Unlock(int who, ClientActor actor, int slot) =>
        With(who, actor with { Stage = ClientStage.Summing, Slot = slot }) with { LockedBy = -1 };

    private ClientProtocol With(int who, ClientActor actor) => this with { Actors = Actors.SetItem(who, actor) };
}
