using System.Diagnostics;

namespace Bal.Simulation;

/// <summary>The sample in F# runs against what has just been built.</summary>
public sealed class FSharpSampleSpecs
{
    [Fact]
    public async Task The_sample_in_FSharp_runs_a_scenario_with_three_seeds()
    {
        using var fsi = Process.Start(new ProcessStartInfo(
            "dotnet", ["fsi", "--quiet", Path.Combine(SampleSpecs.Root(), "sample", "simulation.fsx")])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        var output = fsi.StandardOutput.ReadToEndAsync(limit.Token);
        var error = fsi.StandardError.ReadToEndAsync(limit.Token);
        await fsi.WaitForExitAsync(limit.Token);
        Assert.Equal((0, ""), (fsi.ExitCode, await error));
        Assert.Equal(3, (await output).Split('\n').Count(line =>
            line.StartsWith("seed ", StringComparison.Ordinal)
                && line.EndsWith("0 failed, passed True", StringComparison.Ordinal)));
    }
}
