using System.Text.Json;
using Bal.Integration.Process;

namespace Bal.Integration.Cli;

/// <summary><c>bal simulate</c> as a user runs it.</summary>
public sealed class SimulateSpecs : IDisposable
{
    private readonly TempDirectory _home = new();

    public SimulateSpecs() => Write("config.yaml", "backends: [{host: 10.0.0.1, port: 1}, {host: 10.0.0.2, port: 1}]");

    public void Dispose() => _home.Dispose();

    [Fact]
    public async Task An_expectation_that_fails_is_exit_code_1_and_is_said_in_every_form()
    {
        Write("s.yaml", "duration: 1m\nexpect: [{failed: 0}, {served_at_least: 601}]");
        var text = await Simulate();
        Assert.Equal((1, ""), (text.ExitCode, text.Error));
        Assert.StartsWith("result: FAILED\n", text.Out, StringComparison.Ordinal);
        Assert.Contains("FAILED  served_at_least: 601 (seen: 600)", text.Out, StringComparison.Ordinal);

        var json = await Simulate("--json");
        Assert.Equal((1, ""), (json.ExitCode, json.Error));
        var report = JsonDocument.Parse(json.Out).RootElement;
        Assert.False(report.GetProperty("passed").GetBoolean());
        Assert.Equal(600, report.GetProperty("totals").GetProperty("served").GetInt64());
    }

    [Fact]
    public async Task What_holds_is_exit_code_0_and_the_page_is_written()
    {
        Write("s.yaml", "duration: 1m\nevents: [{at: 1s, do: reload, config: other.yaml}]\nexpect: {failed: 0}");
        Write("other.yaml", "backends: [{host: 10.0.0.2, port: 1}]");
        var run = await Simulate("--html", _home.File("page.html"), "--compare", _home.File("other.yaml"));
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.StartsWith("<!DOCTYPE html>", File.ReadAllText(_home.File("page.html")), StringComparison.Ordinal);
        Assert.Contains("left up, right absent", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_mistake_of_a_scenario_is_said_in_three_lines_with_its_place()
    {
        Write("s.yaml", "duration: 1m\nsed: 1\nevents: [{at: 2m, do: stop}]");
        var run = await Simulate();
        Assert.Equal(1, run.ExitCode);
        Assert.Contains($"{_home.File("s.yaml")}:2:1: error", run.Out, StringComparison.Ordinal);
        Assert.Contains($"{_home.File("s.yaml")}:3:15: error", run.Out, StringComparison.Ordinal);
        Assert.Equal(2, run.Out.Split("do_this_now:").Length - 1);
    }

    [Theory]
    [InlineData("--scenario", "/nowhere/s.yaml")]
    [InlineData("--html", "/nowhere/page.html")]
    [InlineData("--compare", "/nowhere/other.yaml")]
    public async Task A_file_that_cannot_be_used_is_named(string option, string path)
    {
        Write("s.yaml", "duration: 1m");
        var run = option == "--scenario"
            ? await BalProgram.Run(_home.Root, "simulate", option, path)
            : await Simulate(option, path);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains(path, run.Out, StringComparison.Ordinal);
        Assert.Contains("do_this_now:", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_scenario_it_is_wrong_usage()
    {
        var run = await BalProgram.Run(_home.Root, "simulate");
        Assert.Equal((64, ""), (run.ExitCode, run.Out));
        Assert.Contains("--scenario", run.Error, StringComparison.Ordinal);
    }

    private Task<Finished> Simulate(params string[] more) =>
        BalProgram.Run(_home.Root, ["simulate", "--scenario", _home.File("s.yaml"), .. more]);

    private void Write(string name, string text) => File.WriteAllText(_home.File(name), text);
}
