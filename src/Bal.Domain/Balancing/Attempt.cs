namespace Bal.Domain.Balancing;

/// <summary>A client that needs a backend: for the first time, or because those it has tried have failed.</summary>
/// <param name="turn">The client's number in the one sequence of its service.</param>
/// <param name="tried">The identities of the backends this client has tried.</param>
/// <param name="lastResorts">How many of those were last resorts when chosen.</param>
public readonly ref struct Attempt(ulong turn, ReadOnlySpan<int> tried, int lastResorts)
{
    /// <summary>The client's number in the one sequence of its service.</summary>
    public ulong Turn { get; } = turn;

    /// <summary>The identities of the backends this client has tried.</summary>
    public ReadOnlySpan<int> Tried { get; } = tried;

    /// <summary>How many of those were last resorts when chosen.</summary>
    public int LastResorts { get; } = lastResorts;

    /// <summary><see cref="Hash.OfClient"/> of the client's address; none where it has no address.</summary>
    public ulong? Source { get; init; }

    /// <summary>
    /// Open connections of the backend at a place of a tier, asked for by methods that go by it; null counts none.
    /// </summary>
    public Func<Tier, int, long>? Load { get; init; }

    /// <summary>
    /// Whether the backend at a place of a tier has its <c>max_connections</c>; null where none has a limit. One that
    /// is full is passed over as if it had been tried.
    /// </summary>
    public Func<Tier, int, bool>? IsFull { get; init; }

    /// <summary>Whether the client has tried a backend.</summary>
    internal bool HasTried(Route route) => Tried.IndexOf(route.Id.Value) >= 0;
}
