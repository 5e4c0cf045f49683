using Bal.Domain.Primitives;
using Bal.Domain.Simulation;

namespace Bal.Application.Simulation;

/// <summary>
/// The clients of a stream arrive at a rate: each has an equal slot of time and arrives at a random point in it.
/// </summary>
internal sealed class Arrivals(VirtualClock clock, Dice dice, Scenario scenario, int stream, Action<long> arrive)
{
    // Client numbers are unique: two clients with the same number would get the same random values.
    private const int NumberBits = 40;

    private ClientRate rate;
    private Instant since;
    private long inThisRate;
    private long number = (long)stream << NumberBits;
    private int generation;

    /// <summary>Changes how clients arrive from now on.</summary>
    public void Begin(ClientRate from)
    {
        (rate, since, inThisRate) = (from, clock.Now, 0);
        generation++;
        Plan();
    }

    /// <summary>No further clients arrive.</summary>
    public void End() => generation++;

    private void Plan()
    {
        if (rate.PerThousandSeconds == 0)
            return;
        var within = dice.Between(0, 999_999, DiceUse.Arrival, number);
        var at = since.Plus(new Duration((inThisRate * 1_000_000 + within) / rate.PerThousandSeconds));
        if (at.Milliseconds >= scenario.Length.Milliseconds)
            return;
        var mine = generation;
        clock.Plan.At(at, () =>
        {
            if (mine != generation)
                return;
            inThisRate++;
            arrive(number++);
            Plan();
        });
    }
}
