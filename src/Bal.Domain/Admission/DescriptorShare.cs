namespace Bal.Domain.Admission;

/// <summary>
/// How services share the connections that the process has descriptors for. Each service is assured of a part; the
/// places that nobody is assured of are shared, first come, first served. So a flooded service can use up what is
/// shared, and never what another one is assured of.
/// </summary>
public static class DescriptorShare
{
    /// <summary>The connections that one service can always have.</summary>
    /// <param name="limit">Its <c>max_concurrent_connections</c>.</param>
    /// <param name="total">The connections that the process has descriptors for.</param>
    /// <param name="services">How many services there are.</param>
    public static int Assured(int limit, long total, int services) =>
        (int)Math.Clamp(total / 2 / Math.Max(1, services), 0, limit);

    /// <summary>The shared places: half of all at least.</summary>
    /// <param name="total">The connections that the process has descriptors for.</param>
    /// <param name="assured">What all services together are assured of.</param>
    public static long Shared(long total, long assured) => Math.Max(0, total - assured);

    /// <summary>Whether the next connection of a service needs one more of the shared places.</summary>
    /// <param name="open">Its open connections.</param>
    /// <param name="assured">What it is assured of.</param>
    /// <param name="borrowed">The shared places that it holds.</param>
    public static bool NeedsShared(int open, int assured, int borrowed) => open >= assured + borrowed;

    /// <summary>Whether a service holds a shared place that it no longer needs.</summary>
    /// <param name="open">Its open connections.</param>
    /// <param name="assured">What it is assured of.</param>
    /// <param name="borrowed">The shared places that it holds.</param>
    public static bool ReturnsShared(int open, int assured, int borrowed) => borrowed > 0 && open < assured + borrowed;
}
