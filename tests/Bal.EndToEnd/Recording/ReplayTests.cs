using System.Text;
using System.Text.Json;

namespace Bal.EndToEnd.Recording;

/// <summary>A daemon records what it decides, and <c>bal replay</c> decides the same again.</summary>
public sealed class ReplayTests(ITestOutputHelper output)
{
    private const string Name = "decisions.ndjson";

    [Fact]
    public async Task A_live_run_with_faults_replays_exactly()
    {
        await using var first = Serving.Echo();
        await using var second = Serving.Echo();
        using var hole = await BlackHole.Open();
        await using var bal = await Recorded(Fast(BalFile.For(first, second)));
        await bal.SeeStatus("both are up", s => s.Reachable == 2);

        first.Kill();
        await bal.SeeStatus("one is down", s => s.Reachable == 1);
        await bal.Exchange();
        second.Kill();
        await ExchangeFails(bal);
        await bal.SeeStatus("protection mode is on", s => s.Protected);
        first.Revive();
        await bal.SeeStatus("one is up again", s => s.Reachable == 1);
        second.Revive();
        await bal.SeeStatus("protection mode is off", s => !s.Protected);
        await bal.Reload(bal.File with { Backends = [first.Address, hole.Address] });
        await bal.SeeStatus("the black hole is down", s => s.Of(hole.Address).State == "down");
        await bal.Exchange();
        bal.Write(bal.File with { Port = 0 });
        (await bal.Run("graceful")).FailsWith(1);
        (await bal.Run("stop")).Succeeds();

        var replayed = (await bal.Run("replay", Path.Combine(bal.Home, Name))).Succeeds();
        output.WriteLine(replayed.Out);
        Assert.Contains("result: OK\n", replayed.Out, StringComparison.Ordinal);
        Assert.Contains($"backend {first.Address} is down", replayed.Out, StringComparison.Ordinal);
        Assert.Contains("protection mode is on", replayed.Out, StringComparison.Ordinal);
        Assert.Contains("protection mode is off", replayed.Out, StringComparison.Ordinal);
        Assert.Contains("configuration applied", replayed.Out, StringComparison.Ordinal);

        var json = Json(await bal.Run("replay", Path.Combine(bal.Home, Name), "--json"));
        var told = json.GetProperty("timeline").EnumerateArray().Select(e => e.GetProperty("message").GetString());
        var logged = bal.LogLines().Select(line => JsonDocument.Parse(line).RootElement)
            .Where(line => line.GetProperty("module").GetString() is "health" or "protection" or "reload")
            .Select(line => line.GetProperty("message").GetString());
        Assert.True(json.GetProperty("same").GetBoolean());
        Assert.Superset(new HashSet<string?>(logged), new HashSet<string?>(told));

        await Damage(bal);
    }

    [Fact]
    public async Task Another_configuration_is_compared_and_what_is_modelled_is_said_to_be()
    {
        await using var first = Serving.Echo();
        await using var second = Serving.Echo();
        await using var bal = await Recorded(Fast(BalFile.For(first, second)));
        await bal.SeeStatus("both are up", s => s.Reachable == 2);
        first.Kill();
        await bal.SeeStatus("one is down", s => s.Reachable == 1);
        (await bal.Run("stop")).Succeeds();
        var file = Path.Combine(bal.Home, Name);
        var same = Path.Combine(bal.Home, "same.yaml");
        await System.IO.File.WriteAllTextAsync(same, System.IO.File.ReadAllText(bal.ConfigPath));
        var patient = Path.Combine(bal.Home, "patient.yaml");
        var more = Fast(bal.File with { Backends = [.. bal.File.Backends, "10.9.9.9:1"] })
            .With("health_check_fail_threshold", 1_000).With("health_check_interval_ms", 77);
        await System.IO.File.WriteAllTextAsync(patient, more.ToString());

        var alike = (await bal.Run("replay", file, "--config", same)).Succeeds().Out;
        var compared = (await bal.Run("replay", file, "--config", patient)).Succeeds().Out;
        var json = Json(await bal.Run("replay", file, "--config", patient, "--json"));

        output.WriteLine(compared);
        Assert.Contains("no divergence: clients would have been served the same", alike, StringComparison.Ordinal);
        Assert.Contains(" 0 modelled", alike, StringComparison.Ordinal);
        Assert.Contains(
            $"\ndifference: backend {first.Address} is down as recorded, up with the new configuration\n",
            compared, StringComparison.Ordinal);
        Assert.Contains("\nmodelled: ", compared, StringComparison.Ordinal);
        Assert.Contains("unobserved: 10.9.9.9:1", compared, StringComparison.Ordinal);
        Assert.Contains("\n  - ", compared, StringComparison.Ordinal);
        var comparison = json.GetProperty("comparison");
        Assert.Equal(0, comparison.GetProperty("changes").GetProperty("backend_down").GetProperty("new").GetInt32());
        Assert.True(comparison.GetProperty("modelled").GetProperty("probe_never_made").GetInt64() > 0);
        (await bal.Run("replay", file, "--config", Path.Combine(bal.Home, "none.yaml"))).FailsWith(1);
    }

    [Fact]
    public async Task A_full_disk_ends_the_record_and_nothing_else()
    {
        await using var backend = Serving.Echo();
        var file = Fast(BalFile.For(backend)) with { DecisionLog = Name };
        await using var bal = new BalInstance(output, file);
        // A limit on the size of files stands for the end of the disk: the write fails in the same way. (A managed
        // build of bal maps code by way of a file, unless it is told not to.)
        await using var command = bal.ShellInBackground(
            "trap '' XFSZ; ulimit -f 8; export DOTNET_EnableWriteXorExecute=0; exec \"$BAL\" start "
            + "2>\"$BAL_HOME/log\"");
        await bal.SeeStatus("it serves", s => s.Running && s.Reachable == 1);
        var log = Path.Combine(bal.Home, "log");

        await Eventually.Holds("the failure is said", () =>
            System.IO.File.ReadAllText(log).Contains("\"event\":\"decision_log_failed\"", StringComparison.Ordinal));
        await bal.Exchange();
        await bal.SeeStatus("probes go on", s => s.Reachable == 1);
        Posix.Signal(command.Pid, Posix.Terminate);
        var ended = await command.End();

        Assert.Equal(0, ended.ExitCode);
        Assert.Contains("File too large", System.IO.File.ReadAllText(log), StringComparison.Ordinal);
        (await bal.Run("replay", Path.Combine(bal.Home, Name))).Succeeds();
    }

    [Fact]
    public async Task Two_instances_do_not_write_one_file()
    {
        await using var backend = Serving.Echo();
        await using var bal = await Recorded(Fast(BalFile.For(backend)));
        await Eventually.Holds("it records", () => System.IO.File.Exists(Path.Combine(bal.Home, Name)));

        await using var other = await BalInstance.Started(
            output, Fast(BalFile.For(backend)) with { DecisionLog = Path.Combine(bal.Home, Name) });

        await Eventually.Holds("the second says that the file is in use", () =>
            other.LogLines().Any(line => line.Contains("decision_log_in_use", StringComparison.Ordinal)));
        await other.Exchange();
        (await bal.Run("stop")).Succeeds();
        await Eventually.Holds("the second goes on with the file", () =>
            other.LogLines().Any(line => line.Contains("decision_log_gap", StringComparison.Ordinal)));
        (await other.Run("stop")).Succeeds();
        (await bal.Run("replay", Path.Combine(bal.Home, Name))).Succeeds();
    }

    [Theory]
    [InlineData(64, "replay")]
    [InlineData(64, "replay", "a", "b")]
    [InlineData(1, "replay", "/nonexistent")]
    [InlineData(1, "replay", "/dev/null")]
    [InlineData(1, "replay", "/")]
    [InlineData(1, "replay", "/proc/self/mem")]
    [InlineData(1, "replay", "/etc/passwd")]
    public async Task What_cannot_be_replayed_is_said(int code, params string[] arguments)
    {
        await using var bal = new BalInstance(output);

        var finished = (await bal.Run(arguments)).FailsWith(code);

        if (code == 1)
            Assert.Matches("what_happened: .+\nwhy_likely: .+\ndo_this_now: .+\n", finished.Out);
        // Nothing was followed, so there is no time range and nothing that went wrong inside of bal.
        Assert.DoesNotContain("\ntime: ", finished.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("internal_error", finished.Out, StringComparison.Ordinal);
    }

    /// <summary>One byte of an event, and then the end of the file.</summary>
    [Fact]
    public async Task Every_line_that_is_missing_doubled_moved_or_cut_in_the_middle_is_said()
    {
        await using var backend = Serving.Echo();
        await using var bal = await Recorded(Fast(BalFile.For(backend)));
        await bal.SeeStatus("it is up", s => s.Reachable == 1);
        await bal.Exchange();
        (await bal.Run("stop")).Succeeds();
        (await bal.Run("start", "-d")).Succeeds();
        backend.Kill();
        await bal.SeeStatus("it is down", s => s.Reachable == 0);
        Posix.Signal(bal.Pid, Posix.Kill);
        await Eventually.Holds("it is gone", () => ProcFs.WithVariable("BAL_HOME", bal.Home).Count == 0);
        (await bal.Run("start", "-d")).Succeeds();
        await ExchangeFails(bal);
        (await bal.Run("stop")).Succeeds();
        var path = Path.Combine(bal.Home, Name);
        (await bal.Run("replay", path)).Succeeds();
        var lines = System.IO.File.ReadAllLines(path);
        // What was being written when it was killed is a cut line, which the next start has ended.
        var states = Enumerable.Range(0, lines.Length)
            .Where(i => lines[i].StartsWith("{\"decision_log\"", StringComparison.Ordinal)).ToArray();
        Assert.Equal(3, states.Length);
        var places = states.SelectMany(i => new[] { i - 1, i, i + 1 }).Append(states[1] + 3)
            .Where(i => i >= 0 && i < lines.Length - 1).Distinct();

        foreach (var i in places)
        {
            // Without its first line a file begins elsewhere, and has to begin with a whole state.
            await IsDamaged(bal, $"line {i + 1} missing", [.. lines[..i], .. lines[(i + 1)..]]);
            await IsDamaged(bal, $"line {i + 1} doubled", [.. lines[..i], lines[i], .. lines[i..]]);
            await IsDamaged(bal, $"lines {i + 1} and {i + 2} the other way round",
                [.. lines[..i], lines[i + 1], lines[i], .. lines[(i + 2)..]]);
            await IsDamaged(bal, $"line {i + 1} cut",
                [.. lines[..i], lines[i][..(lines[i].Length / 2)], .. lines[(i + 1)..]]);
            await IsDamaged(bal, $"lines {i + 1} and {i + 2} joined",
                [.. lines[..i], lines[i][..(lines[i].Length / 2)] + lines[i + 1], .. lines[(i + 2)..]]);
        }
    }

    private static async Task IsDamaged(BalInstance bal, string how, string[] lines)
    {
        var path = Path.Combine(bal.Home, "damaged.ndjson");
        await System.IO.File.WriteAllTextAsync(path, string.Join('\n', lines) + "\n");
        var run = await bal.Run("replay", path);
        Assert.True(run.ExitCode == 1, $"{how}: {run}");
        Assert.Matches(@"what_happened: line \d+ of the decision log is damaged", run.Out);
        Assert.Contains("do_this_now: ", run.Out, StringComparison.Ordinal);
    }

    private async Task Damage(BalInstance bal)
    {
        var path = Path.Combine(bal.Home, "damaged.ndjson");
        var lines = System.IO.File.ReadAllLines(Path.Combine(bal.Home, Name));
        const string Event = "\"outcome\":\"refused\"";
        var victim = Array.FindLastIndex(lines, line => line.Contains(Event, StringComparison.Ordinal));
        var damaged = lines.ToArray();
        damaged[victim] = damaged[victim].Replace(Event, "\"outcome\":\"refuSed\"", StringComparison.Ordinal);
        await System.IO.File.WriteAllTextAsync(path, string.Join('\n', damaged) + "\n");
        var finished = (await bal.Run("replay", path)).FailsWith(1);
        Assert.Contains(
            $"what_happened: line {victim + 1} of the decision log is damaged", finished.Out, StringComparison.Ordinal);

        var whole = Encoding.UTF8.GetBytes(string.Join('\n', lines) + "\n");
        await System.IO.File.WriteAllBytesAsync(path, whole[..^30]);
        finished = (await bal.Run("replay", path)).Succeeds();
        Assert.Contains(
            $"notice: line {lines.Length}, the last one, was cut off", finished.Out, StringComparison.Ordinal);
    }

    private static JsonElement Json(Finished finished) => JsonDocument.Parse(finished.Succeeds().Out).RootElement;

    private static async Task ExchangeFails(BalInstance bal)
    {
        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            using var client = await bal.Connect();
            await client.Write("ping"u8.ToArray());
            if ((await client.Read(4)).Length == 0)
                throw new InvalidOperationException("closed");
        });
    }

    private Task<BalInstance> Recorded(BalFile file) => BalInstance.Started(output, file with { DecisionLog = Name });

    private static BalFile Fast(BalFile file) => file
        .With("health_check_interval_ms", 50).With("health_check_timeout_ms", 200)
        .With("protection_stable_success_threshold", 3).With("failover_backoff_max_ms", 500);
}
