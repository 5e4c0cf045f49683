using System.Text.Json;

namespace Bal.EndToEnd.Logging;

/// <summary>
/// What becomes of the lines of the log when it stalls, fills up or is rotated: every line arrives whole, or is
/// counted, and the count is said. Lines are made by clients whose first backend refuses: each is a line of level
/// debug.
/// </summary>
public sealed class LogSinkTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_log_that_is_rotated_again_and_again_under_load_loses_no_line()
    {
        await using var refusing = Serving.Echo();
        await using var alive = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, Chatty(refusing, alive));
        refusing.Refuse();
        using var over = new CancellationTokenSource();
        var served = 0;
        var clients = Task.Run(async () =>
        {
            for (; !over.IsCancellationRequested; Interlocked.Increment(ref served))
                await bal.Exchange();
        });

        for (var rotation = 0; rotation < 25; rotation++)
        {
            File.Move(bal.LogPath, $"{bal.LogPath}.{rotation}");
            Posix.Signal(bal.Pid, Posix.Usr1);
            await Eventually.Holds("the log file is there again", () => File.Exists(bal.LogPath));
            var until = Volatile.Read(ref served) + 40;
            await Eventually.Holds("clients are served", () => Volatile.Read(ref served) >= until || clients.IsFaulted);
        }

        await over.CancelAsync();
        await clients;
        var refused = (await bal.Status()).Of(refusing.Address).Refused;
        (await bal.Run("stop")).Succeeds();
        var lines = Directory.GetFiles(bal.Home, "bal.log*").SelectMany(File.ReadAllLines).ToArray();
        Assert.Equal(refused, lines.Sum(FailuresIn));
        Assert.All(lines, line => JsonDocument.Parse(line).Dispose());
    }

    [Fact]
    public async Task A_full_disk_costs_lines_which_are_counted_and_said_once_there_is_room_again()
    {
        await using var backend = Serving.Echo();
        // No line but those of the reloads: a probe that comes too late on a busy machine would make some.
        await using var bal = new BalInstance(output, BalFile.For(backend).WithRareProbes());
        // A file system of its own, in a mount namespace of its own; without root, in a user namespace as well.
        var enter = Posix.IsRoot ? "unshare --mount" : "unshare --mount --user --map-root-user";
        await File.WriteAllTextAsync(Path.Combine(bal.Home, "scene"), """
            set -eu
            home="$BAL_HOME/small"
            mkdir "$home"
            mount -t tmpfs -o size=128k,mode=0700 tmpfs "$home"
            cp "$BAL_HOME/config.yaml" "$home/"
            export BAL_HOME="$home"
            "$BAL" start -d
            "$BAL" graceful
            head -c 1M /dev/zero >"$home/filler" || true
            for i in $(seq 40); do "$BAL" graceful; done
            "$BAL" status --exit-code
            rm "$home/filler"
            "$BAL" graceful
            "$BAL" stop
            cp "$home/bal.log" "$home/../bal.log"
            """);

        var scene = await bal.Shell($"exec {enter} bash \"$BAL_HOME/scene\"");

        scene.Succeeds();
        var lines = bal.LogLines();
        Assert.All(lines, line => JsonDocument.Parse(line).Dispose());
        var said = lines.Where(l => Event(l) == "log_lines_dropped").Sum(l => Number(l, "dropped"));
        // Who asked, and what came of it: 42 reloads; and who asked for the stop.
        Assert.InRange(said, 1, 2 * 40);
        Assert.Equal((2 * 42) + 1, lines.Count(l => Event(l) is "requested" or "reload_applied") + said);
        Assert.Equal("stopped", Event(lines[^1]));
    }

    [Fact]
    public async Task A_pipe_that_nobody_reads_for_a_while_tells_afterwards_how_many_lines_it_missed()
    {
        // Each probe of each of them is a line.
        var refusing = Enumerable.Range(0, 40).Select(_ => Serving.EchoThatIsDown()).ToArray();
        await using var bal = new BalInstance(output, Chatty(refusing).With("health_check_interval_ms", 5));
        var pipe = Path.Combine(bal.Home, "pipe");
        var process = bal.ShellInBackground("mkfifo \"$BAL_HOME/pipe\"; exec \"$BAL\" start 2<>\"$BAL_HOME/pipe\"");
        await Eventually.Holds("it serves", () => File.Exists(bal.PidPath) && new FileInfo(bal.PidPath).Length > 1);
        // More than the pipe (64 KiB) and the queue (4,096 lines) hold.
        await bal.SeeStatus("thousands of lines", s => s.Backends.Sum(b => b.Refused) > 6_000);

        var (failures, said) = (0L, 0L);
        await Task.Run(() =>
        {
            using var reader = new StreamReader(pipe);
            // What is owed is said as soon as a line could be written, before those that have waited.
            while (said == 0 && reader.ReadLine() is { } line)
            {
                failures += FailuresIn(line);
                said += Event(line) == "log_lines_dropped" ? Number(line, "dropped") : 0;
            }
        }).WaitAsync(Eventually.Patience);

        Assert.InRange(failures, 100, long.MaxValue);
        Assert.True(said > 0);
        (await bal.Run("stop")).Succeeds();
        await process.End();
        foreach (var backend in refusing)
            await backend.DisposeAsync();
    }

    [Fact]
    public async Task The_last_lines_before_the_end_all_arrive()
    {
        await using var refusing = Serving.Echo();
        await using var alive = Serving.Echo();
        await using var bal = new BalInstance(output, Chatty(refusing, alive));
        var process = await bal.Foreground();
        await bal.SeeStatus("both are up", s => s.Root.GetProperty("last_check_time").GetString() is not null);
        refusing.Refuse();
        for (var i = 0; i < 500; i++)
            await bal.Exchange();
        var refused = (await bal.Status()).Of(refusing.Address).Refused;

        Posix.Signal(process.Pid, Posix.Terminate);
        var lines = (await process.End()).Succeeds().Error.TrimEnd('\n').Split('\n');

        Assert.Equal(refused, lines.Sum(FailuresIn));
        Assert.Equal("stopped", Event(lines[^1]));
    }

    private static BalFile Chatty(params TestBackend[] backends) =>
        (BalFile.For(backends) with { LogLevel = "debug" })
            .With("failover_backoff_initial_ms", 1).With("failover_backoff_max_ms", 1).With("backend_cooldown_ms", 0)
            .With("health_check_interval_ms", 600_000).With("health_check_fail_threshold", 1_000_000)
            .With("protection_trigger_threshold", 1_000_000);

    private static string Event(string line) => JsonDocument.Parse(line).RootElement.GetProperty("event").GetString()!;

    private static long Number(string line, string field) =>
        JsonDocument.Parse(line).RootElement.GetProperty("fields").GetProperty(field).GetInt64();

    private static long FailuresIn(string line) => Event(line) == "connect_failed" ? Number(line, "count") : 0;
}
