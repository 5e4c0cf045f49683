using System.Globalization;
using System.Text;
using Bal.Application.Simulation;
using Bal.Domain.Control;
using Bal.Domain.Simulation;
using Bal.Infrastructure.Json;
using Xunit.Abstractions;

namespace Bal.Simulation;

/// <summary>Thousands of worlds, each made by its seed.</summary>
public sealed class SeedSpecs(ITestOutputHelper output)
{
    private const int Seeds = 3_000;

    [Fact]
    public void Every_invariant_holds_for_every_seed()
    {
        var broken = SeedsOf(Environment.GetEnvironmentVariable(Trial.SeedVariable)).AsParallel()
            .Select(seed => Trial.Of(seed, SimulationRules.Production))
            .Where(trial => trial.Broken.IsSome)
            .OrderBy(trial => trial.Seed)
            .ToList();
        foreach (var trial in broken)
            output.WriteLine(trial.ToText());
        Assert.True(broken.Count == 0, broken.Count == 0
            ? "" : $"{broken.Count} seeds fail, the first one:\n{broken[0].ToText()}\n"
            + $"the smallest world found that fails like it:\n{Shrinking.Smallest(broken[0]).ToScene()}");
    }

    [Fact]
    public void A_seed_named_in_the_environment_is_run_alone()
    {
        Assert.Equal([2_607UL], SeedsOf("2607"));
        Assert.Equal(Seeds, SeedsOf(null).Distinct().Count());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2_607)]
    [InlineData(18_446_744_073_709_551_615)]
    public void The_same_seed_gives_the_same_run_to_the_byte(ulong seed) => Assert.Equal(TraceOf(seed), TraceOf(seed));

    [Fact]
    public void Another_seed_gives_another_run() => Assert.NotEqual(TraceOf(1), TraceOf(2));

    [Fact]
    public void A_failure_names_the_command_that_shows_it_again()
    {
        var sabotage = Sabotage.All[0];
        var failed = SeedsOf(null).Select(seed => Trial.Of(seed, sabotage)).First(trial => trial.Broken.IsSome);
        Assert.Contains(
            $"BAL_SIM_SEED={failed.Seed} dotnet test tests/Bal.Simulation -c Release --filter " +
            nameof(Every_invariant_holds_for_every_seed), failed.ToText(), StringComparison.Ordinal);
        Assert.Equal(failed.ToText(), Trial.Of(failed.Seed, sabotage).ToText());
    }

    private static IEnumerable<ulong> SeedsOf(string? variable) => variable is null
        ? Enumerable.Range(1, Seeds).Select(i => (ulong)i)
        : [ulong.Parse(variable, CultureInfo.InvariantCulture)];

    /// <summary>Every event, state and effect of a run, and its report.</summary>
    private static string TraceOf(ulong seed)
    {
        var world = SeededWorld.Of(seed);
        var trace = new StringBuilder();
        var report = SimulationRun.Of(world.Config, "seeded", world.Scenario, "seeded", new SimulationRules
        {
            Decide = (happened, now, before) =>
            {
                var step = ControlMachine.Step(happened, now, before);
                trace.Append(
                    CultureInfo.InvariantCulture, $"{now.Milliseconds} {happened} {step.State} {step.Effects}\n");
                return step;
            },
        });
        return trace.Append(SimulationText.Of(report)).Append(SimulationJson.Write(report)).ToString();
    }
}
