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

    /// <summary>What happens when the thing comes that it waits for.</summary>
    public Action Wake { get; }

    public ClientState State { get; set; }

    /// <summary>The stream it is of.</summary>
    public int Stream { get; set; }

    /// <summary>The service that it came to; none while it is outside.</summary>
    public VirtualService? Service { get; set; }

    /// <summary>Which client it is, counted from 0; the same for its retries.</summary>
    public long Number { get; set; }

    public int RetriesLeft { get; set; }

    public Instant CameAt { get; set; }

    /// <summary>When its current connect began.</summary>
    public Instant ConnectingSince { get; set; }

    public ulong Turn { get; set; }

    public List<int> Tried { get; } = [];

    public int LastResorts { get; set; }

    /// <summary>Connects so far, over all its retries: which roll of the dice the next one is.</summary>
    public int Connects { get; set; }

    /// <summary>The backend it uses or is being connected to; 0 for none.</summary>
    public int Backend { get; set; }

    public int AddressIndex { get; set; }

    /// <summary>What the connect that is under way will come to.</summary>
    public Bal.Domain.Simulation.ConnectFate Answer { get; set; }

    /// <summary>Its place among the open connections.</summary>
    public int Place { get; set; }
}
