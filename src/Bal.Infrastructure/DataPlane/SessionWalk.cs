using Bal.Domain.Relay;
using Bal.Domain.Reports;

namespace Bal.Infrastructure.DataPlane;

/// <summary>One open connection, as its loop has seen it.</summary>
/// <param name="Rank">See <see cref="SessionSort.Rank"/>.</param>
/// <param name="Record">What the access log would say if it ended now.</param>
/// <param name="State">What it is doing.</param>
/// <param name="IsQueued">Whether it waits for a backend with room.</param>
/// <param name="IsHalfClosed">Whether a FIN has been passed on.</param>
/// <param name="IdleMs">Since its last byte.</param>
internal readonly record struct SessionEntry(
    long Rank, AccessRecord Record, SessionState State, bool IsQueued, bool IsHalfClosed, long IdleMs)
{
    /// <summary>The host name that it asked for.</summary>
    public string? ServerName { get; init; }
}

/// <summary>
/// A look at every session of one loop, for an operator: the first ones in some order, or the end of those that are
/// meant. The loop does some of it in each of its turns, so that nobody waits for it. Made by the supervisor, used by
/// the loop until it is done.
/// </summary>
/// <param name="done">Called on the loop's thread when every session has been looked at.</param>
internal sealed class SessionWalk(Action done)
{
    private readonly PriorityQueue<SessionEntry, long> first = new();

    /// <summary>The order of a list.</summary>
    public SessionSort Sort { get; init; } = SessionSort.Recent;

    /// <summary>How many the list has at most; zero where sessions are to be ended.</summary>
    public int Most { get; init; }

    /// <summary>The sessions that are to be ended; null where there is to be a list.</summary>
    public SessionChoice? Ends { get; init; }

    /// <summary>Where it goes on.</summary>
    public int Position { get; set; }

    /// <summary>Sessions that were looked at.</summary>
    public long Total { get; set; }

    /// <summary>Sessions that were ended.</summary>
    public long Ended { get; set; }

    /// <summary>The list, in no order.</summary>
    public IEnumerable<SessionEntry> First => first.UnorderedItems.Select(item => item.Element);

    /// <summary>Whether a session with that rank belongs to the first ones so far.</summary>
    public bool Wants(long rank) => first.Count < Most || (first.TryPeek(out _, out var last) && rank > last);

    /// <summary>Adds one that <see cref="Wants"/> wants.</summary>
    public void Add(in SessionEntry entry)
    {
        if (first.Count < Most)
            first.Enqueue(entry, entry.Rank);
        else
            first.EnqueueDequeue(entry, entry.Rank);
    }

    /// <summary>Every session has been looked at.</summary>
    public void End() => done();
}
