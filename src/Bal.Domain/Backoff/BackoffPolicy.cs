namespace Bal.Domain.Backoff;

/// <summary>Exponential backoff of a backend whose client connects fail.</summary>
/// <param name="Initial">The backoff after the first failure; above zero.</param>
/// <param name="Max">The cap; at least <paramref name="Initial"/>.</param>
/// <param name="Cooldown">The least time that a failing backend is left alone, whatever the backoff says.</param>
public sealed record BackoffPolicy(Duration Initial, Duration Max, Duration Cooldown);
