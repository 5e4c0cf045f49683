using Bal.Application.Simulation;
using LanguageExt;

namespace Bal.Simulation;

/// <summary>What one seed showed.</summary>
/// <param name="Seed">The seed.</param>
/// <param name="Broken">The invariant that did not hold, and where.</param>
internal sealed record Trial(ulong Seed, Option<BrokenInvariantException> Broken)
{
    /// <summary>The variable that makes the seed test run one seed alone.</summary>
    public const string SeedVariable = "BAL_SIM_SEED";

    /// <summary>Runs the world of a seed under watch.</summary>
    public static Trial Of(ulong seed, SimulationRules rules) =>
        Of(SeededWorld.Of(seed), Option<Invariant>.None, watch => watch.Over(rules));

    /// <summary>Runs the world of a seed with a bug put into bal, and looks for that bug alone.</summary>
    public static Trial Of(ulong seed, Sabotage sabotage) =>
        Of(SeededWorld.Of(seed), sabotage.Caught, watch => watch.Over(sabotage.Rules, sabotage.Told));

    private static Trial Of(SeededWorld world, Option<Invariant> only, Func<Watch, SimulationRules> rules)
    {
        var watch = new Watch(world, only);
        try
        {
            watch.Ended(SimulationRun.Of(world.Config, "seeded", world.Scenario, $"seed {world.Seed}", rules(watch)));
            return new(world.Seed, Option<BrokenInvariantException>.None);
        }
        catch (BrokenInvariantException broken)
        {
            return new(world.Seed, broken);
        }
        catch (SimulationStuckException stuck)
        {
            return new(world.Seed, new BrokenInvariantException(Invariant.NoSpin, 0, stuck.Message));
        }
    }

    /// <summary>The failure, with the command that shows it again.</summary>
    public string ToText() => Broken.Match(
        broken => $"seed {Seed}: {broken.Message}\nto see it again: {SeedVariable}={Seed} " +
            "dotnet test tests/Bal.Simulation -c Release --filter Every_invariant_holds_for_every_seed",
        () => $"seed {Seed}: every invariant holds");
}
