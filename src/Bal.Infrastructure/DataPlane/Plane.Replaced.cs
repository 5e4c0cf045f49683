using Bal.Domain.Control;
using Bal.Domain.Messages;
using LanguageExt;

namespace Bal.Infrastructure.DataPlane;

/// <summary>What concerns other processes: those that this one has replaced, and one that replaces it.</summary>
internal sealed partial class Plane
{
    private bool servedWithOlder;
    private bool isReplaced;

    /// <summary>
    /// What a process that takes over needs to know of a service and its listening sockets; one that shares an address
    /// may have none.
    /// </summary>
    public IReadOnlyList<ServingSockets> Serving
    {
        get
        {
            var owned = listeners.ByOwner;
            return [.. services.All.Where(service => service.Name.Length > 0).Select(service => new ServingSockets(
                service.Name, [.. owned[service].SelectMany(set => set.Distinct)], service.Turn,
                service is { Clients: { } table, Current.LimitsClients: true } ? table.Fd : -1,
                new(owned[service].Select(set => set.File?.Path).OfType<string>())))];
        }
    }

    /// <summary>Where this process counts in every <see cref="ClientTable"/>.</summary>
    public int ClientColumn => clients.Column;

    /// <summary>Goes on with what another process knows of the clients of a service.</summary>
    public void InheritClients(string service, int table) => clients.Inherit(service, table);

    /// <summary>Where this process counts open connections, in <see cref="OpenFd"/>.</summary>
    public Arr<ServiceSlot> Slots => new(services.Slots);

    /// <summary>See <see cref="Backends.PlaceSlots"/>; in <see cref="OpenFd"/> as well.</summary>
    public Arr<long> PlaceSlots => backends.PlaceSlots;

    /// <summary>See <see cref="OpenCounts"/>.</summary>
    public int OpenFd => services.OpenFd;

    /// <summary>Continues what another process has begun with a service.</summary>
    /// <param name="service">Which.</param>
    /// <param name="turn">The number of its next client.</param>
    public void GoOnWith(ServiceState service, ulong turn)
    {
        var plane = PlaneOf(service.Id);
        plane.Turn = turn;
        plane.CountFrom(service);
    }

    /// <summary>
    /// What was counted before this process, and what replaced processes count; added to everything reported.
    /// </summary>
    public Replaced Replaced
    {
        get => replaced;
        set
        {
            var gone = replaced.Processes.Filter(p => !value.Processes.Exists(q => q.Counts == p.Counts));
            replaced = value;
            // Before any table is joined, and later where one of them has gone.
            clients.Follow(value.Processes.Map(p => p.ClientColumn));
            if (!gone.IsEmpty)
                RetainClients();
            var all = value.AllCounts;
            foreach (var service in services.All)
                service.CountElsewhere(value.CountsOf(service.Id), all);
            backends.HeldElsewhere = value.PlacesOf;
            backends.LookElsewhere();
            foreach (var service in services.All.Where(s => s.Line is not null))
                OpenLine(service);
            var inUse = value.UsedBackends;
            backends.IsUsedElsewhere = inUse.Contains;
            backends.LookAtAll();
            LookIdle();
            if (!gone.IsEmpty)
                Confirm(() => gone.Iter(p => p.Counts.Dispose()));
            supervisor.Signal();
        }
    }

    /// <summary>
    /// Another process serves from now on and knows of those that were replaced before. Clients that wait here go on
    /// heeding the connections of theirs.
    /// </summary>
    public void LeaveReplaced()
    {
        isReplaced = true;
        listeners.LeaveFiles();
        servedWithOlder = replaced.StillServes && services.All.Any(s => s.Line is not null);
        if (!servedWithOlder)
        {
            Replaced = Replaced.Nobody;
            return;
        }

        replaced = Replaced.Nobody;
        foreach (var service in services.All)
            service.CountElsewhere([], []);
        backends.IsUsedElsewhere = _ => false;
        backends.LookAtAll();
        LookIdle();
    }

    // Also where there are limits already: a table is joined once.
    private void LimitClients(ServicePlane plane, string name)
    {
        if (plane.Clients is not null)
            return;
        clients.TakeOf(name).Match(
            Right: table => plane.Clients = table,
            Left: problem => Say(LogEvent.Failure("dataplane", problem.Code, problem)));
    }

    // What concerns those before this process is another one's to say once it has been replaced.
    private void RetainClients()
    {
        if (isReplaced)
            return;
        foreach (var service in services.All)
            service.Clients?.Retain(clients.Elders);
    }
}

/// <summary>What a process that takes over gets of a service.</summary>
/// <param name="Service">Its name.</param>
/// <param name="Sockets">Its listening sockets.</param>
/// <param name="Turn">The number of its next client.</param>
/// <param name="Clients">The descriptor of its <see cref="ClientTable"/>; -1 where it has none to hand over.</param>
/// <param name="Files">Those Unix sockets of it whose files end with bal.</param>
internal sealed record ServingSockets(string Service, int[] Sockets, ulong Turn, int Clients, Arr<string> Files);
