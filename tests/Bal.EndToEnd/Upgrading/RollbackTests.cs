namespace Bal.EndToEnd.Upgrading;

/// <summary>
/// A new binary that fails at any point of the upgrade leaves the old one serving, as if nothing had been.
/// </summary>
public sealed class RollbackTests(ITestOutputHelper output)
{
    // Descriptor 3 is the link: each write is a message, and each read takes one.
    private const string Receive = "dd bs=4096 count=1 <&3 >/dev/null 2>&1\n";

    [Theory]
    [InlineData("exits", "#!/bin/sh\nexit 7\n", "upgrade_died", "exit code 7")]
    [InlineData("no program", "nothing that could be run", "upgrade_not_started", "could not be started")]
    [InlineData("hangs", "#!/bin/sh\nexec sleep 1000\n", "upgrade_too_slow", "not ready in time")]
    [InlineData("talks nonsense and goes", "#!/bin/sh\nprintf 'hello\\nyou' >&3\nexit 0\n", "upgrade_died",
        "exit code 0")]
    [InlineData("ends once it is told to serve",
        "#!/bin/sh\nprintf ready >&3\n" + Receive + Receive + Receive + "exit 9\n", "upgrade_died", "exit code 9")]
    [InlineData("ends after it has said that it serves",
        "#!/bin/sh\nprintf ready >&3\n" + Receive + Receive + Receive + "printf serves >&3\n" + Receive
            + "kill -9 $$\n",
        "upgrade_died", "killed by signal 9")]
    public async Task A_binary_that(string does, string script, string code, string says)
    {
        await using var backend = Serving.Echo();
        using var installed = new InstalledBal();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend), installed.Path);
        await using var load = new Load(bal, coming: 3, staying: 1);
        await load.GoesOn();
        var pid = bal.Pid;
        installed.Replace(script);

        var failed = (await bal.Run("upgrade", "--timeout", does == "hangs" ? "2" : "20")).FailsWith(1);

        Assert.Contains($"upgraded: no\ndaemon: running (pid={pid})\n", failed.Out, StringComparison.Ordinal);
        Assert.Contains(says, failed.Error, StringComparison.Ordinal);
        Assert.Equal(3, failed.Error.TrimEnd('\n').Split('\n').Length);
        // The log is written by a thread of its own.
        await Eventually.Holds("it is logged", () => bal.LogLines().Any(l =>
            l.Contains("upgrade_failed", StringComparison.Ordinal) && l.Contains(code, StringComparison.Ordinal)));
        Assert.Equal(pid, bal.Pid);
        Assert.Equal(pid, (await bal.Status()).Pid);
        await load.GoesOn();

        // What failed once can be tried again.
        installed.Renew();
        Assert.Contains("already running", (await bal.Run("start", "-d")).FailsWith(1).Error, StringComparison.Ordinal);
        (await bal.Run("upgrade")).Succeeds();
        await load.GoesOn();
        await load.End();
        Assert.NotEqual(pid, bal.Pid);
        Assert.Equal(
            [bal.Pid], await Eventually.See(
                "one process is left", () => ProcFs.WithVariable("BAL_HOME", bal.Home), p => p.Count == 1));
    }

    [Fact]
    public async Task A_binary_that_goes_silent_when_told_to_serve_is_ended_and_nobody_is_refused()
    {
        await using var backend = Serving.Echo();
        using var installed = new InstalledBal();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend), installed.Path);
        await using var load = new Load(bal, coming: 3, staying: 1);
        await load.GoesOn();
        installed.Replace("#!/bin/sh\nprintf ready >&3\nexec sleep 1000\n");

        var failed = (await bal.Run("upgrade")).FailsWith(1);

        Assert.Contains("the handover took longer than", failed.Error, StringComparison.Ordinal);
        await load.GoesOn();
        await load.End();
    }

    [Fact]
    public async Task A_file_that_cannot_be_used_is_said_and_the_old_process_serves_on_with_what_it_has()
    {
        await using var backend = Serving.Echo();
        using var installed = new InstalledBal();
        var file = BalFile.For(backend);
        await using var bal = await BalInstance.Healthy(output, file, installed.Path);
        var pid = bal.Pid;
        await File.WriteAllTextAsync(bal.ConfigPath, "port: nonsense\n");

        var failed = (await bal.Run("upgrade")).FailsWith(1);

        Assert.StartsWith("what_happened: the configuration cannot be used", failed.Error, StringComparison.Ordinal);
        await bal.Exchange();
        Assert.Equal(pid, bal.Pid);
        bal.Write(file);
        (await bal.Run("upgrade")).Succeeds();
        await bal.Exchange();
    }

    [Fact]
    public async Task A_port_that_cannot_be_had_is_said_before_anything_changes()
    {
        await using var backend = Serving.Echo();
        await using var holder = Serving.Echo();
        using var installed = new InstalledBal();
        var file = BalFile.For(backend);
        await using var bal = await BalInstance.Healthy(output, file, installed.Path);
        var pid = bal.Pid;
        bal.Write(file with { Port = holder.Port });

        var failed = (await bal.Run("upgrade")).FailsWith(1);

        Assert.Contains("is held by another process", failed.Error, StringComparison.Ordinal);
        bal.Write(file);
        await bal.Exchange();
        Assert.Equal(pid, bal.Pid);
    }

    [Fact]
    public async Task A_stop_while_the_new_process_is_starting_ends_both()
    {
        await using var backend = Serving.Echo();
        using var installed = new InstalledBal();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend), installed.Path);
        var pid = bal.Pid;
        installed.Replace("#!/bin/sh\nexec sleep 1000\n");
        Posix.Signal(pid, Posix.Usr2);
        await Eventually.Holds("it has been started", () => ProcFs.WithVariable("BAL_HOME", bal.Home).Count == 2);

        (await bal.Run("stop")).Succeeds();

        await Eventually.Holds("nothing is left", () => ProcFs.WithVariable("BAL_HOME", bal.Home).Count == 0);
    }
}
