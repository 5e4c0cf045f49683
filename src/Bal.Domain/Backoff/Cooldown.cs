using Bal.Domain.Primitives;

namespace Bal.Domain.Backoff;

/// <summary>How long a backend is to be left alone because client connects to it fail.</summary>
/// <param name="Streak">Client connects that failed in a row.</param>
/// <param name="Until">The backend cools down before this instant.</param>
public sealed record Cooldown(int Streak, Instant Until)
{
    /// <summary>Nothing has failed.</summary>
    public static readonly Cooldown None = new(0, Instant.Zero);

    /// <summary>Whether the backend cools down at <paramref name="now"/>.</summary>
    public bool IsCooling(Instant now) => Streak > 0 && !Until.IsDue(now);
}

/// <summary>Exponential backoff with a floor (<c>backend_cooldown_ms</c>) and a cap.</summary>
public static class CooldownMachine
{
    /// <summary>
    /// <c>initial * 2^(streak-1)</c>, capped at <c>max</c>, or at twice that in protection mode.
    /// </summary>
    /// <param name="policy">The service's policy.</param>
    /// <param name="protection">Whether protection mode is on.</param>
    /// <param name="streak">Failures in a row, at least 1.</param>
    public static Duration Backoff(BackoffPolicy policy, bool protection, int streak)
    {
        // 2^62 ms is beyond every cap, so a longer streak changes nothing and cannot overflow.
        var doublings = Math.Clamp(streak - 1, 0, 62);
        return Duration.Min(Cap(policy, protection), policy.Initial.Times(1L << doublings));
    }

    /// <summary>The longest backoff.</summary>
    public static Duration Cap(BackoffPolicy policy, bool protection) =>
        protection ? policy.Max.Times(2) : policy.Max;

    /// <summary>The least time that a failing backend is left alone.</summary>
    public static Duration Floor(BackoffPolicy policy, bool protection) =>
        protection ? policy.Cooldown.Times(2) : policy.Cooldown;

    /// <summary>How long a backend cools down after <paramref name="streak"/> failures in a row.</summary>
    public static Duration Length(BackoffPolicy policy, bool protection, int streak) =>
        Duration.Max(Backoff(policy, protection, streak), Floor(policy, protection));

    /// <summary>The state after <paramref name="count"/> more client connects failed.</summary>
    public static Cooldown Failed(BackoffPolicy policy, bool protection, int count, Instant now, Cooldown state)
    {
        var streak = state.Streak > int.MaxValue - count ? int.MaxValue : state.Streak + count;
        // Never shortened by a failure: a policy made gentler by a reload waits for the next streak.
        var until = Instant.Max(state.Until, now.Plus(Length(policy, protection, streak)));
        return new(streak, until);
    }

    /// <summary>A successful client connect or probe ends the cooldown and the streak.</summary>
    public static Cooldown Succeeded() => Cooldown.None;
}
