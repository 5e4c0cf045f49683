namespace Bal.Domain.Protection;

/// <summary>Hysteresis of protection mode.</summary>
/// <param name="TriggerThreshold">
/// Failed client connects (timeout or refused) within the window that turn it on; above zero.
/// </param>
/// <param name="Window">The sliding window they are counted in; above zero.</param>
/// <param name="StableSuccessThreshold">Consecutive successes that turn it off; above zero.</param>
public sealed record ProtectionPolicy(int TriggerThreshold, Duration Window, int StableSuccessThreshold);
