using System.Runtime.InteropServices;
using Bal.Domain.Balancing;

namespace Bal.Infrastructure.DataPlane;

/// <summary>A client that waits; native memory, since several loops follow its links.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct Waiter
{
    public Session* Session;

    /// <summary>In the line, or among those that a loop has been handed back.</summary>
    public Waiter* Next;
    public Waiter* Previous;

    /// <summary>When it began to wait, in monotonic milliseconds.</summary>
    public long Since;

    /// <summary>The hash of its address, where the method goes by it.</summary>
    public ulong Source;
    public bool HasSource;

    /// <summary>Whether it is in the line; read and written under its lock.</summary>
    public bool InLine;

    /// <summary>The loop that owns the session.</summary>
    public int Loop;

    /// <summary>
    /// The backend in which a place was taken for it, where the loops find it, and where the place is counted; 0 where
    /// there is no backend any more that it could wait for.
    /// </summary>
    public int Backend;
    public int Target;
    public long* Taken;
    public Tier Tier;

    /// <summary>The number of the table by which it was chosen.</summary>
    public int ChosenBy;
}

/// <summary>
/// Clients of one service that wait while every usable backend is full, over all loops, in the order in which they
/// came. Who frees a place takes it at once for the first client that can use it and hands that client back to its
/// loop, so a place never goes to somebody who came later, and none is left over while somebody waits:
/// <see cref="Bal.Domain.Admission.QueueProtocol"/> is the model of it. The lock is taken only where clients wait.
/// </summary>
/// <param name="current">The service's routes as they are now.</param>
/// <param name="handedBack">Where each loop finds its clients that wait no longer.</param>
internal sealed unsafe class WaitingLine(Func<Snapshot> current, HandedBack[] handedBack)
{
    private readonly Lock gate = new();
    private Waiter* first;
    private Waiter* last;
    private int length;
    private bool looksElsewhere;

    /// <summary>How many wait.</summary>
    public int Length => Volatile.Read(ref length);

    /// <summary>Whether places may become free in a replaced process, which tells nobody.</summary>
    public bool LooksElsewhere
    {
        get => Volatile.Read(ref looksElsewhere);
        set => Volatile.Write(ref looksElsewhere, value);
    }

    /// <summary>
    /// Puts a client in its place by its turn; false where as many wait as may. Call <see cref="Serve"/> next: a place
    /// may have become free before anybody could see that somebody waits for it.
    /// </summary>
    public bool TryJoin(Waiter* waiter, int limit)
    {
        lock (gate)
        {
            if (length >= limit)
                return false;
            var before = last;
            // One that has waited before, or was overtaken on its way here, came earlier.
            while (before != null && before->Session->Turn > waiter->Session->Turn)
                before = before->Previous;
            waiter->Previous = before;
            waiter->Next = before == null ? first : before->Next;
            if (waiter->Next != null)
                waiter->Next->Previous = waiter;
            else
                last = waiter;
            if (before != null)
                before->Next = waiter;
            else
                first = waiter;
            waiter->InLine = true;
            // A full fence: either who frees a place sees this, or Serve sees the place.
            Interlocked.Increment(ref length);
            return true;
        }
    }

    /// <summary>Takes a client out; false where it has been handed back to its loop already.</summary>
    public bool TryRemove(Waiter* waiter)
    {
        lock (gate)
        {
            if (!waiter->InLine)
                return false;
            Unlink(waiter);
            return true;
        }
    }

    /// <summary>
    /// Takes free places for those who wait, in their order. To be called once a place is free, with a full fence in
    /// between.
    /// </summary>
    /// <param name="loop">The loop that calls; negative for another thread.</param>
    /// <param name="all">
    /// Whether the table has changed: then a client may have no backend left to wait for, whatever those before it
    /// found.
    /// </param>
    public void Serve(int loop, bool all = false)
    {
        if (Length == 0)
            return;
        lock (gate)
        {
            var snapshot = current();
            for (var waiter = first; waiter != null;)
            {
                var next = waiter->Next;
                if (!StillWaits(waiter, snapshot))
                {
                    Unlink(waiter);
                    handedBack[waiter->Loop].Add(waiter, loop);
                }
                else if (!all && waiter->Session->TriedCount == 0)
                {
                    // Whoever comes after it finds no room either.
                    return;
                }

                waiter = next;
            }
        }
    }

    private static bool StillWaits(Waiter* waiter, Snapshot snapshot)
    {
        var session = waiter->Session;
        while (true)
        {
            var attempt = new Attempt(
                session->Turn, new ReadOnlySpan<int>(session->Tried, session->TriedCount), session->LastResorts)
            {
                Source = waiter->HasSource ? waiter->Source : null,
                Load = snapshot.Load,
                IsFull = snapshot.IsFull,
            };
            var found = snapshot.Selector.Next(attempt);
            if (!found.IsSome)
            {
                waiter->Backend = 0;
                return snapshot.Selector.AwaitsRoom(attempt);
            }

            var candidate = (Candidate)found;
            var target = snapshot.Of(candidate);
            // A loop may just have taken the place.
            if (target.Places is { } places && !places.TryTake())
                continue;
            (waiter->Backend, waiter->Target, waiter->Tier) = (target.Id, target.Slot, candidate.Tier);
            waiter->ChosenBy = snapshot.Number;
            waiter->Taken = target.Places == null ? null : target.Places.Cell;
            return false;
        }
    }

    private void Unlink(Waiter* waiter)
    {
        if (waiter->Previous != null)
            waiter->Previous->Next = waiter->Next;
        else
            first = waiter->Next;
        if (waiter->Next != null)
            waiter->Next->Previous = waiter->Previous;
        else
            last = waiter->Previous;
        waiter->Next = waiter->Previous = null;
        waiter->InLine = false;
        Interlocked.Decrement(ref length);
    }
}

/// <summary>Clients of a loop that wait no longer: any thread adds, the loop takes all.</summary>
/// <param name="loop">Which loop.</param>
/// <param name="wake">Wakes it.</param>
internal sealed unsafe class HandedBack(int loop, Linux.WakeUp wake)
{
    // The one that was added last; they are linked in reverse.
    private nint head;

    /// <summary>Whether there is one.</summary>
    public bool Any => Volatile.Read(ref head) != 0;

    /// <summary>Adds one.</summary>
    /// <param name="waiter">The client.</param>
    /// <param name="by">The loop that adds it: the owner need not be woken by itself.</param>
    public void Add(Waiter* waiter, int by)
    {
        nint seen;
        do
        {
            seen = Volatile.Read(ref head);
            waiter->Next = (Waiter*)seen;
        }
        while (Interlocked.CompareExchange(ref head, (nint)waiter, seen) != seen);
        if (by != loop)
            wake.Signal();
    }

    /// <summary>Takes all of them, the first one first.</summary>
    public Waiter* TakeAll()
    {
        var taken = (Waiter*)Interlocked.Exchange(ref head, 0);
        Waiter* ordered = null;
        while (taken != null)
        {
            var next = taken->Next;
            taken->Next = ordered;
            ordered = taken;
            taken = next;
        }

        return ordered;
    }
}
