namespace Bal.EndToEnd.Upgrading;

/// <summary>After an upgrade, while the old process still has connections.</summary>
public sealed class AfterwardsTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_stop_ends_the_old_process_as_well_and_returns_when_both_are_gone()
    {
        await using var scene = await Scene.Upgraded(output);
        var stopping = scene.Bal.Run("stop");
        await Eventually.Holds("the old process drains within its bound", () =>
            scene.Bal.LogLines().Any(l => l.Contains("this process has been replaced; its", StringComparison.Ordinal)));
        Assert.True(ProcFs.IsAlive(scene.Old));

        await scene.Talk();
        scene.Open.Dispose();

        (await stopping).Succeeds();
        await Eventually.Holds("both are gone", () => ProcFs.WithVariable("BAL_HOME", scene.Bal.Home).Count == 0);
        Assert.Equal(["bal.log", "config.yaml"],
            Directory.GetFiles(scene.Bal.Home).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task The_end_of_the_new_process_does_not_hurt_the_old_one_and_a_start_finds_everything_free()
    {
        await using var scene = await Scene.Upgraded(output);
        var killed = scene.Bal.Pid;
        Posix.Signal(killed, Posix.Kill);
        await Eventually.Holds("it is gone", () => !ProcFs.IsAlive(killed));
        await scene.Talk();

        (await scene.Bal.Run("start", "-d")).Succeeds();

        await scene.Bal.Exchange();
        await scene.Talk();
        Assert.True(ProcFs.IsAlive(scene.Old));
    }

    [Fact]
    public async Task The_end_of_the_old_process_does_not_hurt_the_new_one()
    {
        await using var scene = await Scene.Upgraded(output);
        Posix.Signal(scene.Old, Posix.Kill);
        await scene.Open.ReadToEnd();

        var status = await scene.Bal.SeeStatus("it is no longer listed", s => s.Previous.Length == 0);

        Assert.Equal(0, status.Active);
        await scene.Bal.Exchange();
    }

    [Fact]
    public async Task TERM_to_the_old_process_ends_that_one_alone()
    {
        await using var scene = await Scene.Upgraded(output);
        Posix.Signal(scene.Old, Posix.Terminate);
        await scene.Talk();
        // The same signal twice before it is heard is one signal.
        await Eventually.Holds("the first is heard", () =>
            scene.Bal.LogLines().Any(l => l.Contains("this process has been replaced; its", StringComparison.Ordinal)));
        Posix.Signal(scene.Old, Posix.Terminate);
        await Eventually.Holds("it has ended", () => !ProcFs.IsAlive(scene.Old));
        await scene.Bal.Exchange();
    }

    [Fact]
    public async Task USR1_opens_the_log_again_in_both_processes()
    {
        await using var scene = await Scene.Upgraded(output);
        var rotated = scene.Bal.LogPath + ".1";
        File.Move(scene.Bal.LogPath, rotated);
        Posix.Signal(scene.Bal.Pid, Posix.Usr1);
        await Eventually.Holds("the log file is there again", () => File.Exists(scene.Bal.LogPath));

        scene.Open.Dispose();

        await Eventually.Holds("the old process ends in the new file", () =>
            scene.Bal.LogLines().Any(l => l.Contains("every connection has ended", StringComparison.Ordinal)));
        File.Delete(rotated);
    }

    [Fact]
    public async Task Of_a_home_that_is_removed_only_the_new_process_speaks_and_its_files_come_back()
    {
        await using var backend = Serving.Echo();
        using var installed = new InstalledBal();
        await using var bal = new BalInstance(output, BalFile.For(backend)) { Program = installed.Path };
        // Both log to the same standard error, which does not go away with the home.
        var said = Path.GetTempFileName();
        _ = bal.ShellInBackground($"exec \"$BAL\" start 2>'{said}'");
        await Eventually.Holds("it serves", () => File.Exists(bal.PidPath) && new FileInfo(bal.PidPath).Length > 1);
        var old = bal.Pid;
        using var open = await bal.Connect();
        await open.Write(new byte[1]);
        await open.Read(1);
        (await bal.Run("upgrade")).Succeeds();
        var pid = bal.Pid;

        Directory.Delete(bal.Home, recursive: true);
        await Eventually.Holds("it is said", () => Lines("home_removed").Length > 0);
        Directory.CreateDirectory(bal.Home, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        bal.Write(bal.File);
        await bal.SeeStatus("the new process is found again", s => s.Running && s.Pid == pid);
        Assert.Equal(pid, bal.Pid);
        await open.Write(new byte[1]);
        await open.Read(1);
        open.Dispose();
        await Eventually.Holds("the old process has ended", () => !ProcFs.IsAlive(old));

        Assert.Contains($"kill -TERM {pid}'", Assert.Single(Lines("home_removed")), StringComparison.Ordinal);
        Assert.Single(Lines("home_restored"));
        // Its end has taken nothing away.
        Assert.Equal(pid, (await bal.Status()).Pid);
        (await bal.Run("stop")).Succeeds();
        File.Delete(said);

        string[] Lines(string name) => [.. File.ReadAllLines(said)
            .Where(l => l.Contains($"\"event\":\"{name}\"", StringComparison.Ordinal))];
    }

    [Fact]
    public async Task The_next_upgrade_takes_all_earlier_processes_along()
    {
        await using var scene = await Scene.Upgraded(output);
        using var second = await scene.Bal.Connect();
        await second.Write(new byte[1]);
        await second.Read(1);
        var middle = scene.Bal.Pid;

        (await scene.Bal.Run("upgrade")).Succeeds();

        var status = await scene.Bal.SeeStatus("both are listed", s => s.Previous.Length == 2);
        Assert.Equal([(scene.Old, 1L), (middle, 1L)], status.Previous);
        Assert.Equal((2L, 2L, 2L), (status.Active, status.Connections, status.Backends[0].BytesIn));
        await scene.Talk();
        scene.Open.Dispose();
        await scene.Bal.SeeStatus("the eldest has ended", s => s.Previous.SequenceEqual([(middle, 1L)]));
        Assert.Equal(3, (await scene.Bal.Status()).Backends[0].BytesIn);
    }

    [Fact]
    public async Task Nothing_of_a_process_that_has_ended_stays_open_or_mapped()
    {
        await using var backend = Serving.Echo();
        using var installed = new InstalledBal();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend), installed.Path);
        for (var i = 0; i < 3; i++)
        {
            using (var open = await bal.Connect())
            {
                await open.Write(new byte[1]);
                await open.Read(1);
                (await bal.Run("upgrade")).Succeeds();
            }

            await bal.SeeStatus("the old process has ended", s => s.Previous.Length == 0);
        }

        var pid = bal.Pid;
        await Eventually.See("only its own memory is left", () => (
            ProcFs.Descriptors(pid, "/memfd:"),
            File.ReadLines($"/proc/{pid}/maps").Count(l => l.Contains("/memfd:bal-open", StringComparison.Ordinal))),
            seen => seen == (1, 1));
    }

    [Fact]
    public async Task HUP_to_a_replaced_process_reloads_the_one_that_serves()
    {
        await using var scene = await Scene.Upgraded(output);
        var version = (await scene.Bal.Status()).ConfigVersion;

        Posix.Signal(scene.Old, Posix.HangUp);

        await scene.Bal.SeeStatus("it is applied", s => s.ConfigVersion == version + 1);
        Assert.Contains(scene.Bal.LogLines(), l => l.Contains("reload_passed_on", StringComparison.Ordinal));
        await scene.Talk();
    }

    [Fact]
    public async Task A_replaced_process_cannot_be_upgraded_or_reloaded_and_says_so_in_the_log()
    {
        await using var scene = await Scene.Upgraded(output);
        Posix.Signal(scene.Old, Posix.Usr2);
        await Eventually.Holds("it is refused", () =>
            scene.Bal.LogLines().Any(l => l.Contains("replaced_already", StringComparison.Ordinal)));
        await scene.Talk();
    }
}
