using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Protection;

/// <summary>Why protection mode turned on.</summary>
public enum ProtectionReason
{
    /// <summary>Too many client connects failed by timeout or refusal within the window.</summary>
    TimeoutOrRefusedStorm,

    /// <summary>Every backend failed for one client.</summary>
    AllBackendsUnavailable,
}

/// <summary>Failures that happened in one millisecond.</summary>
/// <param name="At">When.</param>
/// <param name="Count">How many, above zero.</param>
public sealed record FailureMark(Instant At, int Count);

/// <summary>Protection mode of a service.</summary>
public abstract record ProtectionState
{
    private ProtectionState() { }

    /// <summary>Off: failures are being counted.</summary>
    /// <param name="Recent">
    /// The failures within the window, oldest first, at most <see cref="ProtectionMachine.MaxMarks"/>.
    /// </param>
    public sealed record Off(Arr<FailureMark> Recent) : ProtectionState;

    /// <summary>On: successes in a row are being counted.</summary>
    /// <param name="Reason">Why it turned on.</param>
    /// <param name="Since">When it turned on.</param>
    /// <param name="Successes">Successes in a row since the last failure.</param>
    public sealed record On(ProtectionReason Reason, Instant Since, int Successes) : ProtectionState;

    /// <summary>Off, with no failure remembered.</summary>
    public static readonly ProtectionState Quiet = new Off(Arr<FailureMark>.Empty);

    /// <summary>Whether protection mode is on.</summary>
    public bool IsOn => this is On;

    /// <summary>Applies the function of the case that this state is.</summary>
    public T Match<T>(Func<Off, T> off, Func<On, T> on) => this switch
    {
        Off o => off(o),
        On o => on(o),
        _ => throw new System.Diagnostics.UnreachableException(),
    };
}

/// <summary>What protection mode looks at.</summary>
public abstract record ProtectionEvent
{
    private ProtectionEvent() { }

    /// <summary>Client connects failed by timeout or refusal; probes never appear here.</summary>
    /// <param name="Count">How many, above zero.</param>
    public sealed record ClientConnectsFailed(int Count) : ProtectionEvent;

    /// <summary>
    /// Client connects failed in a way that is no sign of overload: resets the way to off, counts nowhere else.
    /// </summary>
    public sealed record ClientConnectsFailedOtherwise : ProtectionEvent;

    /// <summary>Every backend failed for one client.</summary>
    public sealed record ClientExhausted : ProtectionEvent;

    /// <summary>Client connects or probes succeeded.</summary>
    /// <param name="Count">How many, above zero.</param>
    public sealed record Succeeded(int Count) : ProtectionEvent;

    /// <summary>Applies the function of the case that this event is.</summary>
    public T Match<T>(
        Func<int, T> clientConnectsFailed, Func<T> failedOtherwise, Func<T> clientExhausted, Func<int, T> succeeded) =>
        this switch
        {
            ClientConnectsFailed f => clientConnectsFailed(f.Count),
            ClientConnectsFailedOtherwise => failedOtherwise(),
            ClientExhausted => clientExhausted(),
            Succeeded s => succeeded(s.Count),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
}

/// <summary>What an event changed.</summary>
public enum ProtectionChange
{
    /// <summary>On stays on, off stays off.</summary>
    None,

    /// <summary>Protection mode has just been turned on.</summary>
    TurnedOn,

    /// <summary>Protection mode has just been turned off.</summary>
    TurnedOff,
}

/// <summary>A transition of <see cref="ProtectionState"/>.</summary>
/// <param name="State">The state after the event.</param>
/// <param name="Change">What changed.</param>
public sealed record ProtectionStep(ProtectionState State, ProtectionChange Change);

/// <summary>
/// Hysteresis: turned on by a storm of failed client connects within a sliding window, or by one client for which every
/// backend failed; turned off only by enough successes in a row. One event never does both.
/// </summary>
public static class ProtectionMachine
{
    /// <summary>
    /// Distinct milliseconds remembered. Above it the two oldest are merged, so that a window and a threshold of any
    /// size stay bounded in memory; up to it counting is exact to the millisecond.
    /// </summary>
    public const int MaxMarks = 4_096;

    /// <summary>The state after one event.</summary>
    public static ProtectionStep Step(
        ProtectionPolicy policy, ProtectionEvent happened, Instant now, ProtectionState state) => state.Match(
        off: off => WhileOff(policy, happened, now, off),
        on: on => WhileOn(policy, happened, on));

    /// <summary>
    /// The failures of <paramref name="state"/> that still lie within the window at <paramref name="now"/>.
    /// </summary>
    public static long CountWithin(ProtectionPolicy policy, Instant now, ProtectionState.Off state) =>
        Total(WithinWindow(policy, now, state.Recent));

    private static ProtectionStep WhileOff(
        ProtectionPolicy policy, ProtectionEvent happened, Instant now, ProtectionState.Off off) => happened.Match(
        clientConnectsFailed: count =>
        {
            var recent = Add(new FailureMark(now, count), WithinWindow(policy, now, off.Recent));
            return Total(recent) >= policy.TriggerThreshold
                ? TurnOn(ProtectionReason.TimeoutOrRefusedStorm, now)
                : new ProtectionStep(new ProtectionState.Off(recent), ProtectionChange.None);
        },
        failedOtherwise: () => new ProtectionStep(off, ProtectionChange.None),
        clientExhausted: () => TurnOn(ProtectionReason.AllBackendsUnavailable, now),
        succeeded: _ => new ProtectionStep(off, ProtectionChange.None));

    private static ProtectionStep WhileOn(
        ProtectionPolicy policy, ProtectionEvent happened, ProtectionState.On on) => happened.Match(
        clientConnectsFailed: _ => StartOver(on),
        failedOtherwise: () => StartOver(on),
        clientExhausted: () => StartOver(on),
        succeeded: count => (long)on.Successes + count >= policy.StableSuccessThreshold
            ? new ProtectionStep(ProtectionState.Quiet, ProtectionChange.TurnedOff)
            : new ProtectionStep(on with { Successes = on.Successes + count }, ProtectionChange.None));

    private static ProtectionStep TurnOn(ProtectionReason reason, Instant now) =>
        new(new ProtectionState.On(reason, now, Successes: 0), ProtectionChange.TurnedOn);

    private static ProtectionStep StartOver(ProtectionState.On on) =>
        new(on.Successes == 0 ? on : on with { Successes = 0 }, ProtectionChange.None);

    // A failure exactly one window old has left the window.
    private static Arr<FailureMark> WithinWindow(ProtectionPolicy policy, Instant now, Arr<FailureMark> marks) =>
        marks.Filter(mark => now.Since(mark.At).Milliseconds < policy.Window.Milliseconds);

    private static Arr<FailureMark> Add(FailureMark mark, Arr<FailureMark> marks)
    {
        if (marks.Count > 0 && marks[marks.Count - 1].At == mark.At)
            return marks.SetItem(marks.Count - 1, Merge(marks[marks.Count - 1], mark));

        return marks.Count < MaxMarks
            ? marks.Add(mark)
            : marks.RemoveAt(0).SetItem(0, Merge(marks[0], marks[1])).Add(mark);
    }

    private static FailureMark Merge(FailureMark older, FailureMark newer) =>
        new(newer.At, (int)Math.Min(int.MaxValue, (long)older.Count + newer.Count));

    private static long Total(Arr<FailureMark> marks)
    {
        var total = 0L;
        foreach (var mark in marks)
            total += mark.Count;
        return total;
    }
}
