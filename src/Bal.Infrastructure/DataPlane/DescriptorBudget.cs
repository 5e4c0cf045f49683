using Bal.Domain.Messages;

namespace Bal.Infrastructure.DataPlane;

/// <summary>How the descriptors of the process are divided.</summary>
internal static class DescriptorBudget
{
    /// <summary>
    /// Descriptors that connections may not take, so that probes, the control socket, a log that is reopened and the
    /// loops' reserves still work when clients have taken all others.
    /// </summary>
    public static int Reserved(int threads) => 16 + 2 * threads;

    /// <summary>What a start needs: what every loop opens, the process itself, and room for a few connections.</summary>
    public static int Least(int threads) => 40 + 6 * threads;

    /// <summary>The connections that there are descriptors for: two each.</summary>
    /// <param name="limit">The soft RLIMIT_NOFILE.</param>
    /// <param name="threads">How many loops there are.</param>
    /// <param name="sockets">Sockets that listen.</param>
    public static long Connections(long limit, int threads, int sockets) =>
        Math.Max(0, (limit - Least(threads) - sockets) / 2);

    /// <summary>Why a configuration is refused.</summary>
    public static Problem TooManyListeners(long limit, long sockets) => new(
        "descriptor_limit_too_low",
        $"the limit of {limit} open files is too low: the services need {sockets} listening sockets, one for each "
            + "address and event loop",
        "a 'ulimit -n' in the shell, a LimitNOFILE= in the systemd unit, or the limits of a container",
        $"raise it (two for each connection, and {sockets + 64}), or set runtime.threads to a lower number");

    /// <summary>Why a start is refused.</summary>
    public static Problem TooLow(long limit, int threads) => new(
        "descriptor_limit_too_low",
        $"the limit of {limit} open files is too low for {threads} event loop(s): at least {Least(threads)} are needed",
        "a 'ulimit -n' in the shell, a LimitNOFILE= in the systemd unit, or the limits of a container",
        "raise it (two for each connection, and 64: 'ulimit -n 10000'), or set runtime.threads to a lower number");
}
