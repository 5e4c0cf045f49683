using LanguageExt;

namespace Bal.Domain.Counting;

/// <summary>By which bounds durations of one kind are counted.</summary>
/// <param name="BoundsMs">Each counts those up to it and above the one before, in milliseconds.</param>
public sealed record DurationScale(Arr<int> BoundsMs)
{
    /// <summary>How long connections of clients last.</summary>
    public static readonly DurationScale Session =
        new(new Arr<int>([10, 100, 1_000, 5_000, 30_000, 120_000, 600_000, 3_600_000, 28_800_000]));

    /// <summary>How long clients wait for a backend with room.</summary>
    public static readonly DurationScale Queue =
        new(new Arr<int>([1, 5, 10, 50, 100, 500, 1_000, 5_000, 30_000]));

    /// <summary>How long it takes to reach a backend.</summary>
    public static readonly DurationScale Connect = new(new Arr<int>([1, 2, 5, 10, 50, 200, 1_000]));

    /// <summary>How many counts there are: one for each bound, and the last for what took longer.</summary>
    public int Buckets => BoundsMs.Count + 1;

    /// <summary>The place of the count of <paramref name="ms"/> milliseconds.</summary>
    public int BucketOf(long ms)
    {
        var bucket = 0;
        while (bucket < BoundsMs.Count && ms > BoundsMs[bucket])
            bucket++;
        return bucket;
    }
}

/// <summary>How long things of one kind have taken.</summary>
/// <param name="Counts">How many, for each bucket of a <see cref="DurationScale"/>; each is counted once.</param>
/// <param name="Milliseconds">All of them together.</param>
public sealed record Durations(Arr<long> Counts, long Milliseconds)
{
    /// <summary>Nothing has happened.</summary>
    public static Durations NoneOf(DurationScale scale) => new(new(new long[scale.Buckets]), 0);

    /// <summary>How many there were.</summary>
    public long Count => Counts.Sum();

    /// <summary>Both together. What was counted by other bounds, in another version, cannot be added.</summary>
    public Durations Plus(Durations other) => other.Counts.Count != Counts.Count ? this : new(
        new(Counts.Zip(other.Counts, (one, more) => one + more)), Milliseconds + other.Milliseconds);
}

/// <summary>How long something takes in one service, as some of <see cref="ServiceCounters.All"/> count it.</summary>
/// <param name="Scale">By which bounds.</param>
/// <param name="First">The counter of the first bound; those of the others follow.</param>
/// <param name="Count">Counts all, those above the last bound included.</param>
/// <param name="Milliseconds">How long all took together.</param>
public sealed record ServiceDurations(
    DurationScale Scale, ServiceCounter First, ServiceCounter Count, ServiceCounter Milliseconds)
{
    /// <summary>What has been counted.</summary>
    /// <param name="counts">A number for each of <see cref="ServiceCounters.All"/>.</param>
    public Durations Of(Arr<long> counts)
    {
        var upTo = Enumerable.Range(First.Index, Scale.BoundsMs.Count).Select(i => counts[i]).ToArray();
        return new(new([.. upTo, counts[Count.Index] - upTo.Sum()]), counts[Milliseconds.Index]);
    }
}
