using Bal.Domain.Backend;
using Bal.Domain.Backoff;
using Bal.Domain.Primitives;
using Bal.Domain.Protection;
using FsCheck;
using FsCheck.Fluent;
using Outcome = Bal.Domain.Backend.Outcome;

namespace Bal.Domain.Specs.Generators;

/// <summary>How often something happened at once: mostly a few times, now and then absurdly often.</summary>
public readonly record struct Count(int Value);

/// <summary>Milliseconds between two happenings; often none at all, so that many share one instant.</summary>
public readonly record struct Gap(int Milliseconds);

/// <summary>A failure that is held against a backend: every kind but a local one.</summary>
public readonly record struct Evidence(FailureKind Kind)
{
    public Outcome Outcome => Outcome.Failure(Kind);
}

/// <summary>What happened to protection mode, and how long after the thing before it.</summary>
public sealed record ProtectionMoment(Gap Gap, ProtectionEvent What);

/// <summary>
/// The values that the specifications are tried with: corners first, and everything shrinks towards 1.
/// </summary>
public static class Values
{
    // One that leads to bal itself is out at once, which is a rule of its own.
    private static readonly FailureKind[] Kinds =
    [
        FailureKind.Timeout, FailureKind.Refused, FailureKind.Other, FailureKind.NoRoute, FailureKind.NotPermitted,
    ];

    public static Arbitrary<FailureKind> FailureKinds() =>
        Gen.Elements([.. Kinds, FailureKind.Local]).ToArbitrary();

    public static Arbitrary<Evidence> Evidences() =>
        Gen.Elements(Kinds)
            .Select(kind => new Evidence(kind)).ToArbitrary();

    public static Arbitrary<Outcome> Outcomes() => Gen.Frequency(
        (5, Gen.Constant(Outcome.Success)),
        (5, Evidences().Generator.Select(e => e.Outcome)),
        (1, Gen.Constant(Outcome.Failure(FailureKind.Local)))).ToArbitrary();

    public static Arbitrary<Count> Counts() => Arb.From(
        Gen.Frequency((6, Gen.Choose(1, 5)), (2, Gen.Choose(6, 100)), (1, Gen.Constant(int.MaxValue)))
            .Select(n => new Count(n)),
        count => Smaller(count.Value).Select(n => new Count(n)));

    public static Arbitrary<Gap> Gaps() => Arb.From(
        Gen.Frequency(
            (4, Gen.Constant(0)), (3, Gen.Choose(1, 10)), (3, Gen.Choose(11, 1_000)), (1, Gen.Choose(1_001, 60_000)))
            .Select(ms => new Gap(ms)),
        gap => gap.Milliseconds == 0 ? [] : new[] { new Gap(0), new Gap(gap.Milliseconds / 2) });

    public static Arbitrary<Instant> Instants() => Gen.Frequency(
        (1, Gen.Constant(Instant.Zero)),
        (8, Gen.Choose(0, 1_000_000).Select(ms => new Instant(ms))),
        (1, Gen.Choose(0, 1_000).Select(ms => new Instant(long.MaxValue - 1_000 - ms)))).ToArbitrary();

    public static Arbitrary<Duration> Durations() => Gen.Frequency(
        (1, Gen.Constant(Duration.Zero)),
        (8, Gen.Choose(1, 100_000).Select(ms => new Duration(ms))),
        (1, Gen.Constant(new Duration(long.MaxValue)))).ToArbitrary();

    public static Arbitrary<HealthPolicy> HealthPolicies() => Arb.From(
        from fail in Threshold
        from success in Threshold
        from interval in Gen.Elements(1, 100, 500)
        select new HealthPolicy(new(interval), new(800), fail, success),
        p => Smaller(p.FailThreshold).Select(n => p with { FailThreshold = n })
            .Concat(Smaller(p.SuccessThreshold).Select(n => p with { SuccessThreshold = n })));

    public static Arbitrary<BackoffPolicy> BackoffPolicies() => (
        from initial in Gen.Frequency(
            (2, Gen.Constant(1L)), (6, Gen.Choose(1, 1_000).Select(n => (long)n)), (1, Gen.Constant(int.MaxValue + 1L)))
        from above in Gen.Frequency(
            (2, Gen.Constant(0L)),
            (6, Gen.Choose(1, 20_000).Select(n => (long)n)),
            (1, Gen.Constant(long.MaxValue / 8)))
        from cooldown in Gen.Elements(0L, 1L, 500L, 30_000L)
        select new BackoffPolicy(new(initial), new(initial + above), new(cooldown))).ToArbitrary();

    public static Arbitrary<ProtectionPolicy> ProtectionPolicies() => Arb.From(
        from trigger in Threshold
        from window in Gen.Elements(1, 10, 1_000, 30_000)
        from stable in Threshold
        select new ProtectionPolicy(trigger, new(window), stable),
        p => Smaller(p.TriggerThreshold).Select(n => p with { TriggerThreshold = n })
            .Concat(Smaller(p.StableSuccessThreshold).Select(n => p with { StableSuccessThreshold = n })));

    public static Arbitrary<ProtectionEvent> ProtectionEvents() => Gen.Frequency<ProtectionEvent>(
        (6, Gen.Choose(1, 3).Select(n => (ProtectionEvent)new ProtectionEvent.ClientConnectsFailed(n))),
        (1, Gen.Constant((ProtectionEvent)new ProtectionEvent.ClientConnectsFailedOtherwise())),
        (1, Gen.Constant((ProtectionEvent)new ProtectionEvent.ClientExhausted())),
        (6, Gen.Choose(1, 3).Select(n => (ProtectionEvent)new ProtectionEvent.Succeeded(n)))).ToArbitrary();

    public static Arbitrary<ProtectionMoment> ProtectionMoments() => Arb.From(
        Gaps().Generator.Zip(ProtectionEvents().Generator, (gap, what) => new ProtectionMoment(gap, what)),
        m => Gaps().Shrinker(m.Gap).Select(gap => m with { Gap = gap }));

    // A threshold of one is where "before" is empty; the largest is where counting could overflow.
    private static Gen<int> Threshold =>
        Gen.Frequency((2, Gen.Constant(1)), (6, Gen.Choose(2, 5)), (2, Gen.Choose(6, 20)));

    private static IEnumerable<int> Smaller(int n) => n <= 1 ? [] : n == 2 ? [1] : [1, n / 2, n - 1];
}
