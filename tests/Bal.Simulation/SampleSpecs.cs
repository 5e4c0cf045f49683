using Bal.Application.Simulation;
using Bal.Domain.Config;
using Bal.Domain.Simulation;
using Bal.Infrastructure.Config;
using LanguageExt;

namespace Bal.Simulation;

/// <summary>
/// The scenarios of sample/scenarios run on any configuration with two backends, and what they expect holds.
/// </summary>
public sealed class SampleSpecs
{
    private static readonly string Samples = Path.Combine(Root(), "sample");

    public static IEnumerable<string> Files =>
        Directory.GetFileSystemEntries(Path.Combine(Samples, "scenarios")).Order(StringComparer.Ordinal);

    public static TheoryData<string, string> Trials
    {
        get
        {
            var trials = new TheoryData<string, string>();
            foreach (var file in Files)
            {
                foreach (var config in Configs.Keys)
                    trials.Add(Path.GetFileName(file), config);
            }

            return trials;
        }
    }

    private static Dictionary<string, BalConfig> Configs { get; } = new()
    {
        ["sample/config.yaml"] = Load("config.yaml"),
        ["sample/config.advanced.yaml"] = Load("config.advanced.yaml"),
        ["names"] = Scenarios.Config(
            "backends: [{host: db-1.internal, port: 5432}, {host: db-2.internal, port: 5432}]"),
        ["IPv6"] = Scenarios.Config("backends: [{host: \"::1\", port: 1}, {host: \"fe80::1%2\", port: 65535}]"),
        ["eager"] = Tuned(
            "health_check_interval_ms: 50", "health_check_timeout_ms: 50", "backend_connect_timeout_ms: 100",
            "health_check_fail_threshold: 1", "protection_trigger_threshold: 1",
                "protection_stable_success_threshold: 1",
            "failover_backoff_initial_ms: 1", "failover_backoff_max_ms: 1", "backend_cooldown_ms: 0"),
        ["patient"] =
            Tuned("health_check_interval_ms: 5000", "health_check_timeout_ms: 5000", "backend_connect_timeout_ms: 5000",
            "health_check_fail_threshold: 10", "health_check_success_threshold: 5",
                "protection_trigger_threshold: 1000",
            "protection_stable_success_threshold: 200", "failover_backoff_max_ms: 60000", "backend_cooldown_ms: 10000"),
        ["narrow"] = Tuned("max_concurrent_connections: 250", "protection_window_ms: 1"),
    };

    [Fact]
    public void There_are_five_at_least_and_nothing_else_lies_there()
    {
        Assert.True(Files.Count() >= 5);
        Assert.All(Files, file => Assert.Equal(".yaml", Path.GetExtension(file)));
    }

    [Theory]
    [MemberData(nameof(Trials))]
    public void What_a_sample_expects_holds(string sample, string config)
    {
        var path = Path.Combine(Samples, "scenarios", sample);
        var outcome = ScenarioLoader.Load(path, Prelude.Array(Configs[config]));
        Assert.Empty(outcome.Findings);
        var report = outcome.Scenario.Match(
            scenario => SimulationRun.Of(Configs[config], config, scenario, path), () =>
                throw new InvalidOperationException());
        Assert.NotEmpty(report.Verdicts);
        Assert.True(report.Passed, SimulationText.Of(report));
    }

    private static BalConfig Tuned(params string[] runtime) =>
        Scenarios.Config($"{Scenarios.TwoBackends}\nruntime:\n{string.Concat(runtime.Select(r => $"  {r}\n"))}");

    private static BalConfig Load(string name) =>
        ConfigLoader.Load(Path.Combine(Samples, name)).Outcome.Config.IfNone(
            () => throw new InvalidOperationException());

    internal static string Root()
    {
        var directory = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(directory, "Bal.sln")))
            directory = Path.GetDirectoryName(directory) ?? throw new InvalidOperationException(
                "no Bal.sln above the tests");
        return directory;
    }
}
