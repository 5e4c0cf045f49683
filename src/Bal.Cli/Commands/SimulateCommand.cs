using System.CommandLine;
using Bal.Application.Simulation;
using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Domain.Reports;
using Bal.Domain.Simulation;
using Bal.Infrastructure.Config;
using Bal.Infrastructure.Html;
using Bal.Infrastructure.Json;
using LanguageExt;

namespace Bal.Cli.Commands;

/// <summary><c>bal simulate</c>: what would bal do with this configuration if that happened?</summary>
internal static class SimulateCommand
{
    internal static Command Define(CompositionRoot composition, System.CommandLine.Option<string?> config)
    {
        var scenario = File("--scenario", "The scenario: what happens, and what is expected (see sample/scenarios)");
        scenario.Required = true;
        var compare = File("--compare", "Run this configuration as well, and show where the two differ");
        var html = File("--html", "Write the run as an HTML page with a chart");
        var json = Options.Json();
        var command = new Command("simulate", "Run bal against a scenario, in virtual time and without a socket")
        {
            scenario, compare, html, json,
        };
        command.SetAction(parsed => Run(composition, new Wish(
            Prelude.Optional(parsed.GetValue(config)),
            parsed.GetValue(scenario)!,
            Prelude.Optional(parsed.GetValue(compare)),
            Prelude.Optional(parsed.GetValue(html)),
            parsed.GetValue(json))));
        return command;
    }

    private static int Run(CompositionRoot composition, Wish wish) =>
        Runs(composition, wish).Bind(runs => Save(composition, wish, runs).Map(_ => runs)).Match(
            Right: runs =>
            {
                composition.Out.Report(Render(runs, wish.Json));
                return runs.ForAll(run => run.Passed) ? ExitCode.Ok : ExitCode.Failure;
            },
            Left: problems =>
            {
                foreach (var problem in problems)
                    (wish.Json ? composition.Error : composition.Out).Problem(problem);
                return ExitCode.Failure;
            });

    private static Either<Arr<Problem>, Arr<SimulationReport>> Runs(CompositionRoot composition, Wish wish) =>
        Configs(composition, wish).Bind(configs =>
        {
            var path = composition.Absolute(wish.Scenario);
            var outcome = ScenarioLoader.Load(path, configs.Map(c => c.Config));
            return outcome.Scenario.Match(
                scenario => Simulate(configs, scenario, path),
                () => Either<Arr<Problem>, Arr<SimulationReport>>.Left(
                    outcome.Findings.Map(f => FindingProblem.Of(path, f))));
        });

    private static Either<Arr<Problem>, Arr<SimulationReport>> Simulate(
        Arr<NamedRun> configs, Scenario scenario, string path)
    {
        try
        {
            return configs.Map(c => SimulationRun.Of(c.Config, c.Path, scenario, path));
        }
        catch (SimulationStuckException stuck)
        {
            return Prelude.Array(new Problem(
                "internal_error",
                $"the simulation cannot continue: {stuck.Message}",
                "this is a bug in bal: a serving bal could get stuck in the same way",
                "report it with the configuration and the scenario"));
        }
    }

    // Errors of both files are reported together.
    private static Either<Arr<Problem>, Arr<NamedRun>> Configs(CompositionRoot composition, Wish wish) =>
        composition.Home().MapLeft(problem => Prelude.Array(problem)).Bind(home =>
        {
            var paths = Prelude.Array(composition.Config(home, wish.Config))
                .Append(new Arr<ConfigLocation>(wish.Compare.Map(other =>
                    composition.Config(home, other)).AsEnumerable()));
            return paths.Map(Load).Fold(
                Either<Arr<Problem>, Arr<NamedRun>>.Right(Arr<NamedRun>.Empty),
                (all, next) => all.Match(
                    Right: runs => next.Map(run => runs.Add(run)),
                    Left: before => before.Append(next.Match(Right: _ => Arr<Problem>.Empty, Left: more => more))));
        });

    private static Either<Arr<Problem>, NamedRun> Load(ConfigLocation location) => location.Match(
        found =>
        {
            var loaded = ConfigLoader.Load(found.Path);
            return loaded.Outcome.Config.Match(
                config => Either<Arr<Problem>, NamedRun>.Right(new NamedRun(loaded.Path, config)),
                () => loaded.Outcome.Findings
                    .Filter(f => f.Severity == Severity.Error)
                    .Map(f => FindingProblem.Of(loaded.Path, f)));
        },
        missing => Prelude.Array(CheckReport.ProblemOf(missing)));

    private static Either<Arr<Problem>, Unit> Save(
        CompositionRoot composition, Wish wish, Arr<SimulationReport> runs) =>
        wish.Html.Match(
            path => SimulationHtml.Save(composition.Absolute(path), runs).MapLeft(problem => Prelude.Array(problem)),
            () => Unit.Default);

    private static string Render(Arr<SimulationReport> runs, bool json) => (runs.Count, json) switch
    {
        (1, true) => SimulationJson.Write(runs[0]),
        (1, false) => SimulationText.Of(runs[0]),
        (_, true) => SimulationJson.Write(SimulationComparison.Of(runs[0], runs[1])),
        _ => SimulationComparison.Of(runs[0], runs[1]).ToText(),
    };

    private static System.CommandLine.Option<string?> File(string name, string description)
    {
        var option = new System.CommandLine.Option<string?>(name) { Description = description, HelpName = "FILE" };
        option.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: "" }]) result.AddError($"{name} needs the path of a FILE");
        });
        return option;
    }

    private sealed record Wish(
        LanguageExt.Option<string> Config, string Scenario, LanguageExt.Option<string> Compare,
        LanguageExt.Option<string> Html, bool Json);

    private sealed record NamedRun(string Path, BalConfig Config);
}
