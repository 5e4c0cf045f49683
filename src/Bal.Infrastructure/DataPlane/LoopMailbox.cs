using Bal.Domain.Backend;
using Bal.Infrastructure.Linux;

namespace Bal.Infrastructure.DataPlane;

/// <summary>What a loop has to tell the supervisor.</summary>
internal enum LoopReportKind
{
    /// <summary>A connect to every address of a backend failed.</summary>
    ConnectFailed,

    /// <summary>A connect succeeded that the table wants to know of.</summary>
    ConnectSucceeded,

    /// <summary>A client found no backend.</summary>
    ClientExhausted,

    /// <summary>The loop's last session with a draining backend ended.</summary>
    BackendIdle,

    /// <summary>The last connection of a service ended while draining.</summary>
    AllIdle,

    /// <summary>Clients of a service got no service, or were ended by silence: its counters say how many.</summary>
    News,

    /// <summary>The loop has closed the listeners of that tag.</summary>
    Unlistened,

    /// <summary>
    /// The loop's last session of a removed service that still looked for a backend does so no longer.
    /// </summary>
    ServiceSettled,

    /// <summary>The loop has carried out every command up to the numbered one.</summary>
    Synced,
}

/// <summary>
/// One report; <paramref name="Subject"/> is a backend, the index of a service, a tag or a command number.
/// </summary>
internal readonly record struct LoopReport(LoopReportKind Kind, int Subject, FailureKind Failure, int Count);

/// <summary>
/// Reports of one loop, in order. Only unusual things are reported, so the lock is taken rarely and hardly ever
/// contended. Equal neighbours are merged; above <see cref="Capacity"/> reports are dropped and counted, except those
/// that are made once only.
/// </summary>
internal sealed class LoopMailbox(WakeUp supervisor)
{
    public const int Capacity = 65_536;

    private readonly Lock gate = new();
    private List<LoopReport> filling = [];
    private List<LoopReport> spare = [];
    private long dropped;

    /// <summary>Reports that found the mailbox full.</summary>
    public long Dropped => Volatile.Read(ref dropped);

    public void Post(LoopReportKind kind, int subject, FailureKind failure = FailureKind.Other)
    {
        lock (gate)
        {
            if (filling.Count > 0 && filling[^1] is var last
                && last.Kind == kind && last.Subject == subject && last.Failure == failure)
                filling[^1] = last with { Count = last.Count + 1 };
            // What ends a drain must get through however full it is: nobody would say it again.
            else if (filling.Count < Capacity || kind is LoopReportKind.Synced or LoopReportKind.BackendIdle
                or LoopReportKind.AllIdle or LoopReportKind.Unlistened or LoopReportKind.ServiceSettled)
                filling.Add(new(kind, subject, failure, 1));
            else
                dropped++;
        }

        supervisor.Signal();
    }

    /// <summary>Everything reported since the last call; valid until the next one.</summary>
    public List<LoopReport> Take()
    {
        lock (gate)
        {
            (filling, spare) = (spare, filling);
            filling.Clear();
            return spare;
        }
    }
}
