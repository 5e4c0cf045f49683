using System.Text.Json;
using Bal.Integration.Process;

namespace Bal.Integration.Cli;

/// <summary>Exit codes, streams and words of the commands where no balancer is needed.</summary>
public sealed class CommandSpecs : IDisposable
{
    private readonly TempDirectory _home = new();

    public void Dispose() => _home.Dispose();

    [Theory]
    [InlineData("stop")]
    [InlineData("graceful")]
    [InlineData("upgrade")]
    public async Task What_is_not_running_can_be_neither_stopped_nor_reloaded_nor_replaced(string command)
    {
        File.WriteAllText(_home.File("bal.pid"), "-1\n");

        var run = await BalProgram.Run(_home.Root, command);

        Assert.Equal(1, run.ExitCode);
        Assert.Equal("", run.Out);
        ThreeLines(run.Error);
        Assert.Contains("not running", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("explain")]
    [InlineData("explain backend 1")]
    [InlineData("explain protection")]
    public async Task What_is_not_running_cannot_be_explained(string words)
    {
        var run = await BalProgram.Run(_home.Root, words.Split(' '));
        var json = await BalProgram.Run(_home.Root, [.. words.Split(' '), "--json"]);

        // In the report's place, as status does; for a person beside the JSON as well.
        Assert.Equal((1, ""), (run.ExitCode, run.Error));
        ThreeLines(run.Out);
        Assert.Contains("not running", run.Out, StringComparison.Ordinal);
        // Not to the letter: it names other instances that run, and those come and go.
        Assert.Equal(1, json.ExitCode);
        ThreeLines(json.Error);
        Assert.Equal(run.Out.Split('\n')[0], json.Error.Split('\n')[0]);
        Assert.Equal("not_running", JsonDocument.Parse(json.Out).RootElement
            .GetProperty("problem").GetProperty("code").GetString());
    }

    [Theory]
    [InlineData("graceful --dry-run")]
    [InlineData("graceful --dry-run --json")]
    public async Task What_is_not_running_cannot_say_what_a_reload_would_change(string words)
    {
        var run = await BalProgram.Run(_home.Root, words.Split(' '));

        Assert.Equal(1, run.ExitCode);
        Assert.Equal(words.EndsWith("--json", StringComparison.Ordinal), run.Out.StartsWith('{'));
        Assert.Contains("not running", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Check_tells_valid_from_invalid_and_strict_from_lenient()
    {
        Write("0.0.0.0", 9000);
        Assert.Equal(0, (await BalProgram.Run(_home.Root, "check")).ExitCode);
        Assert.Equal(1, (await BalProgram.Run(_home.Root, "check", "--strict")).ExitCode);
        Write("127.0.0.1", 9000);
        var strict = await BalProgram.Run(_home.Root, "check", "--strict");
        Assert.Equal((0, ""), (strict.ExitCode, strict.Error));
        Assert.StartsWith("result: OK\nbackends: 1\nwarnings: 0\n", strict.Out, StringComparison.Ordinal);
        Write("127.0.0.1", 90000);
        var invalid = await BalProgram.Run(_home.Root, "check", "--json");
        Assert.Equal((1, ""), (invalid.ExitCode, invalid.Error));
        Assert.NotEmpty(JsonDocument.Parse(invalid.Out).RootElement.GetProperty("errors").EnumerateArray());
    }

    [Fact]
    public async Task Without_any_home_the_report_says_so()
    {
        var run = await BalProgram.Run([("BAL_HOME", null), ("HOME", null)], "check");

        Assert.Equal((1, ""), (run.ExitCode, run.Error));
        ThreeLines(run.Out);
    }

    [Theory]
    [InlineData("start")]
    [InlineData("start -d")]
    public async Task A_start_that_fails_says_so_once(string words)
    {
        File.SetUnixFileMode(_home.Root, (UnixFileMode)0x1FF);

        var run = await BalProgram.Run(_home.Root, words.Split(' '));

        Assert.Equal((1, ""), (run.ExitCode, run.Out));
        ThreeLines(run.Error);
        Assert.Contains("any user can write", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_without_decisions_is_one_clear_problem_and_no_timeline()
    {
        foreach (var file in (string[])["/etc/passwd", "/proc/self/mem"])
        {
            var run = await BalProgram.Run(_home.Root, "replay", file);
            Assert.Equal((1, ""), (run.ExitCode, run.Error));
            ThreeLines(run.Out);
            Assert.DoesNotContain("fault of its own", run.Out, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_daemon_that_never_answers_costs_two_seconds_and_is_ended_by_what_is_advised()
    {
        Write("127.0.0.1", 9000);
        using var other = Child.HoldingLock(_home.File("bal.pid"));
        using var listener = new System.Net.Sockets.Socket(
            System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream,
            System.Net.Sockets.ProtocolType.Unspecified);
        listener.Bind(new System.Net.Sockets.UnixDomainSocketEndPoint(_home.File("bal.sock")));
        listener.Listen();

        foreach (var words in (string[])["status --json", "explain --json", "graceful --json --timeout 30", "ready"])
        {
            var run = await BalProgram.Run(_home.Root, words.Split(' '));
            Assert.Equal(1, run.ExitCode);
            if (words != "ready")
            {
                _ = JsonDocument.Parse(run.Out);
                Assert.Contains($"kill -KILL {other.Pid}", run.Error, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task Stop_ends_whoever_holds_the_lock_and_counts_a_zombie_as_gone()
    {
        Write("127.0.0.1", 9000);
        using var other = Child.HoldingLock(_home.File("bal.pid"));

        var run = await BalProgram.Run(_home.Root, "stop");

        // The lock holder is ended by its pidfd, whatever the file says, and it stays a zombie of this test.
        Assert.Equal(0, run.ExitCode);
        Assert.Equal($"daemon: stopped (pid={other.Pid})\n", run.Out);
        Assert.Contains($"stopping bal (pid={other.Pid})", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_reader_that_has_gone_away_is_no_fault_and_a_full_disk_is_an_exact_one()
    {
        var path = Path.Combine(AppContext.BaseDirectory, "bal");
        using var piped = Child.Start("sh", ["-c", $"{{ '{path}' --help; echo rc=$? >&2; }} | true"]);
        Assert.Equal("rc=0\n", (await piped.End()).Error);

        using var full = Child.Start("sh", ["-c", $"'{path}' --help >/dev/full"]);
        var run = await full.End();
        Assert.NotEqual(0, run.ExitCode);
        ThreeLines(run.Error);
        Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Closed_standard_streams_are_never_mistaken_for_a_file_of_bal()
    {
        Write("127.0.0.1", 9000);
        var path = Path.Combine(AppContext.BaseDirectory, "bal");
        var file = _home.File("config.yaml");
        using var child = Child.Start("sh", ["-c", $"'{path}' check --config '{file}' <&- >&- 2>&-"]);

        Assert.Equal(0, (await child.End()).ExitCode);
        Assert.StartsWith("port:", File.ReadAllText(_home.File("config.yaml")), StringComparison.Ordinal);
    }

    private void Write(string bind, int backendPort) => File.WriteAllText(_home.File("config.yaml"),
        $"port: 9295\nbind_address: \"{bind}\"\nbackends:\n  - host: \"127.0.0.1\"\n    port: {backendPort}\n");

    private static void ThreeLines(string text)
    {
        var lines = text.TrimEnd('\n').Split('\n');
        Assert.Equal(3, lines.Length);
        Assert.StartsWith("what_happened: ", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("why_likely: ", lines[1], StringComparison.Ordinal);
        Assert.StartsWith("do_this_now: ", lines[2], StringComparison.Ordinal);
    }
}
