namespace Bal.EndToEnd.Lifecycle;

/// <summary>TERM drains, a second one ends, HUP reloads, USR1 reopens the log.</summary>
public sealed class SignalTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_second_TERM_ends_it_at_once()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));
        using var open = await bal.Connect();
        await open.Write(new byte[1]);
        await open.Read(1);
        var pid = bal.Pid;
        Posix.Signal(pid, Posix.Terminate);
        await Eventually.Holds("it drains",
            () => bal.LogLines().Any(l => l.Contains("drain", StringComparison.Ordinal)));
        Assert.True(ProcFs.IsAlive(pid));

        Posix.Signal(pid, Posix.Terminate);

        // Well before the first connection is cut, 25 s after the first signal.
        await Eventually.Holds("it has ended", () => !ProcFs.IsAlive(pid));
        await open.ReadToEnd();
    }

    [Fact]
    public async Task USR1_opens_the_log_again_after_it_was_renamed()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));
        var rotated = bal.LogPath + ".1";
        File.Move(bal.LogPath, rotated);
        Posix.Signal(bal.Pid, Posix.Usr1);
        await Eventually.Holds("the log file is there again", () => File.Exists(bal.LogPath));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(bal.LogPath));
        var before = (await File.ReadAllLinesAsync(rotated)).Length;

        (await bal.Run("graceful")).Succeeds();

        await Eventually.Holds("the reload is told in the new file",
            () => bal.LogLines().Any(l => l.Contains("reload_applied", StringComparison.Ordinal)));
        Assert.DoesNotContain((await File.ReadAllLinesAsync(rotated))[before..],
            l => l.Contains("reload_applied", StringComparison.Ordinal));
        File.Delete(rotated);
    }

    [Fact]
    public async Task HUP_reloads()
    {
        await using var backend = Serving.Echo();
        var file = BalFile.For(backend);
        await using var bal = await BalInstance.Healthy(output, file);
        bal.Write(file.With("max_concurrent_connections", 1));
        Posix.Signal(bal.Pid, Posix.HangUp);
        await bal.SeeStatus("it has reloaded", s => s.ConfigVersion == 2);
        using var first = await bal.Connect();
        await first.Write(new byte[1]);
        await first.Read(1);
        Assert.Null(await bal.ConnectUnlessReset());
    }

    [Fact]
    public async Task Signals_mean_what_they_mean_although_they_were_ignored_at_the_start()
    {
        await using var backend = Serving.Echo();
        await using var bal = new BalInstance(output, BalFile.For(backend));
        // As after 'nohup bal start &', and worse.
        var process = bal.ShellInBackground("trap '' HUP INT TERM USR1 USR2; exec \"$BAL\" start");
        await Eventually.Holds("it serves", () =>
            File.Exists(bal.PidPath) && File.ReadAllText(bal.PidPath) == $"{process.Pid}\n");

        Posix.Signal(process.Pid, Posix.HangUp);
        await bal.SeeStatus("it has reloaded", s => s.ConfigVersion == 2);
        using var open = await bal.Connect();
        await open.Write(new byte[1]);
        await open.Read(1);
        Posix.Signal(process.Pid, Posix.Interrupt);
        await bal.SeeStatus("it drains", s => s.Root.GetProperty("stopping").GetBoolean());

        Posix.Signal(process.Pid, Posix.Terminate);
        (await process.End()).Succeeds();
    }

    [Fact]
    public async Task Every_line_of_the_log_is_one_JSON_object_with_the_documented_keys()
    {
        await using var backend = Serving.EchoThatIsDown();
        await using var bal = await BalInstance.Started(output, BalFile.For(backend) with { LogLevel = "debug" });
        Assert.Null(await bal.ConnectUnlessReset());
        await bal.SeeStatus("protection is on", s => s.Protected);
        (await bal.Run("stop")).Succeeds();
        var lines = bal.LogLines();
        Assert.NotEmpty(lines);
        foreach (var line in lines)
        {
            var json = System.Text.Json.JsonDocument.Parse(line).RootElement;
            Assert.Equal(["timestamp", "level", "message", "module", "event", "fields"],
                json.EnumerateObject().Select(p => p.Name));
            Assert.EndsWith("Z", json.GetProperty("timestamp").GetString(), StringComparison.Ordinal);
            Assert.Contains(json.GetProperty("level").GetString(), new[] { "DEBUG", "INFO", "WARN", "ERROR" });
            Assert.Matches("^[a-z][a-z0-9_]*$", json.GetProperty("event").GetString());
            Assert.Equal(System.Text.Json.JsonValueKind.Object, json.GetProperty("fields").ValueKind);
        }
    }
}
