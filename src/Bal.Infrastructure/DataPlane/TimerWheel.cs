using System.Numerics;

namespace Bal.Infrastructure.DataPlane;

/// <summary>
/// A hierarchical timer wheel (Varghese and Lauck, 1987): four levels of 64 slots, O(1) to arm, move and disarm, and no
/// periodic tick: <see cref="WaitMs"/> says how long nothing can be due. A timer never fires early, and at most one
/// tick late. Deadlines beyond the last level wait there and are placed again.
/// </summary>
internal sealed unsafe class TimerWheel(long startMs)
{
    /// <summary>Milliseconds a tick.</summary>
    public const int TickMs = 8;

    private const int SlotBits = 6;
    private const int Slots = 1 << SlotBits;
    private const int Levels = 4;

    private readonly nint[] heads = new nint[Levels * Slots];
    private readonly ulong[] occupied = new ulong[Levels];
    private long current = startMs / TickMs;

    /// <summary>Timers armed.</summary>
    public int Count { get; private set; }

    /// <summary>Arms or moves the session's timer to fire once <paramref name="deadlineMs"/> has come.</summary>
    public void Arm(Session* session, long deadlineMs)
    {
        session->Deadline = deadlineMs;
        Disarm(session);
        Place(session);
        Count++;
    }

    /// <summary>Disarms the session's timer; harmless where none is armed.</summary>
    public void Disarm(Session* session)
    {
        ref var timer = ref session->Timer;
        if (timer.Slot == 0)
            return;
        Unlink(session);
        Count--;
    }

    /// <summary>
    /// Skips idle time where no timer is armed, so that a new one is placed from here and not from the past.
    /// </summary>
    public void Sync(long nowMs)
    {
        if (Count == 0)
            current = Math.Max(current, nowMs / TickMs);
    }

    /// <summary>
    /// Takes one session whose deadline has come off the wheel; null when there is none at <paramref name="nowMs"/>.
    /// </summary>
    public Session* TakeDue(long nowMs)
    {
        var now = nowMs / TickMs;
        while (true)
        {
            var slot = (int)(current & (Slots - 1));
            var head = (Session*)heads[slot];
            if (head != null)
            {
                Disarm(head);
                return head;
            }

            if (current >= now)
                return null;
            if (Count == 0)
            {
                current = now;
                return null;
            }

            Advance(now);
        }
    }

    /// <summary>
    /// Milliseconds from <paramref name="nowMs"/> in which nothing can fire; -1 where nothing is armed.
    /// </summary>
    public int WaitMs(long nowMs)
    {
        if (Count == 0)
            return -1;
        var wake = NextStop() * TickMs - nowMs;
        return (int)Math.Clamp(wake, 0, int.MaxValue);
    }

    // The next tick at which a slot of level 0 fires or a slot of a higher level has to be spread over the lower ones.
    private long NextStop()
    {
        var next = long.MaxValue;
        for (var level = 0; level < Levels; level++)
        {
            if (occupied[level] == 0)
                continue;
            var shift = level * SlotBits;
            var position = (int)((current >> shift) & (Slots - 1));
            // Level 0 includes the current slot; on higher levels the current slot has been spread already, so it means
            // a full turn.
            var first = level == 0 ? position : position + 1;
            var rotated = BitOperations.RotateRight(occupied[level], first & (Slots - 1));
            var distance = BitOperations.TrailingZeroCount(rotated) + (first - position);
            next = Math.Min(next, ((current >> shift) + distance) << shift);
        }

        return next;
    }

    // Moves to the next tick at which something has to be done, but not beyond `now`.
    private void Advance(long now)
    {
        var slotsLeft = current + 1;
        var stop = Math.Min(now, Math.Max(slotsLeft, NextStop()));
        current = stop;
        for (var level = 1; level < Levels; level++)
        {
            var shift = level * SlotBits;
            if ((current & ((1L << shift) - 1)) != 0)
                break;
            Spread(level, (int)((current >> shift) & (Slots - 1)));
        }
    }

    private void Spread(int level, int position)
    {
        var index = level * Slots + position;
        var session = (Session*)heads[index];
        heads[index] = 0;
        occupied[level] &= ~(1UL << position);
        while (session != null)
        {
            var next = session->Timer.Next;
            session->Timer.Slot = 0;
            Place(session);
            session = next;
        }
    }

    private void Place(Session* session)
    {
        var due = Math.Max(current, (session->Deadline + TickMs - 1) / TickMs);
        var delta = due - current;
        var level = 0;
        while (level < Levels - 1 && delta >= 1L << ((level + 1) * SlotBits))
            level++;
        var reach = 1L << ((level + 1) * SlotBits);
        if (delta >= reach)
            due = current + reach - 1;
        Link(session, level, (int)((due >> (level * SlotBits)) & (Slots - 1)));
    }

    private void Link(Session* session, int level, int position)
    {
        var index = level * Slots + position;
        var head = (Session*)heads[index];
        session->Timer.Next = head;
        session->Timer.Previous = null;
        session->Timer.Slot = index + 1;
        if (head != null)
            head->Timer.Previous = session;
        heads[index] = (nint)session;
        occupied[level] |= 1UL << position;
    }

    private void Unlink(Session* session)
    {
        ref var timer = ref session->Timer;
        var index = timer.Slot - 1;
        if (timer.Next != null)
            timer.Next->Timer.Previous = timer.Previous;
        if (timer.Previous != null)
            timer.Previous->Timer.Next = timer.Next;
        else
            heads[index] = (nint)timer.Next;
        if (heads[index] == 0)
            occupied[index / Slots] &= ~(1UL << (index & (Slots - 1)));
        timer = default;
    }
}
