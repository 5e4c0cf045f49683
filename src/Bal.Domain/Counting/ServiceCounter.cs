using Bal.Domain.Admission;
using LanguageExt;

namespace Bal.Domain.Counting;

/// <summary>What kind of thing a counter counts.</summary>
public enum CounterKind
{
    /// <summary>Clients turned away before any backend was tried, by <see cref="Refusal"/>.</summary>
    Refused,

    /// <summary>Connections that ended, by <see cref="TerminationReason"/>.</summary>
    Ended,

    /// <summary>
    /// Something of the connections that are open now: it goes down again, and ends with its process.
    /// </summary>
    Open,
}

/// <summary>One counter of a service.</summary>
/// <param name="Index">Its place in <see cref="ServiceCounters.All"/>.</param>
/// <param name="Kind">What kind of thing it counts.</param>
/// <param name="Word">Its stable name in text, JSON and what a process hands to its successor.</param>
/// <param name="Help">What it counts, in one sentence.</param>
public sealed record ServiceCounter(int Index, CounterKind Kind, string Word, string Help);

/// <summary>
/// Every counter of a service, declared once: the loops, the reports and the hand-over go by this list.
/// </summary>
public static class ServiceCounters
{
    /// <summary>All of them: refusals and terminations in the order of their enumerations, then what is open.</summary>
    public static Arr<ServiceCounter> All { get; } = new(new (CounterKind Kind, string Word, string Help)[]
    {
        (CounterKind.Refused, "limit", "Clients turned away at the connection limit."),
        (CounterKind.Refused, "descriptors", "Clients turned away because no file descriptor was left."),
        (CounterKind.Ended, "completed", "Connections that both sides closed."),
        (CounterKind.Ended, "client_reset", "Connections that the client reset."),
        (CounterKind.Ended, "backend_reset", "Connections that the backend reset."),
        (CounterKind.Ended, "client_aborted", "Clients that left before a backend was connected."),
        (CounterKind.Ended, "idle_timeout", "Connections ended by the idle timeout."),
        (CounterKind.Ended, "no_backend", "Clients reset because every backend failed or there was none."),
        (CounterKind.Ended, "local_failure", "Connections reset because this machine ran out of a resource."),
        (CounterKind.Ended, "cut", "Connections cut at the end of a drain."),
        (CounterKind.Open, "spliced_connections", "Open connections relayed by the kernel in at least one direction."),
        (CounterKind.Open, "spliced_directions", "Directions of open connections relayed by the kernel."),
    }.Select((row, index) => new ServiceCounter(index, row.Kind, row.Word, row.Help)));

    /// <summary>How many there are.</summary>
    public static int Count => All.Count;

    /// <summary>See <see cref="CounterKind.Open"/>.</summary>
    public static ServiceCounter SplicedConnections { get; } = First(CounterKind.Open, 0);

    /// <summary>See <see cref="CounterKind.Open"/>.</summary>
    public static ServiceCounter SplicedDirections { get; } = First(CounterKind.Open, 1);

    /// <summary>The counter of the clients turned away for <paramref name="reason"/>.</summary>
    public static ServiceCounter Of(Refusal reason) => First(CounterKind.Refused, (int)reason);

    /// <summary>The counter of the connections that ended for <paramref name="reason"/>.</summary>
    public static ServiceCounter Of(TerminationReason reason) => First(CounterKind.Ended, (int)reason);

    private static ServiceCounter First(CounterKind kind, int next) =>
        All.Filter(counter => counter.Kind == kind)[next];
}
