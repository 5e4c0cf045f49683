using Bal.Domain.Backend;
using Bal.Domain.Counting;
using Bal.Domain.Doctor;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Infrastructure.DataPlane;

/// <summary>What processes have counted that this one has replaced.</summary>
/// <param name="Before">Of those that are gone.</param>
/// <param name="RejectedBefore">Rejected connections that the core knows of.</param>
/// <param name="ExhaustedBefore">Connections without a descriptor that the core knows of.</param>
/// <param name="LostBefore">Lost reports that the core knows of.</param>
/// <param name="Processes">Those that still have open connections, the eldest first.</param>
internal sealed record Replaced(
    Traffic Before, long RejectedBefore, long ExhaustedBefore, long LostBefore, Arr<ReplacedProcess> Processes)
{
    /// <summary>This process is the first.</summary>
    public static readonly Replaced Nobody = new(Traffic.None, 0, 0, 0, Arr<ReplacedProcess>.Empty);

    /// <summary>Whether any of them is still there.</summary>
    public bool StillServes => !Processes.IsEmpty;

    /// <summary>Where they count the open connections of a service.</summary>
    public unsafe nint[] CountsOf(string service) =>
        [.. Processes.Where(p => p.IndexOf(service) >= 0).Select(p => (nint)p.Counts.At(p.IndexOf(service)))];

    /// <summary>Whether one of them has said that it has connections with a backend.</summary>
    public bool Uses(BackendId backend) =>
        Processes.Exists(p => p.Reported.Backends.Exists(b => b.Backend == backend && b.Active > 0));

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
/// <param name="Services">Its services, in the order of <paramref name="Counts"/>.</param>
/// <param name="Reported">What it last said that it has counted; its own part alone.</param>
internal sealed record ReplacedProcess(
    int Pid, string Version, Instant Since, OpenCounts Counts, Arr<string> Services, Traffic Reported)
{
    /// <summary>Connections that it has open now.</summary>
    public long Open => Enumerable.Range(0, Services.Count).Sum(i => Counts.Read(i));

    /// <summary>Where it counts a service; negative where it has none of that name.</summary>
    public int IndexOf(string service) => Services.IndexOf(service);
}
