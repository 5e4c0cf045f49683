using Bal.Domain.Messages;
using Bal.Domain.Primitives;

namespace Bal.Domain.Admission;

/// <summary>
/// How the descriptors of the process are divided: what connections cannot take away from everything else.
/// </summary>
/// <param name="Total">The soft RLIMIT_NOFILE; <see cref="long.MaxValue"/> for no limit.</param>
/// <param name="Fixed">
/// The loops' reserves, and what the supervisor opens now and then: a log, an upgrade, a few probes.
/// </param>
/// <param name="Probes">Health checks in flight at most.</param>
/// <param name="ProbeDescriptors">Descriptors kept for health checks beyond those of <paramref name="Fixed"/>.</param>
/// <param name="LookupDescriptors">Descriptors kept for lookups of names.</param>
/// <param name="ClientDescriptors">Descriptors kept for clients of the control socket.</param>
public sealed record DescriptorBudget(
    long Total, int Fixed, int Probes, int ProbeDescriptors, int LookupDescriptors, int ClientDescriptors)
{
    private const int LeastProbes = 16;
    private const int MostProbes = 1_024;
    private const int ProbeShare = 8;
    /// <summary>Lookups in flight at most.</summary>
    public const int MostLookups = 8;

    private const int DescriptorsPerLookup = 2;
    private const int ControlClients = 16;

    // Below it a process has no room for more than connections and the fixed part.
    private const int SmallLimit = 512;

    // What is open all the time: by each loop (epoll, an eventfd, a reserve) and by the process itself (three streams,
    // the log, the PID file, the control socket and the like), beside the sockets that listen.
    private const int OpenByProcess = 16;
    private const int OpenByLoop = 3;

    /// <summary>Event loops.</summary>
    public int Threads { get; init; }

    /// <summary>Descriptor numbers below this one are for connections, and for what is open all the time.</summary>
    public long Ceiling => Total - Fixed - ProbeDescriptors - LookupDescriptors - ClientDescriptors;

    /// <summary>The connections that the descriptors allow, two each, beside a number of listening sockets.</summary>
    public long ConnectionsBeside(int sockets) =>
        Math.Max(0, (Ceiling - OpenByProcess - OpenByLoop * Threads - sockets) / 2);

    /// <summary>The limit needed for a number of connections and listening sockets.</summary>
    public long Needed(long connections, int sockets) => 2 * connections
        + Fixed + ProbeDescriptors + LookupDescriptors + ClientDescriptors
        + OpenByProcess + OpenByLoop * Threads + sockets;

    /// <summary>The division of the same descriptors for other backends: a reload may have changed them.</summary>
    public DescriptorBudget For(int backends, int names) => Of(Total, Threads, backends, names);

    /// <summary>The division.</summary>
    /// <param name="limit">The soft RLIMIT_NOFILE.</param>
    /// <param name="threads">Event loops.</param>
    /// <param name="backends">Backends that are probed.</param>
    /// <param name="names">Backends that are names.</param>
    public static DescriptorBudget Of(long limit, int threads, int backends, int names)
    {
        var probes = (int)Math.Clamp(limit / ProbeShare, LeastProbes, MostProbes);
        var isSmall = limit < SmallLimit;
        return new(
            limit,
            16 + 2 * threads,
            probes,
            isSmall ? 0 : Math.Max(0, Math.Min(probes, backends) - LeastProbes),
            isSmall ? 0 : DescriptorsPerLookup * Math.Min(MostLookups, names),
            isSmall ? 0 : ControlClients)
        {
            Threads = threads,
        };
    }

    /// <summary>
    /// What a start needs: what every loop opens, the process itself, and room for a few connections.
    /// </summary>
    public static int Least(int threads) => 40 + 6 * threads;

    /// <summary>Why a configuration is refused.</summary>
    public Problem TooManyListeners(long sockets) => new(
        "descriptor_limit_too_low",
        $"the limit of {Total} open files is too low: the services need {sockets} listening sockets, one for each "
            + "address and event loop",
        "a 'ulimit -n' in the shell, a LimitNOFILE= in the systemd unit, or the limits of a container",
        $"raise it (two for each connection, and {sockets + 64}), or set runtime.threads to a lower number");

    /// <summary>Why a start is refused.</summary>
    public static Problem TooLow(long limit, int threads) => new(
        "descriptor_limit_too_low",
        $"the limit of {limit} open files is too low for {Plural.Of(threads, "event loop")}: at least "
        + $"{Least(threads)} are needed",
        "a 'ulimit -n' in the shell, a LimitNOFILE= in the systemd unit, or the limits of a container",
        "raise it (two for each connection, and 64: 'ulimit -n 10000'), or set runtime.threads to a lower number");
}
