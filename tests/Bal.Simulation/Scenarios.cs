using System.Text;
using Bal.Application.Simulation;
using Bal.Domain.Config;
using Bal.Domain.Simulation;
using Bal.Infrastructure.Config;
using LanguageExt;

namespace Bal.Simulation;

/// <summary>Configurations and scenarios as an operator writes them.</summary>
internal static class Scenarios
{
    public const string TwoBackends = """
        backends:
          - host: "127.0.0.1"
            port: 9000
          - host: "127.0.0.1"
            port: 9001
        """;

    public static BalConfig Config(string yaml) => ConfigValidation
        .Validate(Document(yaml), HostFacts.Unknown)
        .Config.IfNone(() => throw new ArgumentException("the configuration is not valid"));

    public static ScenarioOutcome Read(string yaml, params string[] configs) => ScenarioValidation.Validate(
        Document(yaml), new ScenarioSurroundings(
            new Arr<BalConfig>((configs.Length == 0 ? [TwoBackends] : configs).Select(Config)),
                Arr<NamedConfig>.Empty));

    public static SimulationReport Run(string yaml, string config = TwoBackends) => SimulationRun.Of(
        Config(config), "config.yaml",
        Read(yaml, config).Scenario.IfNone(
            () => throw new ArgumentException("the scenario is not valid")), "scenario.yaml");

    private static RawNode Document(string yaml) => YamlReader.Read(Encoding.UTF8.GetBytes(yaml)).Match(
        Right: document => document,
        Left: finding => throw new ArgumentException(finding.Message));
}
