using Bal.Domain.Primitives;

namespace Bal.Application.Simulation;

/// <summary>Where a client is.</summary>
internal enum ClientState
{
    /// <summary>Not admitted.</summary>
    Outside,

    /// <summary>bal looks for a backend.</summary>
    Connecting,

    /// <summary>It has one.</summary>
    Established,
}

/// <summary>
/// The memory of one simulated connection, used again for others. It waits for one thing at a time; a connection that
/// is cut keeps its memory until that thing comes, so that it cannot come to another one.
/// </summary>
internal sealed class VirtualClient
{
    public VirtualClient(Action<VirtualClient> woken) => Wake = () => woken(this);

    /// <summary>Runs when the event it waits for happens.</summary>
    public Action Wake { get; }

    public ClientState State { get; set; }

    /// <summary>Its stream.</summary>
    public int Stream { get; set; }

    /// <summary>The service that it came to; none while it is outside.</summary>
    public VirtualService? Service { get; set; }

    /// <summary>The number of the client, from 0; its retries have the same one.</summary>
    public long Number { get; set; }

    public int RetriesLeft { get; set; }

    public Instant CameAt { get; set; }

    /// <summary>When its current connect began.</summary>
    public Instant ConnectingSince { get; set; }

    public ulong Turn { get; set; }

    public List<int> Tried { get; } = [];

    public int LastResorts { get; set; }

    /// <summary>Connects so far, over all its retries; selects the random value of the next one.</summary>
    public int Connects { get; set; }

    /// <summary>The backend it uses or is being connected to; 0 for none.</summary>
    public int Backend { get; set; }

    public int AddressIndex { get; set; }

    /// <summary>The outcome that the current connect will have.</summary>
    public Bal.Domain.Simulation.ConnectFate Answer { get; set; }

    /// <summary>When it began to wait for a place in a backend.</summary>
    public Instant WaitsSince { get; set; }

    /// <summary>Counts the beginnings and ends of its waits, also over other clients that had this memory.</summary>
    public int Waits { get; set; }

    /// <summary>Whether it counts among the connections of its client.</summary>
    public bool Counts { get; set; }

    /// <summary>Its place among the open connections.</summary>
    public int Place { get; set; }

    /// <summary>Is from now on what another one was, but for what that one waits for.</summary>
    public void GoOnAs(VirtualClient other)
    {
        (State, Stream, Service, Number) = (other.State, other.Stream, other.Service, other.Number);
        (RetriesLeft, CameAt, ConnectingSince) = (other.RetriesLeft, other.CameAt, other.ConnectingSince);
        (Turn, LastResorts, Connects) = (other.Turn, other.LastResorts, other.Connects);
        (Backend, AddressIndex, Place) = (other.Backend, other.AddressIndex, other.Place);
        Counts = other.Counts;
        Tried.Clear();
        Tried.AddRange(other.Tried);
    }
}
