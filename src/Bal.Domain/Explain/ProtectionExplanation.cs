using Bal.Domain.Control;
using Bal.Domain.History;
using Bal.Domain.Primitives;
using Bal.Domain.Protection;
using LanguageExt;

namespace Bal.Domain.Explain;

/// <summary>Why protection mode is on or off, and what changes that.</summary>
/// <param name="Policy">The policy in force.</param>
/// <param name="Standing">On or off, with the counts.</param>
/// <param name="Events">What led here, oldest first.</param>
public sealed record ProtectionExplanation(
    ProtectionPolicy Policy, ProtectionStanding Standing, Arr<ProtectionEntry> Events);

/// <summary>How far protection mode is from changing sides.</summary>
public abstract record ProtectionStanding
{
    private ProtectionStanding() { }

    /// <summary>It is off.</summary>
    /// <param name="Failures">Failed client connects within the window now.</param>
    /// <param name="FailuresToOn">How many more, now, turn it on.</param>
    /// <param name="OldestLeavesAt">When the oldest of them leaves the window; none where there is none.</param>
    public sealed record Off(long Failures, long FailuresToOn, Option<Instant> OldestLeavesAt) : ProtectionStanding;

    /// <summary>It is on.</summary>
    /// <param name="Reason">Why.</param>
    /// <param name="Since">Since when.</param>
    /// <param name="TrippedBy">What turned it on, with the counts and the policy of that moment.</param>
    /// <param name="FailedSince">Client connects that failed since, each of which started the successes again.</param>
    /// <param name="Successes">Successes in a row so far.</param>
    /// <param name="SuccessesToOff">How many more turn it off.</param>
    public sealed record On(
        ProtectionReason Reason,
        Instant Since,
        Option<ProtectionHappening.TurnedOn> TrippedBy,
        long FailedSince,
        int Successes,
        int SuccessesToOff) : ProtectionStanding;

    /// <summary>Applies the function of the case that this standing is.</summary>
    public T Match<T>(Func<Off, T> off, Func<On, T> on) => this switch
    {
        Off o => off(o),
        On o => on(o),
        _ => throw new System.Diagnostics.UnreachableException(),
    };
}

/// <summary>Explains protection mode out of the state alone.</summary>
public static class ExplainProtection
{
    /// <summary>Why the protection mode of <paramref name="service"/> is as it is.</summary>
    public static ProtectionExplanation Of(Instant now, ServiceState service)
    {
        var policy = service.Config.Tuning.Protection;
        return new(
            policy,
            service.Protection.Match<ProtectionStanding>(
                off => OffNow(policy, now, off), on => OnNow(policy, on, service.History)),
            service.History.Recent);
    }

    private static ProtectionStanding.Off OffNow(ProtectionPolicy policy, Instant now, ProtectionState.Off off)
    {
        var failures = ProtectionMachine.CountWithin(policy, now, off);
        var oldest = off.Recent.Find(mark => now.Since(mark.At).Milliseconds < policy.Window.Milliseconds);
        return new(
            failures,
            // A threshold that a reload has lowered below what is counted already is met by the next failure.
            Math.Max(1, policy.TriggerThreshold - failures),
            oldest.Map(mark => mark.At.Plus(policy.Window)));
    }

    private static ProtectionStanding.On OnNow(
        ProtectionPolicy policy, ProtectionState.On on, ProtectionHistory history)
    {
        var since = history.Recent.AsEnumerable().Skip(LastTurnOn(history)).ToArray();
        return new(
            on.Reason,
            on.Since,
            since.Select(entry => entry.What).OfType<ProtectionHappening.TurnedOn>().ToArray() is [var tripped, ..]
                ? tripped
                : Option<ProtectionHappening.TurnedOn>.None,
            since.Where(entry => entry.What is ProtectionHappening.StartedOver).Sum(entry => entry.Count),
            on.Successes,
            Math.Max(1, policy.StableSuccessThreshold - on.Successes));
    }

    private static int LastTurnOn(ProtectionHistory history)
    {
        var at = history.Recent.Count - 1;
        while (at > 0 && history.Recent[at].What is not ProtectionHappening.TurnedOn)
            at--;
        return Math.Max(0, at);
    }
}
