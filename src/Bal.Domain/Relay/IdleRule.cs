namespace Bal.Domain.Relay;

/// <summary>What to do with a session when its timer fires.</summary>
/// <param name="IsOver">Whether it has been idle for the whole timeout and ends now.</param>
/// <param name="RearmAt">Otherwise when to look again, in monotonic milliseconds: always later than now.</param>
public readonly record struct IdleStep(bool IsOver, long RearmAt);

/// <summary>
/// When an idle session ends. Activity does not move the timer, which would cost something with every read: the timer
/// fires, sees what has happened meanwhile, and is armed again.
/// </summary>
public static class IdleRule
{
    /// <summary>What to do at <paramref name="now"/>.</summary>
    /// <param name="lastActivity">When the last byte went either way, in monotonic milliseconds.</param>
    /// <param name="timeoutMs">The idle timeout in milliseconds; zero or more.</param>
    /// <param name="now">Monotonic milliseconds; not before <paramref name="lastActivity"/>.</param>
    public static IdleStep At(long lastActivity, long timeoutMs, long now) =>
        new(now - lastActivity >= timeoutMs, lastActivity + timeoutMs);
}
