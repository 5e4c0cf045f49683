using System.Globalization;
using Bal.Domain.Primitives;
using Bal.Domain.Recording;
using Bal.Domain.Replay;

namespace Bal.Application;

/// <summary>
/// From the monotonic times of a record to the time of day, by the wall clock of the checkpoint before: a clock that
/// was set in between is not seen.
/// </summary>
/// <param name="Wall">The time of day of the last checkpoint.</param>
/// <param name="Origin">The monotonic time of the last checkpoint.</param>
/// <param name="First">The time of the first line; empty before it.</param>
/// <param name="Last">The time of the last line so far.</param>
public sealed record ReplayClock(DateTimeOffset Wall, Instant Origin, string First, string Last)
{
    /// <summary>Before the first line.</summary>
    public static readonly ReplayClock Unset = new(DateTimeOffset.UnixEpoch, Instant.Zero, "", "");

    /// <summary>The clock after a line.</summary>
    public ReplayClock After(Replayed line) => line.Match(
        checkpoint: c => Set(c.Line).Seen(c.Line.At),
        step: s => Seen(s.Line.At));

    /// <summary>RFC 3339 in UTC.</summary>
    public string At(Instant at)
    {
        var since = Math.Clamp(at.Milliseconds - Origin.Milliseconds, -MostMs, MostMs);
        return Wall.AddMilliseconds(since).UtcDateTime
            .ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);
    }

    // A thousand years: whatever a file says, the calendar can bear it.
    private const long MostMs = 31_536_000_000_000;

    private ReplayClock Set(DecisionLine.Checkpoint line) => this with
    {
        Origin = line.At,
        Wall = DateTimeOffset.TryParse(
            line.WallTime, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var wall)
            && wall.Year is >= 1_970 and < 5_000
                ? wall
                : DateTimeOffset.UnixEpoch,
    };

    private ReplayClock Seen(Instant at) => this with { First = First.Length == 0 ? At(at) : First, Last = At(at) };
}
