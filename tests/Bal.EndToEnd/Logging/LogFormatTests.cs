namespace Bal.EndToEnd.Logging;

/// <summary>How lines of the log look (<c>log_format</c>), and <c>bal logs</c>.</summary>
public sealed class LogFormatTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("", "text", false)]
    [InlineData("log_format: text\n", null, false)]
    [InlineData("log_format: text\n", "json", true)]
    [InlineData("", null, true)]
    public async Task The_file_chooses_and_the_command_line_wins_also_over_an_upgrade(
        string more, string? chosen, bool isJson)
    {
        await using var backend = Serving.Echo();
        await using var bal = new BalInstance(output, BalFile.For(backend) with { More = more });
        string[] start = chosen is null ? ["start", "-d"] : ["start", "-d", "--log-format", chosen];

        // The launcher says in the same form what it did.
        var said = (await bal.Run(start)).Succeeds().Error;
        (await bal.Run("upgrade")).Succeeds();
        (await bal.Run("stop")).Succeeds();

        foreach (var line in said.TrimEnd('\n').Split('\n').Concat(File.ReadLines(bal.LogPath)))
            Assert.Equal(isJson, line.StartsWith('{'));
        Assert.Contains("bal accepts connections", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task On_the_journal_lines_say_their_level_as_systemd_reads_it()
    {
        await using var backend = Serving.Echo();
        await using var bal = new BalInstance(output, BalFile.For(backend));
        var serving = bal.ShellInBackground(
            "export JOURNAL_STREAM=$(stat -Lc %d:%i /proc/self/fd/2); exec \"$BAL\" start");
        await bal.SeeStatus("it serves", s => s.Running);
        (await bal.Run("stop")).Succeeds();

        var lines = (await serving.End()).Error.TrimEnd('\n').Split('\n');
        Assert.All(lines, line => Assert.Matches(@"^<[3-7]>\{", line));
        Assert.Contains(lines, line => line.StartsWith("<6>{", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Logs_shows_all_files_for_people_and_follows()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));
        File.Move(bal.LogPath, bal.LogPath + ".1");
        Posix.Signal(bal.Pid, Posix.Usr1);
        await Eventually.Holds("the log file is there again", () => File.Exists(bal.LogPath));
        var follow = bal.ShellInBackground("exec \"$BAL\" logs -f > \"$BAL_HOME/followed\"");
        var followed = Path.Combine(bal.Home, "followed");

        (await bal.Run("graceful")).Succeeds();
        var shown = (await Eventually.See("the reload is logged", () => bal.Run("logs"),
            run => run.Succeeds().Out.Contains("reload requested", StringComparison.Ordinal))).Out;

        Assert.Contains(" INFO  lifecycle: bal ", shown, StringComparison.Ordinal);
        Assert.Contains("reload requested", shown, StringComparison.Ordinal);
        Assert.True(shown.IndexOf("INFO  lifecycle: bal ", StringComparison.Ordinal)
            < shown.IndexOf("reload requested", StringComparison.Ordinal));
        Assert.DoesNotContain("{\"timestamp\"", shown, StringComparison.Ordinal);
        await Eventually.Holds("the reload is followed", () =>
            File.Exists(followed) && File.ReadAllText(followed).Contains("reload requested", StringComparison.Ordinal));
        Posix.Signal(follow.Pid, Posix.Terminate);
        _ = await follow.End();
        // What one has written is there to be read when it has ended.
        (await bal.Run("stop")).Succeeds();
        Assert.Contains("reload requested", (await bal.Run("logs")).Succeeds().Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Logs_of_one_in_the_foreground_says_where_they_are()
    {
        await using var backend = Serving.Echo();
        await using var bal = new BalInstance(output, BalFile.For(backend));
        Assert.Contains("not running", (await bal.Run("logs")).FailsWith(1).Error, StringComparison.Ordinal);
        _ = await bal.Foreground();

        Assert.Contains("does not log to", (await bal.Run("logs")).FailsWith(1).Error, StringComparison.Ordinal);
    }
}
