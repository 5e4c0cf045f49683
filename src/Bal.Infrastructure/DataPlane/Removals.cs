using LanguageExt;

namespace Bal.Infrastructure.DataPlane;

/// <summary>
/// Services that a reload has removed. Clients in the queue of a listener that closes are still served, by whichever
/// backend; so their backends are left together, once every loop has closed the listeners and no session looks for a
/// backend.
/// </summary>
/// <param name="backends">The backends.</param>
/// <param name="loops">How many loops there are.</param>
internal sealed class Removals(Backends backends, int loops)
{
    private readonly Dictionary<ServicePlane, Removal> removed = [];
    private readonly Dictionary<int, Closing> closing = [];

    /// <summary>Listeners that the loops are closing.</summary>
    private sealed record Closing(
        IReadOnlyList<ServicePlane> Services, System.Collections.Generic.HashSet<int> Missing);

    private sealed class Removal
    {
        /// <summary>When its backends were last marked; see <see cref="Backends.Mark"/>.</summary>
        public int Marked { get; set; }

        /// <summary>Every loop has done what it was told after the removal.</summary>
        public bool Confirmed { get; set; }
    }

    /// <summary>A table says that the service is removed.</summary>
    /// <param name="service">The service.</param>
    /// <param name="marked">Where its backends have been marked as draining, by which number.</param>
    public void Add(ServicePlane service, int marked)
    {
        if (!removed.TryGetValue(service, out var removal))
        {
            removed[service] = removal = new Removal();
            service.Rows.MarkLeaving(true);
        }

        removal.Marked = Math.Max(removal.Marked, marked);
    }

    /// <summary>The service is back, or forgotten.</summary>
    public void Remove(ServicePlane service)
    {
        if (removed.Remove(service))
            service.Rows.MarkLeaving(false);
    }

    /// <summary>The loops have been told to close listeners.</summary>
    public void Close(ListenerSet listeners)
    {
        closing.Add(listeners.Tag, new Closing(listeners.Services, [.. Enumerable.Range(0, loops)]));
        foreach (var service in listeners.Services)
            service.ClosingListeners++;
    }

    /// <summary>A loop has closed listeners.</summary>
    public void Closed(int loop, int tag)
    {
        if (!closing.TryGetValue(tag, out var set) || !set.Missing.Remove(loop) || set.Missing.Count > 0)
            return;
        closing.Remove(tag);
        foreach (var service in set.Services)
        {
            service.ClosingListeners--;
            Look(service);
        }
    }

    /// <summary>Those whose listeners the loops have yet to be asked about.</summary>
    public IReadOnlyList<ServicePlane> Unconfirmed => [.. removed.Where(r => !r.Value.Confirmed).Select(r => r.Key)];

    /// <summary>Every loop has done what it was told after these were removed.</summary>
    public void Confirm(IEnumerable<ServicePlane> services)
    {
        foreach (var service in services)
        {
            if (!removed.TryGetValue(service, out var removal))
                continue;
            removal.Confirmed = true;
            Look(service);
        }
    }

    /// <summary>Looks whether a service is left.</summary>
    public void Look(ServicePlane service)
    {
        if (removed.TryGetValue(service, out var removal) && removal.Confirmed && service.ClosingListeners == 0
            && service.Rows.Sum(ServiceRow.Connecting) == 0)
            backends.Left(service.Current.Table.Draining, removal.Marked);
    }
}
