using System.Globalization;
using Bal.Application.Simulation;
using Bal.Domain.Primitives;
using Bal.Domain.Simulation;
using LanguageExt;

namespace Bal.Simulation;

/// <summary>What the world of one seed, or a smaller one, showed.</summary>
/// <param name="World">The world.</param>
/// <param name="Broken">The invariant that did not hold, and where.</param>
/// <param name="Again">Runs another world in the same way.</param>
internal sealed record Trial(
    SeededWorld World, Option<BrokenInvariantException> Broken, Func<SeededWorld, Trial> Again)
{
    /// <summary>The variable that makes the seed test run one seed alone.</summary>
    public const string SeedVariable = "BAL_SIM_SEED";

    /// <summary>The seed.</summary>
    public ulong Seed => World.Seed;

    /// <summary>Runs the world of a seed under watch.</summary>
    public static Trial Of(ulong seed, SimulationRules rules) =>
        Of(SeededWorld.Of(seed), Option<Invariant>.None, watch => watch.Over(rules));

    /// <summary>Runs the world of a seed with a bug put into bal, and looks for that bug alone.</summary>
    public static Trial Of(ulong seed, Sabotage sabotage) =>
        Of(SeededWorld.Of(seed), sabotage.Caught, watch => watch.Over(sabotage.Rules, sabotage.Told));

    private static Trial Of(SeededWorld world, Option<Invariant> only, Func<Watch, SimulationRules> rules)
    {
        var watch = new Watch(world, only);
        var broken = Option<BrokenInvariantException>.None;
        try
        {
            watch.Ended(SimulationRun.Of(world.Config, "seeded", world.Scenario, $"seed {world.Seed}", rules(watch)));
        }
        catch (BrokenInvariantException found)
        {
            broken = found;
        }
        catch (SimulationStuckException stuck)
        {
            broken = new BrokenInvariantException(Invariant.NoSpin, 0, stuck.Message);
        }

        return new(world, broken, another => Of(another, only, rules));
    }

    /// <summary>Whether both break the same invariant.</summary>
    public bool FailsLike(Trial other) =>
        Broken.IsSome && Broken.Map(b => b.Invariant) == other.Broken.Map(b => b.Invariant);

    /// <summary>The failure, with the command that shows it again.</summary>
    public string ToText() => Broken.Match(
        broken => $"seed {Seed}: {broken.Message}\nto see it again: {SeedVariable}={Seed} " +
            "dotnet test tests/Bal.Simulation -c Release --filter Every_invariant_holds_for_every_seed",
        () => $"seed {Seed}: every invariant holds");

    /// <summary>The failure, with everything that has to happen for it, a line each.</summary>
    public string ToScene() => string.Join('\n', World.Scenario.Events.Select(Line)
        .Prepend(string.Join(
            ", ", World.Config.Services.Map(s => $"{s.Name} with {Plural.Of(s.Backends.Count, "backend")}"))
            + string.Concat(World.Scenario.Clients.Map(c =>
                $", {c.Rate.ToText()} clients a second, {Plural.Of(c.Retries, "retry", "retries")}"))
            + $" for {World.Scenario.Length.ToText()}")
        .Append(Broken.Match(broken => broken.Message, () => "every invariant holds")));

    private static string Line(ScenarioEvent happens) =>
        string.Create(CultureInfo.InvariantCulture, $"  {happens.At.Milliseconds} ms: ") + happens.Do.Match(
            setFault: a => $"backend {a.Backend} {a.Fault.ToText()}",
            reload: a => "reload with " + string.Join(
                "; ", a.Config.Services.Map(s => $"{s.Name} {string.Join(", ", s.Backends)}")),
            setRate: a => $"clients come at {a.Rate.ToText()} a second",
            setAddresses: a => $"{a.Name} resolves to [{string.Join(", ", a.Addresses)}]",
            crash: a => $"bal is killed; it starts again after {a.Away.ToText()}",
            order: a => a.ToText(),
            stop: () => "bal is told to stop");
}
