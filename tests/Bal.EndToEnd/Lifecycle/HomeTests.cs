namespace Bal.EndToEnd.Lifecycle;

/// <summary>
/// A home that is read-only, full, or taken away. Read-only and full ones are file systems of their own in a mount
/// namespace: as root by unshare -m, else with a user namespace; where the kernel allows neither, these tests fail.
/// </summary>
public sealed class HomeTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("-d")]
    [InlineData("")]
    public async Task A_read_only_home_is_an_error_that_says_so(string daemon)
    {
        await using var backend = Serving.Echo();
        await using var bal = new BalInstance(output, BalFile.For(backend));

        var start = (await Inside(bal, "ro", $"exec \"$BAL\" start {daemon}")).FailsWith(1);

        Assert.Contains("what_happened:", start.Error, StringComparison.Ordinal);
        Assert.Contains("do_this_now:", start.Error, StringComparison.Ordinal);
        Assert.Contains("read-only", start.Error, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("\"event\":\"started\"", start.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_full_home_is_an_error_that_says_so()
    {
        await using var backend = Serving.Echo();
        await using var bal = new BalInstance(output, BalFile.For(backend));

        // Not one page is left for the PID file.
        var start = (await Inside(bal, "size=8k",
            "cat /dev/zero >\"$BAL_HOME/filler\" 2>/dev/null; exec \"$BAL\" start -d")).FailsWith(1);

        Assert.Contains("what_happened:", start.Error, StringComparison.Ordinal);
        Assert.Contains("No space left", start.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("\"event\":\"started\"", start.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_home_that_fills_up_while_bal_runs_costs_log_lines_and_nothing_else()
    {
        await using var backend = Serving.Echo();
        await using var bal = new BalInstance(output, BalFile.For(backend));
        // Reloads, connections and a stop, with the log unable to grow.
        var run = (await Inside(bal, "size=64k", $"""
            "$BAL" start -d &&
            (cat /dev/zero >"$BAL_HOME/filler" 2>/dev/null; true) &&
            for i in 1 2 3 4 5 6 7 8 9 10; do
              "$BAL" graceful >/dev/null &&
              exec 3<>/dev/tcp/127.0.0.1/{bal.File.Port} && echo ping >&3 && read -r -t 10 answer <&3 &&
              [[ $answer == ping ]] &&
              exec 3>&- || exit 9
            done
            "$BAL" status --json && "$BAL" stop >/dev/null
            """)).Succeeds();
        Assert.Equal(11, new Status(run.Out[run.Out.IndexOf('{')..]).ConfigVersion);
    }

    [Fact]
    public async Task A_home_that_is_removed_while_bal_runs_takes_nothing_from_its_clients()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));
        var pid = bal.Pid;
        using var open = await bal.Connect();
        await open.Write(new byte[1]);
        await open.Read(1);

        Directory.Delete(bal.Home, recursive: true);
        try
        {
            for (var i = 0; i < 20; i++)
                await bal.Exchange();
            Posix.Signal(pid, Posix.Usr1);
            Posix.Signal(pid, Posix.HangUp);
            await bal.Exchange();
            Assert.Contains("not running", (await bal.Run("status")).Succeeds().Out, StringComparison.Ordinal);
            // Who makes the home again and starts a second one is told who holds the port.
            Directory.CreateDirectory(bal.Home);
            bal.Write(bal.File);
            var second = (await bal.Run("start", "-d")).FailsWith(1);
            Assert.Contains($"pid={pid}", second.Error, StringComparison.Ordinal);
            await open.Write(new byte[1]);
            await open.Read(1);

            Posix.Signal(pid, Posix.Terminate);
            open.Shutdown(SocketShutdown.Send);
            Assert.Equal(Ending.Fin, (await open.ReadToEnd()).Ending);
            await Eventually.Holds("it has ended", () => !ProcFs.IsAlive(pid));
        }
        finally
        {
            Directory.CreateDirectory(bal.Home);
        }
    }

    // The home is a file system of its own, made as the options say, with the configuration in it.
    private static Task<Finished> Inside(BalInstance bal, string options, string command)
    {
        var unshare = Posix.IsRoot ? "unshare -m" : "unshare -rm";
        var readOnly = options == "ro";
        var script = $"""
            cp "$BAL_HOME/config.yaml" "$BAL_HOME.yaml"
            mount -t tmpfs -o {(readOnly ? "mode=0700" : options + ",mode=0700")} tmpfs "$BAL_HOME" || exit 99
            cp "$BAL_HOME.yaml" "$BAL_HOME/config.yaml"; rm "$BAL_HOME.yaml"
            {(readOnly ? "mount -o remount,ro \"$BAL_HOME\" || exit 99" : "")}
            {command}
            """;
        return bal.Shell($"exec {unshare} bash -s <<'SCRIPT'\n{script}\nSCRIPT\n");
    }
}
