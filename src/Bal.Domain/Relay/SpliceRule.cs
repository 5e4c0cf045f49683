namespace Bal.Domain.Relay;

/// <summary>What one read leads to.</summary>
/// <param name="Streak">Reads in a row, this one included, that speak for the other way of relaying.</param>
/// <param name="ChangesOver">Whether the direction changes from copying to splicing, or back.</param>
public readonly record struct SpliceStep(int Streak, bool ChangesOver);

/// <summary>
/// When a direction of <c>relay: auto</c> changes from copying to splicing and back. Splicing takes a second system
/// call for each read, so it pays for large reads only; one read of another size is not a reason to change.
/// </summary>
public static class SpliceRule
{
    /// <summary>A read of this many bytes or more counts towards splicing.</summary>
    public const int LargeRead = 16 * 1024;

    /// <summary>Large reads in a row after which a copying direction splices.</summary>
    public const int LargeReads = 4;

    /// <summary>A read of fewer bytes speaks for copying.</summary>
    public const int SmallRead = 8 * 1024;

    /// <summary>Small reads in a row after which a splicing direction copies.</summary>
    public const int SmallReads = 8;

    /// <summary>Takes the size of a read into account.</summary>
    /// <param name="splicing">Whether the direction splices now.</param>
    /// <param name="streak">The streak after the read before.</param>
    /// <param name="bytes">How many bytes were read; above zero.</param>
    /// <param name="hasUnsent">
    /// Whether some of them could not be sent on yet: these would be lost, or overtaken, if the direction changed now.
    /// </param>
    public static SpliceStep After(bool splicing, int streak, long bytes, bool hasUnsent)
    {
        if (splicing ? bytes >= SmallRead : bytes < LargeRead)
            return new(0, false);
        var next = streak + 1;
        return next < (splicing ? SmallReads : LargeReads) || hasUnsent ? new(next, false) : new(0, true);
    }
}
