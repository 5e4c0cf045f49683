using System.Text;
using Bal.EndToEnd.Upgrading;

namespace Bal.EndToEnd.Operating;

/// <summary>What operators have ordered outlives reloads, upgrades, restarts and crashes.</summary>
public sealed class KeptTests(ITestOutputHelper output)
{
    [Fact]
    public async Task It_survives_reload_upgrade_restart_and_crash_and_ends_where_the_file_removes_the_backend()
    {
        await using var one = Serving.Echo();
        await using var two = Serving.Echo();
        await using var three = Serving.Echo();
        using var installed = new InstalledBal();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(one, two, three), installed.Path);
        (await bal.Run("drain", one.Address)).Succeeds();
        (await bal.Run("weight", two.Address, "7")).Succeeds();
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(bal.FilePath()));

        await bal.Reload(bal.File.With("health_check_interval_ms", 900));
        await Holds("after a reload");
        installed.Renew();
        (await bal.Run("upgrade")).Succeeds();
        await Holds("after an upgrade");
        (await bal.Run("stop")).Succeeds();
        (await bal.Run("start", "-d")).Succeeds();
        await Holds("after a restart");
        await bal.CrashAndStart();
        await Holds("after a crash");

        await bal.Reload(bal.File with { Backends = [two.Address, three.Address] });
        await bal.Reload(bal.File with { Backends = [one.Address, two.Address, three.Address] });
        var status = await bal.Status();
        Assert.Equal(Orders.Held.Nothing, status.OrderedOf(one.Address));
        Assert.Equal(new Orders.Held(false, 7), status.OrderedOf(two.Address));
        await bal.CrashAndStart();
        Assert.Equal(Orders.Held.Nothing, (await bal.Status()).OrderedOf(one.Address));

        async Task Holds(string when)
        {
            var seen = await bal.Status();
            Assert.True(
                new Orders.Held(true, null) == seen.OrderedOf(one.Address)
                && new Orders.Held(false, 7) == seen.OrderedOf(two.Address), $"{when}: {seen}");
            var before = seen.Of(one.Address).Total;
            for (var i = 0; i < 3; i++)
                await bal.Exchange();
            Assert.Equal(before, (await bal.Status()).Of(one.Address).Total);
        }
    }

    [Fact]
    public async Task A_reset_reaches_the_connections_of_a_process_that_was_replaced()
    {
        await using var one = Serving.Named("1");
        await using var two = Serving.Named("2");
        using var installed = new InstalledBal();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(one, two), installed.Path);
        using var first = await bal.Connect();
        using var second = await bal.Connect();
        var name = (await first.Read(1))[0];
        await second.Read(1);
        installed.Renew();
        (await bal.Run("upgrade")).Succeeds();
        var (drained, kept) = name == (byte)'1' ? (first, second) : (second, first);

        var wait = (await bal.Run("drain", one.Address, "--wait", "--timeout", "1", "--reset")).Succeeds();

        Assert.Contains("has no connections left", wait.Out, StringComparison.Ordinal);
        Assert.Equal(Ending.Reset, (await drained.ReadToEnd()).Ending);
        await kept.Write("x"u8.ToArray());
        Assert.Equal("x"u8.ToArray(), await kept.Read(1));
    }

    [Fact]
    public async Task A_kill_at_any_moment_loses_nothing_that_was_acknowledged()
    {
        await using var one = Serving.Echo();
        await using var two = Serving.Echo();
        await using var bal = await BalInstance.Started(output, BalFile.For(one, two).WithRareProbes());
        var expected = Orders.Held.Nothing;
        var acknowledged = 0;
        for (var round = 0; round < 20; round++)
        {
            var pid = bal.Pid;
            // Killed while orders go on after some have been answered, each time a little later in the course of one.
            var some = acknowledged + 1 + round % 3;
            var killer = Task.Run(async () =>
            {
                await Eventually.Holds("orders are answered", () => Volatile.Read(ref acknowledged) >= some);
                var until = System.Diagnostics.Stopwatch.GetTimestamp()
                    + round * System.Diagnostics.Stopwatch.Frequency / 5_000;
                while (System.Diagnostics.Stopwatch.GetTimestamp() < until)
                    Thread.SpinWait(10);
                Posix.KillIfThere(pid);
            });
            Orders.Held? next = null;
            for (var i = 0; ; i++)
            {
                var (request, wanted) = ((i + round) % 4) switch
                {
                    0 => ($"drain {one.Address}", expected with { Drained = true }),
                    1 => ($"weight {one.Address} {i % 200 + 2}", expected with { Weight = i % 200 + 2 }),
                    2 => ($"enable {one.Address}", Orders.Held.Nothing),
                    _ => ($"weight {one.Address} {i % 200 + 3}", expected with { Weight = i % 200 + 3 }),
                };
                next = wanted;
                if (await bal.Order(request) is not { } answer)
                    break;
                Assert.True(answer.GetProperty("done").GetBoolean(), $"{answer}");
                Assert.True(answer.GetProperty("kept").GetBoolean(), $"{answer}");
                expected = wanted;
                Interlocked.Increment(ref acknowledged);
            }

            await killer;
            await Eventually.Holds($"process {pid} is gone", () => !ProcFs.IsAlive(pid));
            (await bal.Run("start", "-d")).Succeeds();
            var found = (await bal.Status()).OrderedOf(one.Address);
            Assert.True(found == expected || found == next, $"{found}, neither {expected} nor {next}");
            Assert.False(File.Exists(bal.FilePath() + ".new") || File.Exists(bal.FilePath() + ".bad"));
            expected = found;
        }

        output.WriteLine($"{acknowledged} orders were acknowledged");
    }

    [Fact]
    public async Task Two_operators_at_once_leave_what_one_of_them_ordered_last()
    {
        await using var one = Serving.Echo();
        await using var two = Serving.Echo();
        await using var three = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(one, two, three));
        var orders = Enumerable.Range(0, 60).Select(i => (i % 3) switch
        {
            0 => $"drain {one.Address}",
            1 => $"enable {one.Address}",
            _ => $"weight {two.Address} {i}",
        }).ToArray();

        var answers = await Task.WhenAll(Enumerable.Range(0, 2).Select(async operatorNumber =>
        {
            var all = new List<System.Text.Json.JsonElement>();
            foreach (var order in orders.Skip(operatorNumber))
                all.Add((await bal.Order(order))!.Value);
            return all;
        }));

        Assert.All(answers.SelectMany(a => a), answer => Assert.True(
            answer.GetProperty("done").GetBoolean() && answer.GetProperty("kept").GetBoolean(), $"{answer}"));
        var status = await bal.Status();
        Assert.Equal(new Orders.Held(false, 59), status.OrderedOf(two.Address));
        await bal.CrashAndStart();
        var after = await bal.Status();
        Assert.Equal(status.OrderedOf(one.Address), after.OrderedOf(one.Address));
        Assert.Equal(status.OrderedOf(two.Address), after.OrderedOf(two.Address));
    }

    [Theory]
    [InlineData("garbage")]
    [InlineData("empty")]
    [InlineData("flipped")]
    [InlineData("symlink")]
    [InlineData("directory")]
    [InlineData("fifo")]
    [InlineData("huge")]
    public async Task A_file_that_cannot_be_read_is_put_aside_and_missed_until_all_are_enabled(string how)
    {
        await using var one = Serving.Echo();
        await using var two = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(one, two));
        (await bal.Run("drain", one.Address)).Succeeds();
        (await bal.Run("stop")).Succeeds();
        await Damage(bal.FilePath(), how);

        (await bal.Run("start", "-d")).Succeeds();

        Assert.Equal(Orders.Held.Nothing, (await bal.Status()).OrderedOf(one.Address));
        var bad = new FileInfo(bal.FilePath() + ".bad");
        Assert.True(Path.Exists(bad.FullName) || bad.LinkTarget is not null);
        (await bal.Run("status", "--exit-code")).FailsWith(1);
        Assert.Contains("overrides.json could not be read", (await bal.Run("status")).Out, StringComparison.Ordinal);
        await bal.CrashAndStart();
        (await bal.Run("status", "--exit-code")).FailsWith(1);

        (await bal.Run("enable", "--all")).Succeeds();

        (await bal.Run("status", "--exit-code")).Succeeds();
        await bal.CrashAndStart();
        (await bal.Run("status", "--exit-code")).Succeeds();
    }

    [Fact]
    public async Task On_a_full_disk_orders_are_carried_out_and_said_not_to_be_kept_until_there_is_room()
    {
        await using var one = Serving.Echo();
        await using var two = Serving.Echo();
        await using var bal = new BalInstance(output, BalFile.For(one, two));
        var enter = Posix.IsRoot ? "unshare -m" : "unshare -rm";
        var script = $$"""
            cp "$BAL_HOME/config.yaml" "$BAL_HOME.yaml"
            mount -t tmpfs -o size=64k,mode=0700 tmpfs "$BAL_HOME" || exit 99
            cp "$BAL_HOME.yaml" "$BAL_HOME/config.yaml"; rm "$BAL_HOME.yaml"
            "$BAL" start -d || exit 98
            (cat /dev/zero >"$BAL_HOME/filler" 2>/dev/null; true)
            "$BAL" drain {{one.Address}} || exit 97
            "$BAL" status --exit-code; echo "level=$?"
            "$BAL" status --json
            rm "$BAL_HOME/filler"
            for i in $(seq 100); do "$BAL" status --exit-code >/dev/null && break; sleep 0.1; done
            "$BAL" status --exit-code >/dev/null; echo "level=$?"
            grep -c '"drained":true' "$BAL_HOME/overrides.json"
            "$BAL" stop >/dev/null
            """;

        var run = (await bal.Shell($"exec {enter} bash -s <<'SCRIPT'\n{script}\nSCRIPT\n")).Succeeds();

        Assert.Contains("after: drained", run.Out, StringComparison.Ordinal);
        Assert.Contains("kept: no (", run.Out, StringComparison.Ordinal);
        Assert.Contains("No space left", run.Out, StringComparison.Ordinal);
        Assert.Contains("level=1", run.Out, StringComparison.Ordinal);
        Assert.Contains("\"action\": \"drain\"", run.Out, StringComparison.Ordinal);
        Assert.EndsWith("level=0\n1\n", run.Out, StringComparison.Ordinal);
    }

    private static async Task Damage(string path, string how)
    {
        var bytes = await File.ReadAllBytesAsync(path);
        File.Delete(path);
        switch (how)
        {
            case "garbage":
                await File.WriteAllTextAsync(path, "none of this is JSON\n");
                break;
            case "empty":
                await File.WriteAllTextAsync(path, "");
                break;
            case "flipped":
                await File.WriteAllTextAsync(
                    path, Encoding.UTF8.GetString(bytes).Replace("true", "TRUE", StringComparison.Ordinal));
                break;
            case "symlink":
                await File.WriteAllBytesAsync(path + ".elsewhere", bytes);
                File.CreateSymbolicLink(path, path + ".elsewhere");
                break;
            case "directory":
                Directory.CreateDirectory(path);
                break;
            case "fifo":
                (await Command.Run("mkfifo", path)).Succeeds();
                break;
            default:
                await using (var file = File.Create(path))
                    file.SetLength(5_000_000_000);
                break;
        }
    }
}
