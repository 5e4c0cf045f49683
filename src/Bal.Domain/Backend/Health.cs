namespace Bal.Domain.Backend;

/// <summary>Whether a backend is in rotation, and how far it is from changing sides.</summary>
/// <param name="Up">In rotation.</param>
/// <param name="Failures">Consecutive failures so far; counts towards going down while up.</param>
/// <param name="Successes">Consecutive successes so far; counts towards coming up while down.</param>
public sealed record Health(bool Up, int Failures, int Successes)
{
    /// <summary>
    /// Whether it has ever been reached. Until then its first failure of any kind takes it out, and one success brings
    /// it back.
    /// </summary>
    public bool Reached { get; init; } = true;
}

/// <summary>What a result changed.</summary>
public enum HealthChange
{
    /// <summary>The backend stays where it was.</summary>
    None,

    /// <summary>The backend has just been taken out.</summary>
    WentDown,

    /// <summary>The backend has just come back.</summary>
    CameUp,
}

/// <summary>A transition of <see cref="Health"/>.</summary>
/// <param name="State">The state after the result.</param>
/// <param name="Change">What changed.</param>
public sealed record HealthStep(Health State, HealthChange Change);

/// <summary>
/// Rise and fall: <c>fail_threshold</c> consecutive failures take a backend out, <c>success_threshold</c> consecutive
/// successes bring it back. Probes and client connects count alike.
/// </summary>
public static class HealthMachine
{
    /// <summary>
    /// A new backend is up, so that the first client need not wait for a probe, but one failure away from down. Where
    /// its check alone <paramref name="decides"/>, it is down until the first answer.
    /// </summary>
    public static Health Initial(HealthPolicy policy, bool decides = false) =>
        new(Up: !decides, decides ? 0 : policy.FailThreshold - 1, Successes: 0) { Reached = false };

    /// <summary>The same side as before, with another check whose first answer decides.</summary>
    public static Health Anew(Health state) => new(state.Up, state.Up ? 0 : Math.Max(1, state.Failures), Successes: 0)
    {
        Reached = false,
    };

    /// <summary>The state after one result.</summary>
    public static HealthStep Step(HealthPolicy policy, Outcome outcome, Health state) => outcome.Match(
        passed: () => Passed(policy, state),
        failed: kind => kind == FailureKind.Local && state.Reached
            ? new HealthStep(state, HealthChange.None)
            : Failed(policy, kind, state));

    private static HealthStep Passed(HealthPolicy policy, Health state)
    {
        if (state.Up)
            return new(state is { Failures: 0, Reached: true } ? state : new Health(true, 0, 0), HealthChange.None);

        return state.Successes + 1 >= policy.SuccessThreshold || !state.Reached
            ? new(new Health(Up: true, 0, 0), HealthChange.CameUp)
            : new(state with { Failures = 0, Successes = state.Successes + 1 }, HealthChange.None);
    }

    // A backend that leads to bal itself is out immediately: until then connections would loop.
    private static HealthStep Failed(HealthPolicy policy, FailureKind kind, Health state)
    {
        var failures = state.Failures == int.MaxValue ? int.MaxValue : state.Failures + 1;
        return state.Up && (failures >= policy.FailThreshold || !state.Reached || kind == FailureKind.OwnListener)
            ? new(state with { Up = false, Failures = failures, Successes = 0 }, HealthChange.WentDown)
            // One that starts down: from its first answer on it is known to be.
            : new(
                state with { Failures = failures, Successes = 0 },
                !state.Up && !state.Reached && state.Failures == 0 ? HealthChange.WentDown : HealthChange.None);
    }
}
