using System.Globalization;

namespace Bal.EndToEnd.Lifecycle;

/// <summary>A start says what came of it, and a fault on the way is never called a success.</summary>
public sealed class StartingTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("-d")]
    [InlineData(null)]
    public async Task A_port_held_by_another_process_is_an_error_that_names_it(string? daemon)
    {
        await using var holder = Serving.Echo();
        await using var bal = new BalInstance(output, new BalFile(holder.Port, "127.0.0.1:1"));

        var start = (await (daemon is null ? bal.Run("start") : bal.Run("start", daemon))).FailsWith(1);

        Assert.DoesNotContain("\"event\":\"started\"", start.Error, StringComparison.Ordinal);
        Assert.Contains("what_happened:", start.Error, StringComparison.Ordinal);
        Assert.Contains("why_likely:", start.Error, StringComparison.Ordinal);
        Assert.Contains("do_this_now:", start.Error, StringComparison.Ordinal);
        Assert.Contains($"pid={Environment.ProcessId}", start.Error, StringComparison.Ordinal);
        Assert.Contains("not running", (await bal.Run("status")).Out, StringComparison.Ordinal);
        // Doctor finds the same fault.
        Assert.Contains("overall: CRITICAL", (await bal.Run("doctor")).FailsWith(1).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_held_by_a_bal_of_another_home_is_an_error()
    {
        await using var backend = Serving.Echo();
        var file = BalFile.For(backend);
        await using var first = await BalInstance.Healthy(output, file);
        await using var second = new BalInstance(output, file);

        var start = (await second.Run("start", "-d")).FailsWith(1);

        Assert.DoesNotContain("\"event\":\"started\"", start.Error, StringComparison.Ordinal);
        Assert.Contains($"pid={first.Pid}", start.Error, StringComparison.Ordinal);
        // Not one client of the first went to the second meanwhile.
        for (var i = 0; i < 10; i++)
            await first.Exchange();
    }

    [Fact]
    public async Task A_second_start_with_the_same_home_says_already_running_and_harms_nothing()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));
        var pid = bal.Pid;
        foreach (var arguments in new string[][] { ["start", "-d"], ["start"] })
        {
            var again = (await bal.Run(arguments)).FailsWith(1);
            Assert.Contains("already running", again.Error, StringComparison.Ordinal);
            Assert.Contains(pid.ToString(CultureInfo.InvariantCulture), again.Error, StringComparison.Ordinal);
        }

        Assert.Equal(pid, (await bal.Status()).Pid);
        await bal.Exchange();
    }

    [Theory]
    [InlineData(2)]
    [InlineData(10)]
    public async Task Of_many_starts_at_the_same_moment_exactly_one_succeeds(int many)
    {
        await using var backend = Serving.Echo();
        await using var bal = new BalInstance(output, BalFile.For(backend));
        var starts = await Task.WhenAll(Enumerable.Range(0, many).Select(_ => bal.Run("start", "-d")));
        Assert.Single(starts, s => s.ExitCode == 0);
        Assert.All(starts.Where(s => s.ExitCode != 0),
            s => Assert.Contains("already running", s.Error, StringComparison.Ordinal));
        await bal.Exchange();
    }

    [Fact]
    public async Task A_file_that_is_invalid_stops_the_start_with_its_line()
    {
        await using var bal = new BalInstance(output);
        await File.WriteAllTextAsync(bal.ConfigPath, "port: 9295\nbackend:\n  - host: a\n");
        var start = (await bal.Run("start", "-d")).FailsWith(1);
        Assert.Contains("what_happened:", start.Error, StringComparison.Ordinal);
        Assert.Contains("backends", start.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_relative_config_is_still_found_after_the_daemon_has_left_its_directory()
    {
        await using var backend = Serving.Echo();
        await using var bal = new BalInstance(output, BalFile.For(backend));
        var elsewhere = Directory.CreateDirectory(Path.Combine(bal.Home, "elsewhere")).FullName;
        File.Move(bal.ConfigPath, Path.Combine(elsewhere, "mine.yaml"));

        (await bal.Shell($"cd {elsewhere} && \"$BAL\" start -d --config ./mine.yaml")).Succeeds();

        Assert.Equal("/", new FileInfo($"/proc/{bal.Pid}/cwd").LinkTarget);
        (await bal.Run("graceful")).Succeeds();
        var status = await bal.Status();
        Assert.Equal(2, status.ConfigVersion);
        Assert.Equal(Path.Combine(elsewhere, "mine.yaml"), status.Root.GetProperty("config_path").GetString());
    }

    [Fact]
    public async Task A_daemon_survives_its_terminal()
    {
        await using var backend = Serving.Echo();
        await using var bal = new BalInstance(output, BalFile.For(backend));
        // script(1) runs the shell on a terminal of its own and closes it at the end, which hangs up whoever stayed.
        var start = await Command.Run("script", "-qec",
            $"env BAL_HOME={bal.Home} {BalBinary.Path} start -d; exit $?", "/dev/null");
        start.Succeeds();

        var pid = bal.Pid;
        Assert.True(ProcFs.IsAlive(pid));
        Assert.Equal(1, (await bal.Status()).ConfigVersion);
        await bal.Exchange();
        // It belongs to no terminal and no other session, so that no hang-up can reach it.
        var session = (await Command.Run("ps", "-o", "sid=,tty=", "-p", $"{pid}")).Succeeds().Out.Split(
            ' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        Assert.Equal([$"{pid}", "?"], session);
    }

    [Fact]
    public async Task Bal_writes_its_files_for_its_owner_alone_and_nothing_else()
    {
        await using var backend = Serving.Echo();
        await using var bal = new BalInstance(output, BalFile.For(backend));
        var home = Path.Combine(bal.Home, "fresh");
        var config = bal.ConfigPath;
        var variables = new (string, string?)[] { ("BAL_HOME", home) };
        try
        {
            (await bal.RunWith(variables, "start", "-d", "--config", config)).Succeeds();
            Assert.Equal(["bal.log", "bal.pid", "bal.sock"], Directory.GetFiles(home).Select(Path.GetFileName).Order());
            Assert.Equal("-rwx------", Mode(home));
            foreach (var file in Directory.GetFiles(home))
                Assert.Equal("-rw-------", Mode(file));
        }
        finally
        {
            (await bal.RunWith(variables, "stop")).Succeeds();
        }

        Assert.DoesNotContain("bal.sock", Directory.GetFiles(home).Select(Path.GetFileName));
        (await bal.RunWith(variables, "status", "--exit-code")).FailsWith(2);
    }

    [Theory]
    [InlineData("bal.pid")]
    [InlineData("bal.log")]
    [InlineData("bal.sock")]
    public async Task A_symbolic_link_in_the_home_is_never_followed(string name)
    {
        await using var backend = Serving.Echo();
        await using var bal = new BalInstance(output, BalFile.For(backend));
        var victim = Path.Combine(bal.Home, "victim");
        await File.WriteAllTextAsync(victim, "precious");
        File.CreateSymbolicLink(Path.Combine(bal.Home, name), victim);

        var start = await bal.Run("start", "-d");

        Assert.Equal("precious", await File.ReadAllTextAsync(victim));
        if (start.ExitCode != 0)
            Assert.Contains("symbolic link", start.Error, StringComparison.Ordinal);
        else
            Assert.Null(new FileInfo(Path.Combine(bal.Home, name)).LinkTarget);
    }

    private static string Mode(string path)
    {
        var mode = File.GetUnixFileMode(path);
        return "-" + string.Concat(Enumerable.Range(0, 9).Select(i =>
            ((int)mode & (256 >> i)) != 0 ? "rwx"[i % 3] : '-'));
    }
}
