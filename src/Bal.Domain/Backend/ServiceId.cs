namespace Bal.Domain.Backend;

/// <summary>
/// Names a service for the life of the process; never used again. A service that a reload renames on the same listener
/// keeps it.
/// </summary>
/// <param name="Value">Counted from 1.</param>
public readonly record struct ServiceId(int Value);
