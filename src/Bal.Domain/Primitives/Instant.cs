namespace Bal.Domain.Primitives;

/// <summary>
/// A point on the monotonic clock, in milliseconds since an arbitrary origin that is fixed for the life of the process.
/// It says nothing about the time of day: a wall clock that jumps changes no decision (docs/behaviour.md, Time).
/// </summary>
/// <param name="Milliseconds">Milliseconds since the origin; never decreases between two readings.</param>
public readonly record struct Instant(long Milliseconds) : IComparable<Instant>
{
    /// <summary>The origin of the clock.</summary>
    public static Instant Zero => new(0);

    /// <summary>An instant later than every other: what is due then is never due.</summary>
    public static Instant Never => new(long.MaxValue);

    /// <summary>This instant moved later by <paramref name="span"/>; saturates at <see cref="Never"/>.</summary>
    public Instant Plus(Duration span) =>
        span.Milliseconds >= long.MaxValue - Milliseconds ? Never : new(Milliseconds + span.Milliseconds);

    /// <summary>The time from <paramref name="earlier"/> until this instant; zero if that lies later.</summary>
    public Duration Since(Instant earlier) => new(Math.Max(0, Milliseconds - earlier.Milliseconds));

    /// <summary>Whether this instant has come at <paramref name="now"/>.</summary>
    public bool IsDue(Instant now) => Milliseconds <= now.Milliseconds;

    /// <summary>The earlier of the two.</summary>
    public static Instant Min(Instant a, Instant b) => a.Milliseconds <= b.Milliseconds ? a : b;

    /// <summary>The later of the two.</summary>
    public static Instant Max(Instant a, Instant b) => a.Milliseconds >= b.Milliseconds ? a : b;

    /// <inheritdoc/>
    public int CompareTo(Instant other) => Milliseconds.CompareTo(other.Milliseconds);
}

/// <summary>A span of monotonic time in milliseconds, never negative.</summary>
/// <param name="Milliseconds">The span's length in milliseconds.</param>
public readonly record struct Duration(long Milliseconds)
{
    /// <summary>No time at all.</summary>
    public static Duration Zero => new(0);

    /// <summary>This span <paramref name="factor"/> times over; saturates instead of overflowing.</summary>
    public Duration Times(long factor) =>
        factor != 0 && Milliseconds > long.MaxValue / factor ? new(long.MaxValue) : new(Milliseconds * factor);

    /// <summary>The shorter of the two.</summary>
    public static Duration Min(Duration a, Duration b) => a.Milliseconds <= b.Milliseconds ? a : b;

    /// <summary>The longer of the two.</summary>
    public static Duration Max(Duration a, Duration b) => a.Milliseconds >= b.Milliseconds ? a : b;

    /// <summary>The span as an operator reads it: <c>800 ms</c>, <c>2.5 s</c>, <c>3 min 20 s</c>.</summary>
    public string ToText() => Milliseconds switch
    {
        < 1_000 => $"{Milliseconds} ms",
        < 60_000 => Milliseconds % 1_000 == 0
            ? $"{Milliseconds / 1_000} s" : $"{Milliseconds / 1_000}.{Milliseconds % 1_000 / 100} s",
        < 3_600_000 => $"{Milliseconds / 60_000} min {Milliseconds % 60_000 / 1_000} s",
        _ => $"{Milliseconds / 3_600_000} h {Milliseconds % 3_600_000 / 60_000} min",
    };
}
