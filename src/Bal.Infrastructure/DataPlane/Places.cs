using Bal.Domain.Admission;
using Bal.Domain.Backend;

namespace Bal.Infrastructure.DataPlane;

/// <summary>
/// The places of a backend with <c>max_connections</c>: one number for all loops, on a cache line of its own in memory
/// that a process which takes over can read. A place is taken before the connect begins and given back when nothing of
/// the connection is left, so the limit is exact. It is in force once every loop counts here: until then, for an
/// instant after the reload that set it, some of the connections open at that moment are not in the number yet.
/// </summary>
/// <param name="service">The service of the backend.</param>
/// <param name="backend">The backend.</param>
/// <param name="slot">Where the number is in <see cref="OpenCounts"/>.</param>
/// <param name="taken">The number.</param>
/// <param name="loops">How many loops there are.</param>
internal sealed unsafe class Places(ServiceId service, BackendId backend, int slot, long* taken, int loops)
{
    private int limit = int.MaxValue;
    private int joined;
    private OlderPlaces older = OlderPlaces.None;

    public ServiceId Service => service;

    public BackendId Backend => backend;

    public int Slot => slot;

    /// <summary>Its <c>max_connections</c>; the greatest number there is where a reload has removed it.</summary>
    public int Limit
    {
        get => Volatile.Read(ref limit);
        set => Volatile.Write(ref limit, value);
    }

    /// <summary>Where <see cref="Taken"/> is.</summary>
    public long* Cell => taken;

    /// <summary>Places that this process has taken.</summary>
    public long Taken => Volatile.Read(ref *taken);

    /// <summary>What replaced processes have taken.</summary>
    public OlderPlaces Older
    {
        set => Volatile.Write(ref older, value);
    }

    /// <summary>Whether a place is free at this moment.</summary>
    public bool HasRoom => !InForce || PlaceRule.HasRoom(Taken, Volatile.Read(ref older).Most(), Limit);

    private bool InForce => Volatile.Read(ref joined) >= loops;

    /// <summary>Takes a place, whatever the other loops do meanwhile; false where there is none.</summary>
    public bool TryTake()
    {
        if (!InForce)
        {
            Interlocked.Increment(ref *taken);
            return true;
        }

        // What an older process may come to hold only falls, so that one that is read late is never too low.
        var others = Volatile.Read(ref older).Most();
        while (true)
        {
            var seen = Taken;
            if (!PlaceRule.HasRoom(seen, others, Limit))
                return false;
            if (Interlocked.CompareExchange(ref *taken, seen + 1, seen) == seen)
                return true;
        }
    }

    /// <summary>
    /// From now on a loop counts its connections of the backend here; called by that loop, or before it knows the
    /// backend.
    /// </summary>
    public void Join(BackendCounters* line)
    {
        if (line->Taken != null)
            return;
        line->Taken = taken;
        Interlocked.Add(ref *taken, line->Active);
        Interlocked.Increment(ref joined);
    }
}

/// <summary>
/// What replaced processes hold of a backend, and may come to hold. They admit nobody any more, but serve the clients
/// that wait or connect there, who came first; so each of those counts as if it were to get this backend.
/// </summary>
/// <param name="counts">
/// Addresses: for each process that of the clients of the service that have no backend yet, and that of the places it
/// has taken.
/// </param>
/// <param name="reported">
/// Connections of processes that do not count them in shared memory, as last reported; they can only have become fewer.
/// </param>
internal sealed unsafe class OlderPlaces(nint[] counts, long reported)
{
    /// <summary>No process was replaced.</summary>
    public static readonly OlderPlaces None = new([], 0);

    /// <summary>The most that they will ever hold from now on.</summary>
    public long Most()
    {
        var sum = reported;
        // In this order: a client that gets a place and then its backend in between is counted twice, never left out.
        foreach (var count in counts)
            sum += Math.Max(0, Volatile.Read(ref *(long*)count));
        return sum;
    }
}
