using Bal.Domain.Admission;
using Bal.Domain.Simulation;

namespace Bal.Application.Simulation;

/// <summary>What is noted of the clients of a service that wait for a place in a backend.</summary>
internal sealed class QueueNotes
{
    private int longest;
    private long waits, waitedMs, longestWaitMs, full, timedOut;

    /// <summary>So many wait now.</summary>
    public void Waits(int length) => longest = Math.Max(longest, length);

    /// <summary>One has waited for so long.</summary>
    public void Waited(Duration span)
    {
        waits++;
        waitedMs += span.Milliseconds;
        longestWaitMs = Math.Max(longestWaitMs, span.Milliseconds);
    }

    /// <summary>One was turned away.</summary>
    public void Refused(Refusal reason) => _ = reason == Refusal.QueueFull ? full++ : timedOut++;

    /// <summary>All of it.</summary>
    public QueueHistory ToHistory() =>
        new(longest, waits, new(waits == 0 ? 0 : waitedMs / waits), new(longestWaitMs), full, timedOut);
}
