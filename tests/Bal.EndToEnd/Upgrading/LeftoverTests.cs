namespace Bal.EndToEnd.Upgrading;

/// <summary>
/// A replaced process goes on with its connections when the new one is killed. Nobody speaks for it any more, and still
/// every command knows of it.
/// </summary>
public sealed class LeftoverTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Where_no_bal_runs_status_names_it_and_a_stop_ends_it()
    {
        await using var scene = await Scene.Killed(output);

        var status = (await scene.Bal.Run("status")).Succeeds().Out;
        Assert.Contains("daemon: not running", status, StringComparison.Ordinal);
        Assert.Contains($"draining: process pid={scene.Old}, left by", status, StringComparison.Ordinal);
        Assert.Contains($"kill -TERM {scene.Old}", status, StringComparison.Ordinal);
        await IsLeft(scene.Bal, scene.Old);
        await scene.Talk();

        var stopping = scene.Bal.Run("stop");
        await Eventually.Holds("it drains within its bound", () =>
            scene.Bal.LogLines().Any(l => l.Contains("this process has been replaced; its", StringComparison.Ordinal)));
        // A stop, and a second one that finds it stopping, cut nothing.
        await scene.Talk();
        var second = scene.Bal.Run("stop");
        await scene.Talk();
        Assert.False(stopping.IsCompleted);
        scene.Open.Dispose();

        var said = (await stopping).Succeeds().Out;
        Assert.Contains("daemon: not running", said, StringComparison.Ordinal);
        Assert.Contains($"draining: stopped (pid={scene.Old})", said, StringComparison.Ordinal);
        Assert.False(ProcFs.IsAlive(scene.Old));
        _ = await second;
        Assert.Contains("not running", (await scene.Bal.Run("stop")).FailsWith(1).Error, StringComparison.Ordinal);
        Assert.Empty(LeftIn(await scene.Bal.Status()));
    }

    [Fact]
    public async Task The_next_bal_names_it_in_log_and_status_and_its_stop_ends_both()
    {
        await using var scene = await Scene.Killed(output);
        (await scene.Bal.Run("start", "-d")).Succeeds();
        await scene.Talk();

        await Eventually.Holds("the log names it", () => scene.Bal.LogLines().Any(l =>
            l.Contains("leftover_processes", StringComparison.Ordinal)
            && l.Contains($"\"pids\":\"{scene.Old}\"", StringComparison.Ordinal)));
        await IsLeft(scene.Bal, scene.Old);
        var status = (await scene.Bal.Run("status", "--exit-code")).FailsWith(1).Out;
        Assert.Contains($"open connections: pid={scene.Old}", status, StringComparison.Ordinal);
        // A later upgrade changes nothing of that: neither the old nor the new one has a link to it.
        (await scene.Bal.Run("upgrade")).Succeeds();
        await IsLeft(scene.Bal, scene.Old);
        await scene.Talk();

        var pid = scene.Bal.Pid;
        var said = (await scene.Bal.Run("stop", "--timeout", "0")).Succeeds().Out;
        Assert.Contains($"daemon: stopped (pid={pid})", said, StringComparison.Ordinal);
        Assert.Contains($"draining: stopped (pid={scene.Old})", said, StringComparison.Ordinal);
        await scene.Open.ReadToEnd();
        Assert.Empty(ProcFs.WithVariable("BAL_HOME", scene.Bal.Home));
        Assert.Equal(["bal.log", "config.yaml"],
            Directory.GetFiles(scene.Bal.Home).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Of_several_each_is_named_and_ended_and_files_that_are_removed_hide_none()
    {
        await using var scene = await Scene.Upgraded(output);
        using var second = await scene.Bal.Connect();
        await second.Write(new byte[1]);
        await second.Read(1);
        var middle = scene.Bal.Pid;
        (await scene.Bal.Run("upgrade")).Succeeds();
        await scene.Kill();
        foreach (var file in new[] { scene.Bal.PidPath, scene.Bal.SocketPath })
            File.Delete(file);
        // What opens and closes files in the home does not let go of the mark.
        Posix.Signal(middle, Posix.Usr1);
        await scene.Talk();

        var left = LeftIn(await scene.Bal.Status());
        Assert.Equal(new[] { scene.Old, middle }.Order(), left);
        Posix.Signal(scene.Old, Posix.Stop);
        var stop = (await scene.Bal.Run("stop", "--timeout", "0")).FailsWith(1);
        Assert.Contains($"kill -KILL {scene.Old}'", stop.Error, StringComparison.Ordinal);
        Assert.False(ProcFs.IsAlive(middle));
        Assert.True(ProcFs.IsAlive(scene.Old));
    }

    private static async Task IsLeft(BalInstance bal, int pid) =>
        Assert.Equal(pid, Assert.Single(LeftIn(await bal.Status())));

    private static int[] LeftIn(Status status) =>
        [.. status.Root.GetProperty("leftover_processes").EnumerateArray().Select(p => p.GetInt32())];
}
