using Bal.Domain.Primitives;

namespace Bal.Application.Simulation;

/// <summary>What is going to happen in a simulated world, by time; what is due at one moment comes in the order in
/// which it was planned.</summary>
internal sealed class EventQueue
{
    private readonly PriorityQueue<Action, Due> waiting = new();
    private long planned;

    /// <summary>When the next thing happens; <see cref="Instant.Never"/> where nothing is planned.</summary>
    public Instant NextAt => waiting.TryPeek(out _, out var due) ? new Instant(due.At) : Instant.Never;

    public void At(Instant when, Action happens) => waiting.Enqueue(happens, new Due(when.Milliseconds, planned++));

    public Action Take() => waiting.Dequeue();

    private readonly record struct Due(long At, long Order) : IComparable<Due>
    {
        public int CompareTo(Due other) => At != other.At ? At.CompareTo(other.At) : Order.CompareTo(other.Order);
    }
}
