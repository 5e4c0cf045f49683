using System.Globalization;
using Bal.Application.Simulation;
using Xunit.Abstractions;

namespace Bal.Simulation;

/// <summary>Thousands of worlds, each made by its seed.</summary>
public sealed class SeedSpecs(ITestOutputHelper output)
{
    private const int Seeds = 4_000;

    [Fact]
    public void Every_invariant_holds_for_every_seed()
    {
        var first = Environment.GetEnvironmentVariable(Trial.SeedVariable);
        var seeds = first is null
            ? Enumerable.Range(1, Seeds).Select(i => (ulong)i)
            : [ulong.Parse(first, CultureInfo.InvariantCulture)];
        var broken = seeds.AsParallel()
            .Select(seed => Trial.Of(seed, SimulationRules.Production))
            .Where(trial => trial.Broken.IsSome)
            .OrderBy(trial => trial.Seed)
            .ToList();
        foreach (var trial in broken)
            output.WriteLine(trial.ToText());
        Assert.True(broken.Count == 0, broken.Count == 0 ? "" : $"{broken.Count} seeds fail, the first one:\n{broken[0].ToText()}");
    }
}
