namespace Bal.EndToEnd.Flow;

/// <summary>Wrong usage is told from every other failure by its exit code, with the nearest valid word.</summary>
public sealed class UsageTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("strat", "start")]
    [InlineData("stats", "status")]
    [InlineData("check --stict", "--strict")]
    [InlineData("status --jsn", "--json")]
    [InlineData("explain --jsn", "--json")]
    [InlineData("replay --jsn", "--json")]
    [InlineData("start --deamon", "--daemon")]
    [InlineData("stop --confg x", "--config")]
    public async Task A_mistyped_word_is_answered_with_the_right_one(string typed, string meant)
    {
        await using var bal = new BalInstance(output);
        var end = (await bal.Run(typed.Split(' '))).FailsWith(64);
        Assert.Contains(meant, end.Error, StringComparison.Ordinal);
        Assert.Equal("", end.Out);
    }

    [Theory]
    [InlineData("check --config")]
    [InlineData("start now")]
    [InlineData("--no-such-option")]
    [InlineData("upgrade --timeout soon")]
    [InlineData("upgrade --timeout 0")]
    [InlineData("upgrade --timeout 601")]
    [InlineData("upgrade --timeout 99999999999")]
    [InlineData("upgrade --timeout")]
    [InlineData("demo --seconds soon")]
    public async Task Wrong_usage_is_exit_code_64(string typed)
    {
        await using var bal = new BalInstance(output);
        Assert.NotEqual("", (await bal.Run(typed.Split(' '))).FailsWith(64).Error);
    }

    [Theory]
    [InlineData("--help")]
    [InlineData("--version")]
    [InlineData("start --help")]
    public async Task Help_and_version_go_to_stdout(string typed)
    {
        await using var bal = new BalInstance(output);
        var end = (await bal.Run(typed.Split(' '))).Succeeds();
        Assert.NotEqual("", end.Out);
        Assert.Equal("", end.Error);
    }
}
