namespace Bal.Domain.Simulation;

/// <summary>What a roll is for. Rolls of different purposes are independent of each other.</summary>
public enum DiceUse
{
    /// <summary>When a client comes.</summary>
    Arrival,

    /// <summary>How long its connection lives.</summary>
    Length,

    /// <summary>How long one of its connects takes.</summary>
    Connect,

    /// <summary>How long a probe takes.</summary>
    Probe,

    /// <summary>What a generator of scenarios makes up.</summary>
    Making,
}

/// <summary>
/// The only chance in a simulation. A roll is a function of the seed, its use and its number, never of what was rolled
/// before: so the hundredth client is the same client under every configuration, and two runs can be compared.
/// </summary>
/// <param name="Seed">The same seed gives the same rolls, on every machine and in every version of .NET.</param>
public readonly record struct Dice(ulong Seed)
{
    private const ulong Golden = 0x9E37_79B9_7F4A_7C15;

    /// <summary>64 random bits.</summary>
    public ulong Roll(DiceUse use, long number) =>
        Mix(Mix(Seed + Golden * ((ulong)use + 1)) + Golden * (ulong)number);

    /// <summary>A number from <paramref name="least"/> to <paramref name="most"/>, both possible.</summary>
    public long Between(long least, long most, DiceUse use, long number) => most <= least
        ? least
        : least + (long)(((UInt128)Roll(use, number) * ((UInt128)(ulong)(most - least) + 1)) >> 64);

    // The finalizer of SplitMix64 (Steele, Lea and Flood, 2014).
    private static ulong Mix(ulong bits)
    {
        bits = (bits ^ (bits >> 30)) * 0xBF58_476D_1CE4_E5B9;
        bits = (bits ^ (bits >> 27)) * 0x94D0_49BB_1331_11EB;
        return bits ^ (bits >> 31);
    }
}

/// <summary>A span of time that varies.</summary>
/// <param name="Least">The shortest.</param>
/// <param name="Most">The longest; at least <paramref name="Least"/>.</param>
public sealed record Spread(Duration Least, Duration Most)
{
    /// <summary>Always the same.</summary>
    public static Spread Of(long milliseconds) => new(new(milliseconds), new(milliseconds));

    /// <summary>The span of one roll.</summary>
    public Duration Pick(Dice dice, DiceUse use, long number) =>
        new(dice.Between(Least.Milliseconds, Most.Milliseconds, use, number));

    /// <summary>As an operator reads it.</summary>
    public string ToText() => Least == Most ? Least.ToText() : $"{Least.ToText()} to {Most.ToText()}";
}
