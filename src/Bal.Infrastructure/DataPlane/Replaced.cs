using Bal.Domain.Backend;
using Bal.Domain.Counting;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Infrastructure.DataPlane;

/// <summary>What processes have counted that this one has replaced.</summary>
/// <param name="Before">Of those that are gone.</param>
/// <param name="LostBefore">Lost reports that the core knows of.</param>
/// <param name="Processes">Those that still have open connections, the eldest first.</param>
internal sealed record Replaced(
    Traffic Before, long LostBefore, Arr<ReplacedProcess> Processes)
{
    /// <summary>This process is the first.</summary>
    public static readonly Replaced Nobody = new(Traffic.None, 0, Arr<ReplacedProcess>.Empty);

    /// <summary>Whether any of them is still there.</summary>
    public bool StillServes => !Processes.IsEmpty;

    /// <summary>Where they count the open connections of a service.</summary>
    public nint[] CountsOf(ServiceId service) =>
        [.. Processes.Select(p => p.SlotOf(service)).Where(slot => slot != 0)];

    /// <summary>Where they count those of any service.</summary>
    public nint[] AllCounts => [.. Processes.SelectMany(p => p.AllSlots)];

    /// <summary>What they hold, and may come to hold, of a backend.</summary>
    public OlderPlaces PlacesOf(ServiceId service, BackendId backend) => !StillServes ? OlderPlaces.None : new(
        [.. Processes.SelectMany(p => p.PlacesOf(service, backend))],
        Processes.Filter(p => !p.CountsPlacesOf(backend)).Sum(p => p.ReportedOf(backend)));

    /// <summary>The backends that one of them has said to have connections with.</summary>
    public IReadOnlySet<BackendId> UsedBackends => Processes
        .SelectMany(p => p.Reported.Backends).Where(b => b.Active > 0).Select(b => b.Backend).ToHashSet();

    /// <summary>Everything together.</summary>
    public Traffic Plus(Traffic own) => StillServes || Before != Traffic.None
        ? Processes.Fold(own.Plus(Before), (sum, process) => sum.Plus(process.Reported))
        : own;

    /// <summary>One of them has said what it has counted.</summary>
    public Replaced Heard(int pid, Traffic reported) => this with
    {
        Processes = Processes.Map(p => p.Pid == pid ? p with { Reported = reported } : p),
    };

    /// <summary>One of them has gone; what it counted stays.</summary>
    public Replaced Without(int pid) => Processes.Find(p => p.Pid == pid).Match(
        gone => this with
        {
            Before = Before.Plus(gone.Reported.Past),
            Processes = Processes.Filter(p => p.Pid != pid),
        },
        () => this);
}

/// <summary>A process that was replaced and has not ended yet.</summary>
/// <param name="Pid">Its process id.</param>
/// <param name="Version">Its version of bal.</param>
/// <param name="Since">When it was replaced.</param>
/// <param name="Counts">Its open connections.</param>
/// <param name="Slots">Where its services are in <paramref name="Counts"/>.</param>
/// <param name="Reported">What it last said that it has counted; its own part alone.</param>
internal sealed record ReplacedProcess(
    int Pid, string Version, Instant Since, OpenCounts Counts, Arr<ServiceSlot> Slots, Traffic Reported)
{
    private readonly Dictionary<ServiceId, int> slots =
        Slots.Filter(slot => Counts.Has(slot.Slot)).ToDictionary(slot => slot.Service, slot => slot.Slot);

    /// <summary>Where it counts the places of backends: an identity and its slot, by turns.</summary>
    public Arr<long> PlaceSlots { get; init; } = Arr<long>.Empty;

    /// <summary>Where it counts in every <see cref="ClientTable"/>; negative where it knows of none.</summary>
    public int ClientColumn { get; init; } = -1;

    /// <summary>Whether it counts the places of a backend in shared memory.</summary>
    public bool CountsPlacesOf(BackendId backend) => PlaceOf(backend) >= 0;

    /// <summary>
    /// Where it counts its clients without a backend, and the places that it has taken in a backend; nothing where it
    /// does not.
    /// </summary>
    public unsafe IEnumerable<nint> PlacesOf(ServiceId service, BackendId backend)
    {
        var place = PlaceOf(backend);
        return place < 0 ? [] : SlotOf(service) is var seeking && seeking == 0
            ? [(nint)Counts.At(place)] : [seeking + sizeof(long), (nint)Counts.At(place)];
    }

    /// <summary>The connections of a backend that it last spoke of.</summary>
    public long ReportedOf(BackendId backend) =>
        Reported.Backends.Filter(b => b.Backend == backend).Sum(b => b.Active);

    private int PlaceOf(BackendId backend)
    {
        for (var i = 0; i + 1 < PlaceSlots.Count; i += 2)
        {
            if (PlaceSlots[i] == backend.Value && Counts.Has((int)PlaceSlots[i + 1]))
                return (int)PlaceSlots[i + 1];
        }

        return -1;
    }

    /// <summary>Connections that it has open now.</summary>
    public long Open => slots.Values.Sum(Counts.Read);

    /// <summary>The addresses of its counts.</summary>
    public unsafe IEnumerable<nint> AllSlots => slots.Values.Select(slot => (nint)Counts.At(slot));

    /// <summary>The address of its count of a service; zero where it has no such service.</summary>
    public unsafe nint SlotOf(ServiceId service) =>
        slots.TryGetValue(service, out var slot) ? (nint)Counts.At(slot) : 0;
}
