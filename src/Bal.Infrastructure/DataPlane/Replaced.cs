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

    /// <summary>Connections that it has open now.</summary>
    public long Open => slots.Values.Sum(Counts.Read);

    /// <summary>The address of its count of a service; zero where it has no such service.</summary>
    public unsafe nint SlotOf(ServiceId service) =>
        slots.TryGetValue(service, out var slot) ? (nint)Counts.At(slot) : 0;
}
