namespace Bal.EndToEnd.Controlling;

/// <summary><c>bal top</c> on a terminal of tmux(1), and where there is none.</summary>
public sealed class TopTests(ITestOutputHelper output)
{
    [Fact]
    public async Task On_a_terminal_it_follows_what_happens_and_keys_work_and_the_screen_is_as_before_in_the_end()
    {
        await using var one = Serving.Echo();
        await using var two = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(one, two));
        await using var screen = await Tmux.Open(bal, "echo before; $BAL top; echo after");

        await screen.Sees("both are up", text => text.Contains("backends 2/2", StringComparison.Ordinal)
            && text.Contains("before", StringComparison.Ordinal) is false);
        two.Refuse();
        await screen.Sees("one is down, and what to do is said", text =>
            text.Contains("backends 1/2", StringComparison.Ordinal)
            && text.Contains("do this now:", StringComparison.Ordinal));
        await screen.Press("s");
        await screen.Sees("the worst is first", text => text.Contains("sort: state", StringComparison.Ordinal)
            && text.IndexOf("\n" + two.Address, StringComparison.Ordinal)
                < text.IndexOf("\n" + one.Address, StringComparison.Ordinal));
        await screen.Press("/");
        await screen.Press(one.Address);
        await screen.Press("Enter");
        await screen.Sees("only one is left", text => text.Contains($"filter: {one.Address}", StringComparison.Ordinal)
            && !text.Contains("\n" + two.Address, StringComparison.Ordinal));
        await screen.Resize(40, 10);
        await screen.Sees("it is narrow", text => text.Contains("q quit", StringComparison.Ordinal)
            || text.Contains("…", StringComparison.Ordinal));
        await screen.Press("q");
        await screen.Sees("the screen is as before", text => text.Contains("before", StringComparison.Ordinal)
            && text.Contains("after", StringComparison.Ordinal));
    }

    [Fact]
    public async Task It_waits_for_a_daemon_that_is_not_there_yet()
    {
        await using var backend = Serving.Echo();
        await using var bal = new BalInstance(output, BalFile.For(backend));
        await using var screen = await Tmux.Open(bal, "$BAL status --watch");

        await screen.Sees("nothing runs", text => text.Contains("not running", StringComparison.Ordinal));
        (await bal.Run("start", "-d")).Succeeds();
        await screen.Sees("it runs", text => text.Contains("backends 1/1", StringComparison.Ordinal));
        // Ctrl-C, which no other program is asked about.
        await screen.Press("C-c");
        await screen.Sees("it is over", text => !text.Contains("q quit", StringComparison.Ordinal));
        (await bal.Run("stop")).Succeeds();
    }

    [Fact]
    public async Task Without_a_terminal_it_prints_a_line_a_second_for_each_service()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend).WithRareProbes());

        var lines = (await bal.Shell("$BAL top | head -n 2")).Succeeds().Out.TrimEnd('\n').Split('\n');

        Assert.Equal(2, lines.Length);
        Assert.All(lines, line => Assert.Matches(
            @"^\S+Z default backends=1/1 connections=0 new_per_s=0\.0 in_per_s=0 out_per_s=0$", line));
        (await bal.Run("stop")).Succeeds();
        Assert.Contains("not running", (await bal.Run("top")).FailsWith(1).Error, StringComparison.Ordinal);
    }
}
