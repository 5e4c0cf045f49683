using Bal.Domain.Config;
using Bal.Domain.Simulation;
using Bal.Infrastructure.Linux;
using LanguageExt;

namespace Bal.Infrastructure.Config;

/// <summary>From a path to a scenario, or to every reason why it is none.</summary>
public static class ScenarioLoader
{
    /// <summary>
    /// Reads the scenario at <paramref name="path"/>, and every configuration that it names, relative to its own
    /// directory. Never throws: what cannot be read is a finding.
    /// </summary>
    /// <param name="path">An absolute path.</param>
    /// <param name="configs">The configurations that it is to run on, at least one.</param>
    public static ScenarioOutcome Load(string path, Arr<BalConfig> configs) =>
        RegularFile.Read(path, YamlReader.MaxBytes).Match(
            Right: bytes => YamlReader.Read(bytes).Match(
                Right: document => ScenarioValidation.Validate(
                    document, new ScenarioSurroundings(configs, FilesOf(path, document))),
                Left: finding => new ScenarioOutcome(Option<Scenario>.None, Prelude.Array(finding))),
            Left: fault => new ScenarioOutcome(
                Option<Scenario>.None, Prelude.Array(ConfigLoader.Unreadable(path, fault, "the scenario"))));

    private static Arr<NamedConfig> FilesOf(string path, RawNode document)
    {
        var directory = Path.GetDirectoryName(path) ?? "/";
        return new(ScenarioValidation.FilesOf(document).Distinct().Select(name => new NamedConfig(
            name, ConfigLoader.Load(Path.Combine(directory, name), HostFacts.Unknown))));
    }
}
