using Bal.Domain.Backend;
using Bal.Domain.Control;
using Bal.Domain.Counting;
using Bal.Domain.Primitives;
using Bal.Infrastructure.DataPlane;
using LanguageExt;

namespace Bal.Infrastructure.Hosting;

/// <summary>
/// What the process that replaces another one gets to know. The descriptors come beside it, in this order: the PID
/// file, the control socket, the listening sockets of each service, the <see cref="ClientTable"/> of each service that
/// has one, and for each process of <paramref name="Processes"/> its link and its <see cref="OpenCounts"/>; the last of
/// these is the sender, whose link is the one it comes by.
/// </summary>
/// <param name="Version">The sender's version of bal.</param>
/// <param name="StartedAt">When the first of the processes started.</param>
/// <param name="Services">The services that listen.</param>
/// <param name="Before">What processes counted that are gone.</param>
/// <param name="Processes">Those that are there, the eldest first.</param>
/// <param name="State">Everything decided.</param>
internal sealed record Handover(
    string Version,
    Instant StartedAt,
    Arr<ServiceHandover> Services,
    Traffic Before,
    Arr<ProcessHandover> Processes,
    ControlState State)
{
    /// <summary>The descriptors that belong to it.</summary>
    public int DescriptorCount =>
        2 + Services.Sum(s => s.Sockets) + Services.Count(s => s.HasClients) + 2 * Processes.Count - 1;
}

/// <summary>One service.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Sockets">How many listening sockets it has.</param>
/// <param name="Turn">The number of its next client.</param>
internal sealed record ServiceHandover(string Name, int Sockets, ulong Turn)
{
    /// <summary>Whether what is known of its clients is handed over (<see cref="ClientTable"/>).</summary>
    public bool HasClients { get; init; }

    /// <summary>The paths of its Unix sockets that bal removes when it ends; one of a service manager stays.</summary>
    public Arr<string> Files { get; init; } = Arr<string>.Empty;
}

/// <summary>One process that has counted something.</summary>
/// <param name="Pid">Its process id.</param>
/// <param name="Version">Its version.</param>
/// <param name="Since">When it was replaced; for the sender, now.</param>
/// <param name="Services">Where it counts the connections of each service.</param>
/// <param name="Reported">What it has counted.</param>
internal sealed record ProcessHandover(
    int Pid, string Version, Instant Since, Arr<ServiceSlot> Services, Traffic Reported)
{
    /// <summary>
    /// Where it counts the places of backends with <c>max_connections</c>: an identity and its slot, by turns.
    /// </summary>
    public Arr<long> PlaceSlots { get; init; } = Arr<long>.Empty;

    /// <summary>Where it counts in every <see cref="ClientTable"/>; negative where it knows of none.</summary>
    public int ClientColumn { get; init; } = -1;

    /// <summary>
    /// The slots of a process that names its services by their order, as 0.1.0 does: it counts them from 1.
    /// </summary>
    public static Arr<ServiceSlot> SlotsOf(IEnumerable<string> names) =>
        new(names.Select((name, i) => new ServiceSlot(new ServiceId(i + 1), name, i)));

    /// <summary>The names in the order of the slots; an empty one where no service has the slot.</summary>
    public Arr<string> Names => new(Enumerable.Range(0, Services.IsEmpty ? 0 : Services.Max(s => s.Slot) + 1)
        .GroupJoin(Services, slot => slot, s => s.Slot, (_, found) => found.Select(s => s.Name).FirstOrDefault("")));
}
