namespace Bal.EndToEnd.Surroundings;

/// <summary>
/// Without /proc, /dev/null or /dev/urandom, as in a bare chroot, and at limits on threads and memory: bal works, or
/// names the limit; it never calls itself broken for what the machine does not give.
/// </summary>
public sealed class BareMachineTests(ITestOutputHelper output)
{
    // One that no other test uses: the limit counts all that the user has.
    private const int User = 63_500;

    [Theory]
    [InlineData("start")]
    [InlineData("start -d")]
    [InlineData("doctor")]
    public async Task A_limit_on_threads_is_named_and_is_no_defect_of_bal(string words)
    {
        await using var backend = Serving.Echo();
        await using var bal = new BalInstance(output, BalFile.For(backend));
        var named = 0;
        for (var most = 2; most <= 5; most++)
        {
            // A foreground bal that has found enough is ended by timeout(1), which is no failure.
            var end = await bal.Shell($"""
                chown -R {User + most} "$BAL_HOME"
                run() {"{"} timeout 3 setpriv --reuid {User + most} --regid {User + most} --clear-groups \
                  prlimit --nproc={most} "$BAL" "$@"; {"}"}
                run {words}
                code=$?
                [[ -f $BAL_HOME/bal.pid ]] && kill -TERM "$(cat "$BAL_HOME/bal.pid")" 2>/dev/null
                exit $code
                """);
            var said = end.Out + end.Error;
            Assert.DoesNotContain("fault of its own", said, StringComparison.Ordinal);
            Assert.DoesNotContain("defect", said, StringComparison.Ordinal);
            Assert.DoesNotContain("   at ", said, StringComparison.Ordinal);
            Assert.Contains(end.ExitCode, (int[])[0, 1, 124]);
            if (said.Contains("ulimit -u", StringComparison.Ordinal))
                named++;
        }

        Assert.True(words == "doctor" || named > 0, "no limit was too low");
    }

    [Fact]
    public async Task Without_proc_doctor_judges_as_start_does()
    {
        await using var backend = Serving.Echo();
        await using var bal = new BalInstance(output, BalFile.For(backend));

        (await Inside(bal, """
            umount -l /proc || exit 99
            "$BAL" doctor || exit 98
            "$BAL" start -d 2>/dev/null || exit 97
            "$BAL" status | grep -q "daemon: running" || exit 96
            "$BAL" stop 2>/dev/null || exit 95
            """)).Succeeds();
    }

    [Fact]
    public async Task Without_dev_null_a_daemon_starts_and_blocks_on_no_stream()
    {
        await using var backend = Serving.Echo();
        await using var bal = new BalInstance(output, BalFile.For(backend));

        (await Inside(bal, """
            exec 9>/dev/null
            mount -t tmpfs tmpfs /dev || exit 99
            "$BAL" start -d || exit 98
            "$BAL" status || exit 97
            "$BAL" stop || exit 96
            """)).Succeeds();
    }

    [Fact]
    public async Task Without_dev_urandom_the_log_is_written_all_the_same()
    {
        await using var backend = Serving.Echo();
        await using var bal = new BalInstance(output, BalFile.For(backend));

        (await Inside(bal, """
            mkdir "$BAL_HOME/dev" && mount -t tmpfs tmpfs "$BAL_HOME/dev" && touch "$BAL_HOME/dev/null" || exit 99
            mount --bind /dev/null "$BAL_HOME/dev/null" && mount --move "$BAL_HOME/dev" /dev || exit 99
            "$BAL" start -d 2>"$BAL_HOME/said" || exit 98
            "$BAL" stop 2>/dev/null || exit 97
            """)).Succeeds();

        Assert.Contains("\"event\":\"started\"", File.ReadAllText(Path.Combine(bal.Home, "said")),
            StringComparison.Ordinal);
        Assert.Contains(bal.LogLines(), line => line.Contains("\"event\":\"stopped\"", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("root-owned and open to all", "0777")]
    [InlineData("root-owned with a sticky bit", "1777")]
    public async Task A_volume_of_somebody_else_is_used_by_a_directory_in_it(string what, string mode)
    {
        await using var backend = Serving.Echo();
        await using var bal = new BalInstance(output, BalFile.For(backend));
        var volume = Directory.CreateTempSubdirectory("bal-volume-").FullName;
        try
        {
            var run = await bal.Shell($"""
                chmod {mode} {volume}; chmod 755 "$BAL_HOME"; chmod 644 "$BAL_HOME/config.yaml"
                export BAL_CONFIG="$BAL_HOME/config.yaml" HOME=/
                as() {"{"} setpriv --reuid {User} --regid {User} --clear-groups "$@"; {"}"}
                BAL_HOME={volume} as "$BAL" start -d; BAL_HOME={volume} as "$BAL" doctor
                BAL_HOME={volume}/bal as "$BAL" start -d && BAL_HOME={volume}/bal as "$BAL" stop
                """);
            Assert.True(run.ExitCode == 0, $"{what}: {run}");
            Assert.Contains($"BAL_HOME={volume}/bal", run.Error, StringComparison.Ordinal);
            Assert.Contains($"BAL_HOME={volume}/bal", run.Out, StringComparison.Ordinal);
            Assert.DoesNotContain("chmod", run.Out + run.Error, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(volume, recursive: true);
        }
    }

    private static Task<Finished> Inside(BalInstance bal, string script) =>
        bal.Shell($"exec {(Posix.IsRoot ? "unshare -m" : "unshare -rm")} bash -s <<'SCRIPT'\n{script}\nSCRIPT\n");
}
