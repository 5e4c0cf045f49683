namespace Bal.Domain.Backend;

/// <summary>Active health checks and the thresholds that active and passive results share.</summary>
/// <param name="Interval">Time between the starts of two probes of one backend; above zero.</param>
/// <param name="Timeout">How long a probe may take; above zero.</param>
/// <param name="FailThreshold">Consecutive failures that take a backend out; above zero.</param>
/// <param name="SuccessThreshold">Consecutive successes that bring it back; above zero.</param>
public sealed record HealthPolicy(Duration Interval, Duration Timeout, int FailThreshold, int SuccessThreshold);
