namespace Bal.Infrastructure.Reacting;

/// <summary>
/// What is to run when, as a binary heap. Each timer knows its place, so that a cancelled one leaves at once: most
/// timers are the timeouts of probes that have been answered, thousands a second.
/// </summary>
internal sealed class Timers
{
    private Timer[] heap = new Timer[16];
    private long lastOrder;

    /// <summary>Something to run; armed once at a time, and as often as wanted.</summary>
    internal sealed class Timer(Action action)
    {
        internal Timers? Owner;
        internal int Place;
        internal long Due;
        internal long Order;

        /// <summary>The action will not run; nothing happens where it has run already.</summary>
        public void Cancel() => Owner?.Remove(this);

        internal void Fire() => action();
    }

    public int Count { get; private set; }

    /// <summary>When the next one is due, in milliseconds; <see cref="long.MaxValue"/> where there is none.</summary>
    public long NextDue => Count > 0 ? heap[0].Due : long.MaxValue;

    public void Arm(Timer timer, long due)
    {
        timer.Cancel();
        (timer.Owner, timer.Due, timer.Order) = (this, due, ++lastOrder);
        if (Count == heap.Length)
            Array.Resize(ref heap, 2 * Count);
        Rise(timer, Count++);
    }

    /// <summary>
    /// Runs what is due at <paramref name="now"/>, in order; what that arms anew waits for the next call.
    /// </summary>
    public void Fire(long now)
    {
        var last = lastOrder;
        while (Count > 0 && heap[0] is var first && first.Due <= now && first.Order <= last)
        {
            Remove(first);
            first.Fire();
        }
    }

    private void Remove(Timer timer)
    {
        timer.Owner = null;
        var moved = heap[--Count];
        heap[Count] = null!;
        if (moved == timer)
            return;
        if (timer.Place > 0 && IsBefore(moved, heap[(timer.Place - 1) / 2]))
            Rise(moved, timer.Place);
        else
            Sink(moved, timer.Place);
    }

    private void Rise(Timer timer, int place)
    {
        for (; place > 0 && heap[(place - 1) / 2] is var parent && IsBefore(timer, parent); place = (place - 1) / 2)
            Put(parent, place);
        Put(timer, place);
    }

    private void Sink(Timer timer, int place)
    {
        while (2 * place + 1 is var child && child < Count)
        {
            if (child + 1 < Count && IsBefore(heap[child + 1], heap[child]))
                child++;
            if (!IsBefore(heap[child], timer))
                break;
            Put(heap[child], place);
            place = child;
        }

        Put(timer, place);
    }

    private void Put(Timer timer, int place) => (heap[place] = timer).Place = place;

    // Of two that are due together the one that was armed first.
    private static bool IsBefore(Timer a, Timer b) => a.Due != b.Due ? a.Due < b.Due : a.Order < b.Order;
}
