using Bal.Domain.Admission;
using LanguageExt;

namespace Bal.Domain.Counting;

/// <summary>What kind of thing a counter counts.</summary>
public enum CounterKind
{
    /// <summary>Clients that got no service, by <see cref="Refusal"/>.</summary>
    Refused,

    /// <summary>Connections that ended, by <see cref="TerminationReason"/>.</summary>
    Ended,

    /// <summary>
    /// Something of the connections that are open now: it goes down again, and ends with its process.
    /// </summary>
    Open,

    /// <summary>Anything else that only rises.</summary>
    Past,

    /// <summary>The greatest of some numbers: of two, the greater one counts.</summary>
    Longest,

    /// <summary>Connections of one length, by <see cref="DurationScale.Session"/>.</summary>
    Lasted,

    /// <summary>Clients that have waited for so long, by <see cref="DurationScale.Queue"/>.</summary>
    Waited,
}

/// <summary>One counter of a service.</summary>
/// <param name="Index">Its place in <see cref="ServiceCounters.All"/>.</param>
/// <param name="Kind">What kind of thing it counts.</param>
/// <param name="Word">Its stable name in text, JSON and what a process hands to its successor.</param>
/// <param name="Help">What it counts, in one sentence.</param>
public sealed record ServiceCounter(int Index, CounterKind Kind, string Word, string Help)
{
    /// <summary>What two services, processes or loops have counted together.</summary>
    public long Plus(long one, long other) => Kind == CounterKind.Longest ? Math.Max(one, other) : one + other;
}

/// <summary>
/// Every counter of a service, declared once: the loops, the reports and the hand-over go by this list.
/// </summary>
public static class ServiceCounters
{
    /// <summary>All of them: refusals and terminations in the order of their enumerations, then the others.</summary>
    public static Arr<ServiceCounter> All { get; } = new(new (CounterKind Kind, string Word, string Help)[]
    {
        (CounterKind.Refused, "limit", "Clients rejected at the connection limit."),
        (CounterKind.Refused, "descriptors", "Clients not served because no file descriptor was left."),
        (CounterKind.Refused, "backends_unavailable", "Clients not served because every backend failed."),
        (CounterKind.Refused, "local_ports", "Clients not served because no local port was left."),
        (CounterKind.Refused, "no_route", "Clients not served because no backend could be reached from this machine."),
        (CounterKind.Refused, "kernel_memory", "Clients not served because the kernel had no memory."),
        (CounterKind.Refused, "kernel_refusal", "Clients not served because the kernel refused a system call."),
        (CounterKind.Refused, "accept_failed", "Attempts to accept a client that failed."),
        (CounterKind.Refused, "denied", "Clients rejected because of allow or deny."),
        (CounterKind.Refused, "queue_full", "Clients reset because every usable backend and the queue were full."),
        (CounterKind.Refused, "queue_timeout", "Clients reset because every usable backend stayed full for too long."),
        (CounterKind.Refused, "client_limit", "Clients rejected because they had too many connections."),
        (CounterKind.Refused, "client_rate", "Clients rejected because they connected too often."),
        (CounterKind.Refused, "proxy_header", "Clients rejected because they began with no valid PROXY header."),
        (CounterKind.Refused, "server_name", "Clients rejected because no service has the name they asked for."),
        (CounterKind.Ended, "completed", "Connections that both sides closed."),
        (CounterKind.Ended, "client_reset", "Connections that the client reset."),
        (CounterKind.Ended, "backend_reset", "Connections that the backend reset."),
        (CounterKind.Ended, "client_aborted", "Clients that left before a backend was connected."),
        (CounterKind.Ended, "idle_timeout", "Connections ended by the idle timeout."),
        (CounterKind.Ended, "no_backend", "Clients reset because every backend failed or there was none."),
        (CounterKind.Ended, "local_failure", "Connections reset because this machine ran out of a resource."),
        (CounterKind.Ended, "cut", "Connections cut at the end of a drain."),
        (CounterKind.Ended, "half_closed_timeout", "Half-closed connections ended by their timeout."),
        (CounterKind.Ended, "peer_timeout", "Connections ended because a peer no longer answered."),
        (CounterKind.Ended, "backend_down", "Connections reset because their backend went down."),
        (CounterKind.Ended, "primary_up", "Connections of backups reset because a primary was up again."),
        (CounterKind.Ended, "drain", "Connections reset at the end of 'bal drain --reset'."),
        (CounterKind.Ended, "rejected_queue_full", "Clients reset because the queue was full."),
        (CounterKind.Ended, "rejected_queue_timeout", "Clients reset because they had waited for too long."),
        (CounterKind.Ended, "rejected_limit", "Clients reset at the connection limit."),
        (CounterKind.Ended, "rejected_denied", "Clients reset because of allow or deny."),
        (CounterKind.Ended, "rejected_client_limit", "Clients reset because they had too many connections."),
        (CounterKind.Ended, "rejected_client_rate", "Clients reset because they connected too often."),
        (CounterKind.Ended, "rejected_proxy_header", "Clients reset because they began with no valid PROXY header."),
        (CounterKind.Ended, "rejected_server_name", "Clients reset because of the name they asked for."),
        (CounterKind.Ended, "sessions_reset", "Connections reset by 'bal sessions --reset'."),
        (CounterKind.Open, "spliced_connections", "Open connections relayed by the kernel in at least one direction."),
        (CounterKind.Open, "spliced_directions", "Directions of open connections relayed by the kernel."),
        (CounterKind.Past, "pipes_unavailable", "Times a bulk transfer was copied because no pipe was left."),
        (CounterKind.Open, "queue_length", "Clients that wait for a backend with room."),
        (CounterKind.Past, "queue_waits", "Clients that have waited for a backend with room."),
        (CounterKind.Past, "queue_wait_ms", "Milliseconds that they waited, in all."),
        (CounterKind.Longest, "queue_longest_wait_ms", "Milliseconds that the one waited that waited longest."),
        (CounterKind.Past, "total_connections", "Connections of clients accepted."),
        (CounterKind.Past, "failovers", "Times a client was passed on to another backend."),
        (CounterKind.Past, "bytes_in", "Bytes from clients."),
        (CounterKind.Past, "bytes_out", "Bytes to clients."),
        (CounterKind.Past, "ended_connections", "Connections that have ended and belonged to the service."),
        (CounterKind.Past, "connection_ms", "Milliseconds that they lasted, in all."),
    }.Concat(By(DurationScale.Session, CounterKind.Lasted, "lasted", "Connections that lasted"))
    .Concat(By(DurationScale.Queue, CounterKind.Waited, "waited", "Clients that waited"))
    .Select((row, index) => new ServiceCounter(index, row.Kind, row.Word, row.Help)));

    /// <summary>How many there are.</summary>
    public static int Count => All.Count;

    /// <summary>See <see cref="CounterKind.Open"/>.</summary>
    public static ServiceCounter SplicedConnections { get; } = First(CounterKind.Open, 0);

    /// <summary>See <see cref="CounterKind.Open"/>.</summary>
    public static ServiceCounter SplicedDirections { get; } = First(CounterKind.Open, 1);

    /// <summary>Bulk transfers for which there was no pipe.</summary>
    public static ServiceCounter PipesUnavailable { get; } = First(CounterKind.Past, 0);

    /// <summary>Clients that wait now.</summary>
    public static ServiceCounter QueueLength { get; } = First(CounterKind.Open, 2);

    /// <summary>Clients that have waited, whatever became of them.</summary>
    public static ServiceCounter QueueWaits { get; } = First(CounterKind.Past, 1);

    /// <summary>How long they waited in all, in milliseconds.</summary>
    public static ServiceCounter QueueWaitMs { get; } = First(CounterKind.Past, 2);

    /// <summary>How long the one waited that waited longest, in milliseconds.</summary>
    public static ServiceCounter QueueLongestWaitMs { get; } = First(CounterKind.Longest, 0);

    /// <summary>Connections that were admitted, whatever became of them.</summary>
    public static ServiceCounter TotalConnections { get; } = First(CounterKind.Past, 3);

    /// <summary>Tries of a client after its first one, each with another backend.</summary>
    public static ServiceCounter Failovers { get; } = First(CounterKind.Past, 4);

    /// <summary>Bytes from clients, those for backends that are gone included.</summary>
    public static ServiceCounter BytesIn { get; } = First(CounterKind.Past, 5);

    /// <summary>Bytes to clients, those of backends that are gone included.</summary>
    public static ServiceCounter BytesOut { get; } = First(CounterKind.Past, 6);

    /// <summary>Connections that have ended, but for those that were rejected before a service had them.</summary>
    public static ServiceCounter EndedConnections { get; } = First(CounterKind.Past, 7);

    /// <summary>How long they lasted in all, in milliseconds.</summary>
    public static ServiceCounter ConnectionMs { get; } = First(CounterKind.Past, 8);

    /// <summary>How long connections last.</summary>
    public static ServiceDurations Sessions { get; } =
        new(DurationScale.Session, First(CounterKind.Lasted, 0), EndedConnections, ConnectionMs);

    /// <summary>How long clients wait for a backend with room.</summary>
    public static ServiceDurations Waits { get; } =
        new(DurationScale.Queue, First(CounterKind.Waited, 0), QueueWaits, QueueWaitMs);

    /// <summary>The counter of the clients turned away for <paramref name="reason"/>.</summary>
    public static ServiceCounter Of(Refusal reason) => First(CounterKind.Refused, (int)reason);

    /// <summary>The counter of the connections that ended for <paramref name="reason"/>.</summary>
    public static ServiceCounter Of(TerminationReason reason) => First(CounterKind.Ended, (int)reason);

    private static IEnumerable<(CounterKind Kind, string Word, string Help)> By(
        DurationScale scale, CounterKind kind, string word, string what) =>
        scale.BoundsMs.Select(ms => (kind, $"{word}_{ms}_ms", $"{what} up to {ms} ms, and longer than those before."));

    private static ServiceCounter First(CounterKind kind, int next) =>
        All.Filter(counter => counter.Kind == kind)[next];
}
