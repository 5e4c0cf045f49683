namespace Bal.Domain.Config;

/// <summary>The integers that a key allows.</summary>
/// <param name="Least">The smallest.</param>
/// <param name="Most">The largest.</param>
/// <param name="Unit">What is counted; empty for a plain number.</param>
internal sealed record IntRange(int Least, int Most, string Unit)
{
    public static IntRange Port { get; } = new(1, 65_535, "");

    public static IntRange Ms { get; } = new(0, int.MaxValue, "milliseconds");

    public static IntRange PositiveMs { get; } = Ms with { Least = 1 };

    public static IntRange PositiveCount { get; } = new(1, int.MaxValue, "");

    /// <summary>Whether <paramref name="value"/> lies within.</summary>
    public bool Allows(long value) => Least <= value && value <= Most;

    /// <summary>What is allowed, as a message says it.</summary>
    public string ToText() => Unit.Length == 0
        ? $"an integer from {Least} to {Most}"
        : $"an integer from {Least} to {Most} ({Unit})";
}
