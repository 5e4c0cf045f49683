namespace Bal.Domain.Admission;

/// <summary>Whether one more connection may come in.</summary>
public static class AdmissionRule
{
    /// <summary>
    /// True where fewer than <paramref name="limit"/> connections are open. The limit is exact: the caller must make
    /// the look and the count one atomic step (compare and swap), or two loops could both take the last place.
    /// </summary>
    /// <param name="open">Connections admitted and not yet ended, over all loops.</param>
    /// <param name="limit"><c>max_concurrent_connections</c>.</param>
    public static bool Admits(int open, int limit) => open < limit;
}
