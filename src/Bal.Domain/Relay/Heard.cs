namespace Bal.Domain.Relay;

/// <summary>
/// Until when a loop has heard everything: the deadlines up to then may be judged, and no later ones. After a pause of
/// the process (SIGSTOP, a frozen cgroup, a slow machine) deadlines have passed while the bytes that meet them wait to
/// be read; whoever judged them by the clock alone would end connections that were busy all the time.
/// </summary>
/// <param name="Until">What was ready by then has been handled, in monotonic milliseconds.</param>
/// <param name="Began">Before the first wait of the present round.</param>
/// <param name="Reported">Events since then.</param>
public readonly record struct Heard(long Until, long Began, long Reported)
{
    /// <summary>A loop that begins at <paramref name="now"/>.</summary>
    public static Heard From(long now) => new(now, now, 0);

    /// <summary>
    /// After a wait. One that fills its buffer may have left something waiting; one that was interrupted says nothing.
    /// Sockets are reported in turn, so after as many events as there are sockets each of them has had its own.
    /// </summary>
    /// <param name="events">How many events it reported; below zero where it was interrupted.</param>
    /// <param name="capacity">How many it reports at most.</param>
    /// <param name="watched">How many sockets there are at most.</param>
    /// <param name="now">Monotonic milliseconds after the wait.</param>
    public Heard After(int events, int capacity, long watched, long now)
    {
        var reported = Reported + Math.Max(0, events);
        return (events >= 0 && events < capacity) || reported >= watched
            ? new(Began, now, 0)
            : this with { Reported = reported };
    }
}
