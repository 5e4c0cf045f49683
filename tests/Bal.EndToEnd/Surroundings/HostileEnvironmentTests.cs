namespace Bal.EndToEnd.Surroundings;

/// <summary>
/// Whatever surrounds a command (variables, limits, streams) it works, or says why not in the three lines of a problem:
/// never a stack trace, a signal or a hang.
/// </summary>
public sealed class HostileEnvironmentTests(ITestOutputHelper output)
{
    private const string Valid = "bind_address: ::1\nbackends: [{host: a, port: 1}]\n";

    [Theory]
    [InlineData("LC_ALL=xx_YY.bogus LANG=C.UTF-16 LANGUAGE=:: $BAL check")]
    [InlineData("env -u TERM -u HOME -u PATH $BAL check")]
    [InlineData("TERM=$'\\e[31m' NO_COLOR= $BAL check")]
    [InlineData("env -i BAL_HOME=\"$BAL_HOME\" $BAL check")]
    [InlineData("TZ=../../etc/passwd DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=x COMPlus_GCHeapCount=zz $BAL check")]
    [InlineData("$BAL check --config \"$BAL_HOME/config.yaml\" 0<&- 2>&-")]
    public async Task What_does_not_concern_it_changes_nothing(string command)
    {
        await using var bal = Prepared();
        var end = (await bal.Shell(command)).Succeeds();
        Assert.StartsWith("result: OK", end.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("BAL_HOME= HOME= $BAL status", "BAL_HOME")]
    [InlineData("env -u BAL_HOME -u HOME $BAL status", "BAL_HOME")]
    [InlineData("BAL_HOME=$(printf 'x%.0s' {1..300}) $BAL status", "at most 107")]
    [InlineData("BAL_HOME=$BAL_HOME/config.yaml $BAL start", "is a file")]
    [InlineData("BAL_HOME=/proc/self/no $BAL start", "BAL_HOME")]
    [InlineData("ln -s loop $BAL_HOME/loop; BAL_HOME=$BAL_HOME/loop $BAL start", "loop")]
    [InlineData("BAL_CONFIG=/dev/zero $BAL start", "device")]
    [InlineData("BAL_CONFIG=$BAL_HOME $BAL start", "directory")]
    [InlineData("mkfifo $BAL_HOME/f; BAL_CONFIG=$BAL_HOME/f $BAL start", "named pipe")]
    [InlineData("BAL_CONFIG=$(printf 'x%.0s' {1..5000}) $BAL start", "")]
    [InlineData("ulimit -n 6; $BAL start", "")]
    [InlineData("ulimit -n 9; $BAL start", "open files")]
    [InlineData("ulimit -n 20; $BAL start", "ulimit -n")]
    public async Task What_keeps_it_from_working_is_said_in_three_lines(string command, string names)
    {
        await using var bal = Prepared();
        var end = await bal.Shell(command);
        Assert.InRange(end.ExitCode, 1, 70);
        var said = end.Out + end.Error;
        Assert.Equal(1, said.Split('\n').Count(l => l.StartsWith("what_happened: ", StringComparison.Ordinal)));
        Assert.Contains("\ndo_this_now: ", said, StringComparison.Ordinal);
        Assert.Contains(names, said, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", said, StringComparison.Ordinal);
        Assert.DoesNotContain("internal_error", said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("start")]
    [InlineData("start -d")]
    public async Task Where_no_file_may_grow_a_start_fails_in_words_and_not_by_a_signal(string command)
    {
        await using var bal = Prepared();
        var end = await bal.Shell($"ulimit -f 0; $BAL {command}");
        Assert.InRange(end.ExitCode, 1, 70);
        Assert.Contains("\ndo_this_now: ", end.Error, StringComparison.Ordinal);
        Assert.Contains("ulimit -f", end.Error, StringComparison.Ordinal);
        Assert.Contains("LimitFSIZE=", end.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("internal_error", end.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("signal", end.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", end.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("4")]
    [InlineData("5")]
    [InlineData("6")]
    [InlineData("8")]
    [InlineData("9")]
    [InlineData("12")]
    public async Task A_check_with_a_handful_of_descriptors_works_or_says_why_not(string limit)
    {
        await using var bal = Prepared();
        var end = await bal.Shell($"ulimit -n {limit}; $BAL check");
        Assert.InRange(end.ExitCode, 0, 127);
        Assert.DoesNotContain("   at ", end.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("x")]
    [InlineData("-1")]
    [InlineData("0")]
    [InlineData("7")]
    [InlineData("99999999999999999999")]
    public async Task A_readiness_descriptor_that_is_somebody_elses_is_left_alone(string number)
    {
        await using var backend = Serving.Echo();
        await using var bal = new BalInstance(output, BalFile.For(backend));
        var file = Path.Combine(bal.Home, "foreign");
        _ = bal.ShellInBackground($"exec 7>'{file}'; BAL_READY_FD={number} exec $BAL start");
        await Eventually.Holds(
            "bal serves", () => File.Exists(bal.PidPath) && File.ReadAllText(bal.PidPath).Length > 1);

        Assert.Equal("", File.ReadAllText(file));
        // It took itself for no daemon: its log goes to its standard error.
        Assert.False(File.Exists(bal.LogPath));
        (await bal.Run("stop")).Succeeds();
    }

    [Theory]
    [InlineData("$BAL check --config $'\\e[2J\\x9b31m\\u202e\\nwhat_happened: forged'")]
    [InlineData("$BAL $'\\e]0;title\\a'")]
    [InlineData("$BAL check --json=$'\\e[31m'")]
    [InlineData("$BAL check $'--\\u009bx'")]
    [InlineData("BAL_CONFIG=$'/tmp/\\e[2J\\nnext: forged' $BAL check --verbose")]
    [InlineData("BAL_HOME=$'/tmp/no\\e[2J\\nnext: forged' $BAL doctor --verbose")]
    [InlineData("BAL_HOME=$'/tmp/no\\e[2J\\nnext: forged' $BAL stop")]
    [InlineData("printf 'backends: [{host: \"\\\\e[2J\\\\n\", port: \"\\\\u009b\"}]\\n\\xc2\\x9b: 1' "
        + ">$BAL_HOME/config.yaml; $BAL check")]
    public async Task Nothing_that_is_given_steers_the_terminal_or_forges_a_line(string command)
    {
        await using var bal = Prepared();
        var end = await bal.Shell(command);
        Assert.NotEqual(0, end.ExitCode);
        var said = end.Out + end.Error;
        Assert.NotEqual("", said);
        Assert.DoesNotContain(said, c => char.IsControl(c) && c != '\n');
        Assert.DoesNotContain('\u202e', said);
        Assert.DoesNotContain(said.Split('\n'), line => line.EndsWith("forged", StringComparison.Ordinal)
            && line.Split(' ')[0] is "what_happened:" or "next:"
                && !line.Contains("\\u000a", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("")]
    [InlineData("''")]
    [InlineData("check --config ''")]
    [InlineData("check --config a --config b")]
    [InlineData("check --config")]
    [InlineData("check --json --jsonn")]
    [InlineData("check -")]
    [InlineData("check @/etc/passwd")]
    [InlineData("'[diagram]' check x")]
    [InlineData("start -d -d -x")]
    [InlineData("check $(head -c 100000 /dev/zero | tr '\\0' x)")]
    [InlineData("--$(head -c 100000 /dev/zero | tr '\\0' x)")]
    public async Task Wrong_usage_is_exit_code_64_and_one_short_line(string arguments)
    {
        await using var bal = Prepared();
        var end = (await bal.Shell($"$BAL {arguments}")).FailsWith(64);
        Assert.Equal("", end.Out);
        Assert.InRange(end.Error.Length, 1, arguments.Length == 0 ? 4_000 : 400);
    }

    private BalInstance Prepared()
    {
        var bal = new BalInstance(output);
        File.WriteAllText(bal.ConfigPath, Valid);
        return bal;
    }
}
