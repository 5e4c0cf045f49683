using System.Globalization;
using System.Text;
using Bal.Application.Simulation;
using Bal.Domain.Config;
using Bal.Domain.Simulation;
using Bal.Infrastructure.Config;
using LanguageExt;

namespace Bal.Simulation;

/// <summary>
/// What docs/simulation.md shows is what bal says. <c>BAL_WRITE_DOCS=1</c> writes it anew.
/// </summary>
public sealed class SimulationDocuments
{
    private const string Prompt = "$ bal simulate ";
    private const string Begin = "<!-- methods: written by tests/Bal.Simulation/SimulationDocuments.cs -->\n";
    private const string End = "<!-- end of methods -->\n";

    private static readonly string Root = SampleSpecs.Root();
    private static readonly string Page = Path.Combine(Root, "docs", "simulation.md");

    [Fact]
    public void Every_output_on_the_page_is_that_of_the_command_above_it() => Compare(text =>
    {
        var lines = text.Split('\n');
        var written = new List<string>();
        for (var i = 0; i < lines.Length; i++)
        {
            written.Add(lines[i]);
            if (!lines[i].StartsWith(Prompt, StringComparison.Ordinal))
                continue;
            written.AddRange(OutputOf(lines[i][Prompt.Length..].Split(' ')).TrimEnd('\n').Split('\n'));
            while (lines[i + 1] != "```")
                i++;
        }

        return string.Join('\n', written);
    });

    [Fact]
    public void The_table_of_the_methods_is_that_of_their_runs() => Compare(text =>
    {
        var (from, to) = (text.IndexOf(Begin, StringComparison.Ordinal), text.IndexOf(End, StringComparison.Ordinal));
        Assert.True(0 <= from && from < to, "the page has no place for the table");
        return text[..(from + Begin.Length)] + MethodTable() + text[to..];
    });

    [Fact]
    public void The_methods_that_go_by_load_spare_a_slow_backend_and_the_others_do_not()
    {
        var shares = Enum.GetValues<Method>().ToDictionary(method => method, method => ShareOf(RunOf(method)));

        Assert.InRange(shares[Method.RoundRobin], 0.249, 0.251);
        Assert.InRange(shares[Method.LeastConnections], 0.03, 0.12);
        Assert.InRange(shares[Method.RandomTwo], shares[Method.LeastConnections], 0.2);
        Assert.InRange(shares[Method.SourceHash], 0.2, 0.3);
    }

    private static void Compare(Func<string, string> renewed)
    {
        var text = File.ReadAllText(Page);
        var wanted = renewed(text);
        if (Environment.GetEnvironmentVariable("BAL_WRITE_DOCS") == "1")
            File.WriteAllText(Page, wanted);
        else
            Assert.Equal(wanted, text);
    }

    private static string OutputOf(string[] arguments)
    {
        string Of(string option) => arguments[Array.IndexOf(arguments, option) + 1];
        string[] configs = arguments.Contains("--compare") ? [Of("--config"), Of("--compare")] : [Of("--config")];
        var scenario = Of("--scenario");
        var loaded = new Arr<BalConfig>(configs.Select(Load));
        var outcome = ScenarioLoader.Load(Path.Combine(Root, scenario), loaded);
        return outcome.Scenario.Match(
            found =>
            {
                var runs = configs.Select((name, i) => SimulationRun.Of(loaded[i], name, found, scenario)).ToArray();
                return runs.Length == 1
                    ? SimulationText.Of(runs[0])
                    : SimulationComparison.Of(runs[0], runs[1]).ToText();
            },
            () => string.Concat(outcome.Findings.Map(finding => FindingProblem.Of(scenario, finding).ToText())));
    }

    private static string MethodTable()
    {
        var text = new StringBuilder("| method | of 100 clients, to the slow backend | to each of the others | most "
            + "connections open at once |\n|---|---|---|---|\n");
        foreach (var method in Enum.GetValues<Method>())
        {
            var report = RunOf(method);
            Assert.True(report.Passed, SimulationText.Of(report));
            var others = report.Backends.Skip(1).Select(backend => 100.0 * backend.Served / report.Totals.Served);
            text.Append(CultureInfo.InvariantCulture,
                $"| `{Words.Of(method)}` | {100 * ShareOf(report):0.0} | {others.Min():0.0} to {others.Max():0.0} | "
                    + $"{report.Totals.MaxOpen} |\n");
        }

        return text.ToString();
    }

    private static double ShareOf(SimulationReport report) =>
        report.Backends[0].Served / (double)report.Totals.Served;

    private static SimulationReport RunOf(Method method)
    {
        var pool = Load("docs/simulation/pool.yaml");
        var config = pool with { Services = Prelude.Array(pool.Main with { Method = method }) };
        var path = Path.Combine(Root, "docs/simulation/slow-backend.yaml");
        return ScenarioLoader.Load(path, Prelude.Array(config)).Scenario.Match(
            scenario => SimulationRun.Of(config, Words.Of(method), scenario, path),
            () => throw new InvalidOperationException("the scenario is not valid"));
    }

    private static BalConfig Load(string name) => ConfigLoader.Load(Path.Combine(Root, name)).Outcome.Config.IfNone(
        () => throw new InvalidOperationException($"{name} is not valid"));
}
