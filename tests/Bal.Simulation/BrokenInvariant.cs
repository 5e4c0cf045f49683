namespace Bal.Simulation;

/// <summary>What must always hold; each is described in docs/simulation.md.</summary>
internal enum Invariant
{
    BestTierFirst,
    NoBackendTwice,
    LastResortsInProtection,
    NobodyGivesUpEarly,
    FairTurns,
    LimitIsExact,
    HealthByThresholds,
    CooldownAsConfigured,
    ProtectionByCounts,
    CountersCount,
    ReloadKeeps,
    LoopsKnow,
    OneProbe,
    ProbesInTime,
    OneLookup,
    GoodBackendIsUsed,
    BadBackendIsLeft,
    DrainEnds,
    EveryClientEnds,
    NoSpin,
}

/// <summary>An invariant does not hold.</summary>
internal sealed class BrokenInvariantException(Invariant invariant, long at, string what)
    : Exception($"{invariant} at {at} ms: {what}")
{
    public Invariant Invariant { get; } = invariant;
}
