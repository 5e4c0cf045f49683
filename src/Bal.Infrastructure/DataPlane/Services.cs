using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Domain.Messages;
using LanguageExt;

namespace Bal.Infrastructure.DataPlane;

/// <summary>
/// The services that the loops know, by identity for the supervisor and by index for the loops. An index is used again
/// only once no loop can mean its former owner by it.
/// </summary>
/// <param name="loops">How many loops there are.</param>
/// <param name="counts">Where open connections are counted, at a service's index.</param>
/// <param name="connections">
/// The connections that the process has descriptors for, beside so many sockets that listen.
/// </param>
internal sealed class Services(int loops, OpenCounts counts, Func<int, long> connections) : IDisposable
{
    private readonly Dictionary<int, ServicePlane> byId = [];
    private readonly Stack<int> free = new();
    private readonly SortedSet<int> places = [];
    private ServicePlane?[] byIndex = new ServicePlane?[8];
    private int used;

    /// <summary>
    /// For each loop, where it finds its clients that wait no longer; complete before a service is added.
    /// </summary>
    public HandedBack[] HandedBack { get; } = new HandedBack[loops];

    /// <summary>The connections that no service is assured of.</summary>
    public SharedPlaces Shared { get; } = new();

    /// <summary>All of them, those that a reload removed included.</summary>
    public IReadOnlyCollection<ServicePlane> All => byId.Values;

    /// <summary>The service of that index, as a loop asks for it.</summary>
    public ServicePlane At(int index) => Volatile.Read(ref byIndex)[index]!;

    /// <summary>The service of that identity, if it is known.</summary>
    public ServicePlane? Find(ServiceId id) => byId.GetValueOrDefault(id.Value);

    /// <summary>The service of that index, unless it has been forgotten meanwhile.</summary>
    public ServicePlane? FindAt(int index) =>
        byIndex[index] is { } service && Find(service.Id) == service ? service : null;

    /// <summary>The service of that identity; a new one has no table yet.</summary>
    public ServicePlane Of(ServiceId id)
    {
        if (byId.TryGetValue(id.Value, out var known))
            return known;
        if (!free.TryPop(out var index))
            index = used++;
        // Prepare() has made sure of the room for those of a reload.
        _ = counts.Grow(used);
        var added = new ServicePlane(id, index, counts, Shared, HandedBack);
        if (index >= byIndex.Length)
        {
            var more = new ServicePlane?[Math.Max(index + 1, byIndex.Length * 2)];
            byIndex.CopyTo(more, 0);
            more[index] = added;
            Volatile.Write(ref byIndex, more);
        }

        byIndex[index] = added;
        byId.Add(id.Value, added);
        return added;
    }

    /// <summary>Memory to count the places of a backend in, at zero: a slot like that of a service.</summary>
    public unsafe (int Slot, nint Taken) TakeSlot()
    {
        if (!free.TryPop(out var slot))
            slot = used++;
        _ = counts.Grow(used);
        places.Add(slot);
        return (slot, (nint)counts.At(slot));
    }

    /// <summary>Gives such a slot back, at zero again.</summary>
    public void GiveSlot(int slot)
    {
        places.Remove(slot);
        free.Push(slot);
    }

    /// <summary>Makes sure that so many more services, or backends with limits, have room.</summary>
    public Either<Problem, Unit> MakeRoom(int more) => counts.Grow(used + Math.Max(0, more - free.Count));

    /// <summary>Forgets a service for the supervisor; loops may still use its index.</summary>
    public void Forget(ServiceId id) => byId.Remove(id.Value);

    /// <summary>Frees the index of a forgotten service, and its counters.</summary>
    public void Free(ServicePlane service)
    {
        if (service.Open > 0)
            return;
        byIndex[service.Index] = null;
        free.Push(service.Index);
        service.Dispose();
    }

    /// <summary>
    /// Divides the descriptors anew among the services of a configuration (<see cref="DescriptorShare"/>).
    /// </summary>
    /// <param name="configured">The services.</param>
    /// <param name="sockets">Sockets that listen.</param>
    public void Share(IReadOnlyCollection<ServicePlane> configured, int sockets)
    {
        var total = connections(sockets);
        foreach (var removed in All.Except(configured))
            removed.Assure(0);
        foreach (var service in configured)
            service.Assure(DescriptorShare.Assured(
                service.Current.Table.Service.Tuning.MaxConcurrentConnections, total, configured.Count));
        Shared.Size = DescriptorShare.Shared(total, configured.Sum(service => (long)service.Assured));
    }

    /// <summary>Where this process counts, for one that takes over.</summary>
    public IReadOnlyList<ServiceSlot> Slots =>
        [.. All.OrderBy(s => s.Index).Select(s => new ServiceSlot(s.Id, s.Name, s.Index))];

    /// <summary>See <see cref="OpenCounts"/>; at its least size.</summary>
    public int OpenFd
    {
        get
        {
            counts.Shrink(1 + Math.Max(All.Count == 0 ? -1 : All.Max(s => s.Index), places.Max));
            return counts.Fd;
        }
    }

    public void Dispose()
    {
        foreach (var service in byIndex)
            service?.Dispose();
        counts.Dispose();
    }
}
