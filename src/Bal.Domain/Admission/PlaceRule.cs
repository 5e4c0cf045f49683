namespace Bal.Domain.Admission;

/// <summary>Whether a backend with <c>max_connections</c> takes one more connection.</summary>
public static class PlaceRule
{
    /// <summary>
    /// True where a place is free. As with <see cref="AdmissionRule.Admits"/>, look and count must be one atomic step.
    /// </summary>
    /// <param name="taken">Places that this process has taken.</param>
    /// <param name="elsewhere">The most that replaced processes hold or may still come to hold.</param>
    /// <param name="limit"><c>max_connections</c>.</param>
    public static bool HasRoom(long taken, long elsewhere, int limit) => taken + elsewhere < limit;
}
