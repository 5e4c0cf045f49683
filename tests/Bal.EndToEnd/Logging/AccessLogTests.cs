using System.Text.Json;
using Bal.EndToEnd.Upgrading;

namespace Bal.EndToEnd.Logging;

/// <summary>The access log of the binary, and its account over all that may happen to a process.</summary>
public sealed class AccessLogTests(ITestOutputHelper output)
{
    private const string Name = "access.ndjson";

    // YAML wants it quoted.
    private const string ToOutput = "access_log: \"-\"";

    [Fact]
    public async Task A_reload_and_an_upgrade_under_load_keep_the_account()
    {
        await using var backend = Serving.Echo();
        await using var refusing = Serving.EchoThatIsDown();
        using var installed = new InstalledBal();
        var file = BalFile.For(backend, refusing).WithRareProbes().With("threads", 2)
            .With("max_concurrent_connections", 12) with
        {
            More = $"access_log: {Name}\ndeny: [127.0.0.2]",
        };
        await using var bal = await BalInstance.Started(output, file, installed.Path);
        using var over = new CancellationTokenSource();
        var served = 0;
        var clients = Enumerable.Range(0, 16).Select(i => Task.Run(async () =>
        {
            for (var n = 0; !over.IsCancellationRequested; n++)
            {
                if (await Come(bal.Endpoint, denied: (i + n) % 3 == 0))
                    Interlocked.Increment(ref served);
            }
        })).ToArray();
        Task GoesOn()
        {
            var until = Volatile.Read(ref served) + 200;
            return Eventually.Holds("clients are served", () => Volatile.Read(ref served) > until);
        }

        await GoesOn();
        File.Move(Path.Combine(bal.Home, Name), Path.Combine(bal.Home, $"{Name}.1"));
        Posix.Signal(bal.Pid, Posix.Usr1);
        await GoesOn();
        await bal.Reload(file with { More = $"access_log: second-{Name}\ndeny: [127.0.0.2]" });
        await GoesOn();
        (await bal.Run("upgrade")).Succeeds();
        await GoesOn();
        await over.CancelAsync();
        await Task.WhenAll(clients);

        await bal.SeeStatus("every connection has ended", s => s.Previous.Length == 0 && s.Active == 0);
        var (status, ended) = (await bal.Status(), 0L);
        await Eventually.See("the account is closed", bal.Status, s =>
        {
            (status, ended) = (s, s.Root.GetProperty("terminations").EnumerateObject().Sum(e => e.Value.GetInt64()));
            return Account(s).Sum() == ended;
        });
        (await bal.Run("stop")).Succeeds();
        var lines = Lines(bal, $"{Name}.1", Name, $"second-{Name}");
        Assert.Equal(Account(status), new[] { lines.Count, lines.Sum(Suppressed), 0 });
        Assert.True(lines.Sum(Suppressed) > 0);
        Assert.Equal(
            status.Root.GetProperty("terminations").GetProperty("rejected_denied").GetInt64(),
            lines.Where(line => Text(line, "termination") == "rejected_denied").Sum(line => 1 + Suppressed(line)));
        Assert.All(
            lines.Where(line => Text(line, "termination") == "rejected_denied"),
            line => Assert.StartsWith("127.0.0.2:", Text(line, "client"), StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_kill_loses_no_line_of_a_connection_that_ended_a_second_before()
    {
        await using var backend = Serving.Echo();
        var file = BalFile.For(backend).WithRareProbes() with { More = $"access_log: {Name}" };
        await using var bal = await BalInstance.Started(output, file);
        var ended = new List<(string Client, long At)>();
        var clock = System.Diagnostics.Stopwatch.StartNew();
        // Two seconds of clients: those of the first one are to be found.
        while (clock.ElapsedMilliseconds < 2_000)
        {
            using (var client = await bal.Connect())
            {
                await client.Write("ping"u8.ToArray());
                await client.Read(4);
                ended.Add((client.LocalEndPoint!.ToString()!, clock.ElapsedMilliseconds));
            }
        }

        var pid = bal.Pid;
        var killed = clock.ElapsedMilliseconds;
        Posix.Signal(pid, Posix.Kill);
        await Eventually.Holds("it is gone", () => !ProcFs.IsAlive(pid));

        var logged = Lines(bal, Name).Select(line => Text(line, "client")).ToHashSet();
        var due = ended.Where(one => one.At < killed - 1_000).ToArray();
        Assert.NotEmpty(due);
        Assert.All(due, one => Assert.Contains(one.Client, logged));
    }

    [Fact]
    public async Task A_full_disk_is_said_costs_whole_lines_that_are_counted_and_is_over_when_there_is_room()
    {
        await using var backend = Serving.Echo();
        await using var bal = new BalInstance(
            output, BalFile.For(backend).WithRareProbes().With("threads", 1) with { More = "access_log: small/log" });
        var enter = Posix.IsRoot ? "unshare --mount" : "unshare --mount --user --map-root-user";
        await File.WriteAllTextAsync(Path.Combine(bal.Home, "scene"), $$"""
            set -eu
            some() { for i in $(seq "$1"); do exec 3<>/dev/tcp/127.0.0.1/{{bal.File.Port}}; exec 3>&-; done; }
            mkdir "$BAL_HOME/small"
            mount -t tmpfs -o size=256k,mode=0700 tmpfs "$BAL_HOME/small"
            "$BAL" start -d
            some 50
            cat /dev/zero >"$BAL_HOME/small/filler" 2>/dev/null || true
            some 300
            for i in $(seq 100); do "$BAL" status --exit-code >/dev/null || break; sleep 0.1; done
            "$BAL" status --exit-code || echo "level=$?"
            rm "$BAL_HOME/small/filler"
            for i in $(seq 300); do "$BAL" status --exit-code >/dev/null && break; sleep 0.1; done
            "$BAL" status --json
            "$BAL" stop
            cp "$BAL_HOME/small/log" "$BAL_HOME/{{Name}}"
            """);

        var scene = (await bal.Shell($"exec {enter} bash \"$BAL_HOME/scene\"")).Succeeds();

        Assert.Contains("level=1", scene.Out, StringComparison.Ordinal);
        Assert.Contains("No space left on device", scene.Out, StringComparison.Ordinal);
        Assert.Contains(bal.LogLines(), line => line.Contains("\"access_log_resumed\"", StringComparison.Ordinal));
        Assert.Single(
            bal.LogLines(), line => line.Contains("\"event\":\"access_log_failed\"", StringComparison.Ordinal));
        // What the disk did not take has waited, since it was less than a ring holds.
        Assert.Equal(350, Lines(bal, Name).Count);
    }

    [Fact]
    public async Task Standard_output_is_for_the_foreground()
    {
        await using var backend = Serving.Echo();
        var file = BalFile.For(backend).WithRareProbes();
        await using var bal = new BalInstance(output, file with { More = ToOutput });

        var refused = (await bal.Run("start", "-d")).FailsWith(1);
        Assert.Contains("which a daemon does not have", refused.Error, StringComparison.Ordinal);

        var foreground = await bal.Foreground();
        await bal.Exchange();
        await bal.SeeStatus("it has ended", s => s.Active == 0 && s.Connections == 1);
        (await bal.Run("stop")).Succeeds();
        var line = JsonDocument.Parse((await foreground.End()).Succeeds().Out).RootElement;
        Assert.Equal(4, line.GetProperty("bytes_out").GetInt64());

        bal.Write(file);
        (await bal.Run("start", "-d")).Succeeds();
        bal.Write(file with { More = ToOutput });
        Assert.Contains("which a daemon does not have", (await bal.Run("graceful")).FailsWith(1).Error,
            StringComparison.Ordinal);
        await bal.Exchange();
    }

    [Fact]
    public async Task Sessions_of_a_replaced_process_are_listed_and_reset_as_well()
    {
        await using var backend = Serving.Echo();
        using var installed = new InstalledBal();
        await using var bal = await BalInstance.Started(
            output, BalFile.For(backend).WithRareProbes(), installed.Path);
        using var older = await bal.Connect();
        await older.Write(new byte[100]);
        await older.Read(100);
        (await bal.Run("upgrade")).Succeeds();
        using var newer = await bal.Connect();
        await newer.Write(new byte[10]);
        await newer.Read(10);

        var listed = JsonDocument.Parse((await bal.Run("sessions", "--sort", "bytes", "--json")).Succeeds().Out)
            .RootElement;

        Assert.Equal(2, listed.GetProperty("total").GetInt32());
        Assert.Equal(
            [older.LocalEndPoint!.ToString(), newer.LocalEndPoint!.ToString()],
            listed.GetProperty("sessions").EnumerateArray().Select(s => Text(s, "client")));
        Assert.Equal(2, listed.GetProperty("sessions").EnumerateArray().Select(s => s.GetProperty("pid").GetInt32())
            .Distinct().Count());
        Assert.Contains("open: 2 (1 shown)", (await bal.Run("sessions", "--top", "1")).Succeeds().Out,
            StringComparison.Ordinal);

        Assert.Contains("10.0.0.0/8", (await bal.Run("sessions", "--reset", "10.1.0.0/8")).FailsWith(1).Out,
            StringComparison.Ordinal);
        Assert.Equal("reset: 2 connections\n", (await bal.Run("sessions", "--reset", "127.0.0.0/8")).Succeeds().Out);
        Assert.Equal(Ending.Reset, (await older.ReadToEnd()).Ending);
        Assert.Equal(Ending.Reset, (await newer.ReadToEnd()).Ending);
        var status = await bal.SeeStatus("the old process has ended", s => s.Previous.Length == 0);
        Assert.Equal(2, status.Root.GetProperty("terminations").GetProperty("sessions_reset").GetInt64());
        Assert.Contains(
            bal.LogLines(), line => line.Contains("\"action\":\"reset_sessions\"", StringComparison.Ordinal));
    }

    private static async Task<bool> Come(IPEndPoint to, bool denied)
    {
        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            client.Bind(new IPEndPoint(IPAddress.Parse(denied ? "127.0.0.2" : "127.0.0.1"), 0));
            await client.ConnectAsync(to).WaitAsync(Eventually.Patience);
            await client.Write("ping"u8.ToArray());
            await client.Read(4);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static long[] Account(Status status)
    {
        var log = status.Root.GetProperty("access_log");
        return [.. new[] { "lines", "suppressed", "dropped" }.Select(name => log.GetProperty(name).GetInt64())];
    }

    private static List<JsonElement> Lines(BalInstance bal, params string[] names) => [.. names
        .Select(name => Path.Combine(bal.Home, name)).Where(File.Exists)
        .SelectMany(File.ReadAllLines)
        .Select(line => JsonDocument.Parse(line).RootElement)];

    private static string Text(JsonElement line, string name) => line.GetProperty(name).GetString()!;

    private static long Suppressed(JsonElement line) =>
        line.TryGetProperty("suppressed", out var count) ? count.GetInt64() : 0;
}
