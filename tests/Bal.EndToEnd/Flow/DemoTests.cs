namespace Bal.EndToEnd.Flow;

/// <summary>The demonstration needs nothing and leaves nothing.</summary>
public sealed class DemoTests(ITestOutputHelper output)
{
    [Fact]
    public async Task The_demo_gives_an_account_on_stdout_and_ends_by_itself_in_a_home_of_its_own()
    {
        await using var bal = new BalInstance(output);
        var demo = (await bal.Run("demo", "--seconds", "6")).Succeeds();
        Assert.Contains("down", demo.Out, StringComparison.Ordinal);
        Assert.Contains("up", demo.Out, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(bal.Home));
    }
}
