using Bal.Domain.Primitives;
using Bal.Domain.Protection;
using LanguageExt;

namespace Bal.Domain.History;

/// <summary>Something that happened to the protection mode of a service.</summary>
public abstract record ProtectionHappening
{
    private ProtectionHappening() { }

    /// <summary>It turned on.</summary>
    /// <param name="Reason">Why.</param>
    /// <param name="Failures">Failed client connects within the window at that moment.</param>
    /// <param name="Policy">The policy of that moment.</param>
    public sealed record TurnedOn(ProtectionReason Reason, long Failures, ProtectionPolicy Policy)
        : ProtectionHappening;

    /// <summary>A client connect failed while it was on, so that the successes in a row began again.</summary>
    public sealed record StartedOver : ProtectionHappening;

    /// <summary>It turned off.</summary>
    /// <param name="Successes">The successes in a row that were needed.</param>
    public sealed record TurnedOff(int Successes) : ProtectionHappening;

    /// <summary>Applies the function of the case that this happening is.</summary>
    public T Match<T>(Func<TurnedOn, T> turnedOn, Func<T> startedOver, Func<TurnedOff, T> turnedOff) => this switch
    {
        TurnedOn on => turnedOn(on),
        StartedOver => startedOver(),
        TurnedOff off => turnedOff(off),
        _ => throw new System.Diagnostics.UnreachableException(),
    };
}

/// <summary>Something that happened, once or several times in a row.</summary>
/// <param name="What">What.</param>
/// <param name="First">When for the first time.</param>
/// <param name="Last">When for the last time; equal to <paramref name="First"/> where it happened once.</param>
/// <param name="Count">How often, above zero.</param>
public sealed record ProtectionEntry(ProtectionHappening What, Instant First, Instant Last, long Count);

/// <summary>What led protection mode to where it is: bounded, and kept by the transitions themselves.</summary>
/// <param name="Recent">What happened, oldest first, at most <see cref="MaxEntries"/>.</param>
public sealed record ProtectionHistory(Arr<ProtectionEntry> Recent)
{
    /// <summary>Entries remembered of one service: more than five times on and off.</summary>
    public const int MaxEntries = 16;

    /// <summary>Nothing has happened.</summary>
    public static readonly ProtectionHistory None = new(Arr<ProtectionEntry>.Empty);

    /// <summary>The history after an event of protection mode.</summary>
    /// <param name="policy">The policy.</param>
    /// <param name="before">The state before the event.</param>
    /// <param name="happened">The event.</param>
    /// <param name="step">What came of it.</param>
    /// <param name="now">When.</param>
    public ProtectionHistory After(
        ProtectionPolicy policy, ProtectionState before, ProtectionEvent happened, ProtectionStep step, Instant now)
    {
        var failed = happened.Match(failed => failed, () => 1, () => 1, _ => 0);
        return step.Change switch
        {
            ProtectionChange.TurnedOn => step.State.Match(
                _ => this,
                on => Add(
                    new ProtectionHappening.TurnedOn(on.Reason, CountedWith(policy, before, happened, now), policy),
                    now, 1)),
            ProtectionChange.TurnedOff => Add(
                new ProtectionHappening.TurnedOff(policy.StableSuccessThreshold), now, 1),
            _ => before.IsOn && failed > 0 ? Add(new ProtectionHappening.StartedOver(), now, failed) : this,
        };
    }

    private static long CountedWith(
        ProtectionPolicy policy, ProtectionState before, ProtectionEvent happened, Instant now) =>
        before.Match(off => ProtectionMachine.CountWithin(policy, now, off), _ => 0L)
        + happened.Match(failed => (long)failed, () => 0, () => 0, _ => 0);

    private ProtectionHistory Add(ProtectionHappening what, Instant now, int count)
    {
        if (Recent.Count > 0 && Recent[Recent.Count - 1] is var last && last.What == what)
            return new(Recent.SetItem(Recent.Count - 1, last with { Last = now, Count = last.Count + count }));

        var added = Recent.Add(new ProtectionEntry(what, now, now, count));
        return new(added.Count > MaxEntries ? added.RemoveAt(0) : added);
    }
}
