using System.Text;
using System.Text.Json;
using Bal.Application.Simulation;
using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Simulation;
using Bal.Infrastructure.Config;
using Bal.Infrastructure.Html;
using Bal.Infrastructure.Json;
using LanguageExt;

namespace Bal.Fuzz.Targets;

/// <summary>A scenario: from bytes to findings, and a valid one that is short run to its report, twice.</summary>
internal static class ScenarioTarget
{
    // What a run may cost, so that a second is enough for it; larger ones are only read.
    private const long LongestMs = 60_000;
    private const long MostClients = 200;
    private const long MostProbes = 500;
    private const int MostEvents = 20;

    private static readonly BalConfig Named = ConfigOf("""
        backends:
          - host: "127.0.0.1"
            port: 9000
          - host: "127.0.0.1"
            port: 9001
          - host: "db.example"
            port: 9002
        """);

    private static readonly ScenarioSurroundings Around = new(
        Prelude.Array(Named, Named with { LogLevel = Domain.Messages.LogLevel.Debug }), Arr<NamedConfig>.Empty);

    internal static void Run(byte[] bytes)
    {
        var lines = FindingClaims.LengthsOfLines(bytes);
        YamlReader.Read(bytes).Match(
            Right: document => Read(document, lines),
            Left: finding => FindingClaims.IsUseful(finding, lines));
    }

    private static void Read(RawNode document, IReadOnlyList<int> lines)
    {
        // Every other file that it names is one, and the rest are missing: no input reaches the file system.
        var files = new Arr<NamedConfig>(ScenarioValidation.FilesOf(document).Distinct().Select((name, i) =>
            new NamedConfig(name, new LoadedConfig("/beside/it", i % 2 == 0
                ? new ConfigOutcome(Named, Arr<Finding>.Empty)
                : ConfigOutcome.Unreadable(new Finding(
                    Severity.Error, "file_missing", "", SourcePosition.None, "it does not exist",
                        "check the path"))))));
        var outcome = ScenarioValidation.Validate(document, Around with { Files = files });
        Claim.That(outcome.Scenario.IsSome != outcome.Findings.Exists(f => f.Severity == Severity.Error),
            "there is a scenario or an error, and never both");
        foreach (var finding in outcome.Findings)
        {
            FindingClaims.IsUseful(finding, lines);
            Claim.That(Terminal.IsHarmless(FindingProblem.Of("/s.yaml", finding).ToText(), lines: true),
                "a problem of a scenario can steer the terminal");
        }

        outcome.Scenario.Filter(IsSmall).IfSome(Simulate);
    }

    private static bool IsSmall(Scenario scenario)
    {
        var configs = scenario.Events.SelectMany(e =>
            e.Do is ScenarioAction.Reload reload ? Prelude.Array(reload.Config) : Arr<BalConfig>.Empty).Append(Named);
        return scenario.Length.Milliseconds <= LongestMs && scenario.Events.Count <= MostEvents
            && scenario.Clients.Select((load, i) => scenario.ExpectedClients(i) * (1 + load.Retries))
                .Sum() <= MostClients
            && configs.All(c => c.Services.Sum(service => scenario.Length.Milliseconds
                / service.Tuning.Health.Interval.Milliseconds * service.Backends.Count) <= MostProbes);
    }

    private static void Simulate(Scenario scenario)
    {
        var report = SimulationRun.Of(Named, "c.yaml", scenario, "s.yaml");
        var text = SimulationText.Of(report);
        Claim.That(text == SimulationText.Of(SimulationRun.Of(Named, "c.yaml", scenario, "s.yaml")),
            "the same scenario comes to the same report");
        // What is printed passes through this, as in every command.
        Claim.That(Terminal.IsHarmless(Printable.Lines(text), lines: true), "the report can steer the terminal");
        using var json = JsonDocument.Parse(SimulationJson.Write(report));
        Claim.That(json.RootElement.GetProperty("passed").GetBoolean() == report.Passed, "text and JSON agree");
        Claim.That(SimulationHtml.Write(Prelude.Array(report)).EndsWith("</html>\n", StringComparison.Ordinal),
            "the page is whole");
        var comparison = SimulationComparison.Of(report, report);
        Claim.That(comparison.Partings.IsEmpty && comparison.Differences.IsEmpty, "a run parts from itself nowhere");
    }

    private static BalConfig ConfigOf(string text) => YamlReader.Read(Encoding.UTF8.GetBytes(text)).ToOption()
        .Bind(document => ConfigValidation.Validate(document, HostFacts.Unknown).Config)
        .IfNone(() => throw new InvalidOperationException("the configuration of this target is invalid"));
}
