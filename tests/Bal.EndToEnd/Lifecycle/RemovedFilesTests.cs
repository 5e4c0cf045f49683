namespace Bal.EndToEnd.Lifecycle;

/// <summary>
/// What somebody removes from BAL_HOME by hand while bal runs comes back, and nothing else is touched.
/// </summary>
public sealed class RemovedFilesTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_removed_PID_file_comes_back_locked()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));
        var pid = bal.Pid;

        File.Delete(bal.PidPath);

        await bal.SeeStatus("it is found again", s => s.Running && s.Pid == pid);
        Assert.Equal($"{pid}\n", await File.ReadAllTextAsync(bal.PidPath));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(bal.PidPath));
        Assert.Contains("already running", (await bal.Run("start", "-d")).FailsWith(1).Error, StringComparison.Ordinal);
        (await bal.Run("stop")).Succeeds();
        Assert.False(ProcFs.IsAlive(pid));
        Assert.False(File.Exists(bal.PidPath));
    }

    [Fact]
    public async Task A_removed_control_socket_comes_back()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));

        File.Delete(bal.SocketPath);
        await Eventually.Holds("the socket is there again", () => File.Exists(bal.SocketPath));

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(bal.SocketPath));
        (await bal.Run("graceful")).Succeeds();
        Assert.StartsWith("overall: OK", (await bal.Run("doctor")).Succeeds().Out, StringComparison.Ordinal);
        await Eventually.See("it is logged, once", () =>
            bal.LogLines().Count(l => l.Contains("home_restored", StringComparison.Ordinal)), n => n == 1);
    }

    [Fact]
    public async Task A_removed_log_goes_on_under_its_name_with_the_next_line()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));

        File.Delete(bal.LogPath);
        (await bal.Run("graceful")).Succeeds();

        await Eventually.Holds("the line is in the new file",
            () => bal.LogLines().Any(l => l.Contains("reload_applied", StringComparison.Ordinal)));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(bal.LogPath));
    }

    [Fact]
    public async Task A_removed_home_costs_no_client_anything_and_is_used_again_once_it_is_back()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));
        var pid = bal.Pid;
        using var open = await bal.Connect();

        Directory.Delete(bal.Home, recursive: true);
        await open.Write(new byte[1]);
        await open.Read(1);
        await bal.Exchange();
        Assert.Contains("not running", (await bal.Run("status")).Succeeds().Out, StringComparison.Ordinal);
        // It was meant to go, for all that bal knows.
        Assert.False(Directory.Exists(bal.Home));

        Directory.CreateDirectory(bal.Home, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        bal.Write(bal.File);
        await bal.SeeStatus("it is found again", s => s.Running && s.Pid == pid);
        (await bal.Run("graceful")).Succeeds();
        await Eventually.Holds("the log goes on as well",
            () => bal.LogLines().Any(l => l.Contains("home_restored", StringComparison.Ordinal)));
        open.Dispose();
        (await bal.Run("stop")).Succeeds();
    }

    [Fact]
    public async Task What_lies_in_the_place_of_a_removed_file_is_left_alone()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));
        var (pid, victim) = (bal.Pid, Path.Combine(bal.Home, "victim"));
        await File.WriteAllTextAsync(victim, "precious");

        File.CreateSymbolicLink(bal.PidPath + ".new", victim);
        File.Move(bal.PidPath + ".new", bal.PidPath, overwrite: true);
        // The guard has looked when the socket is back.
        File.Delete(bal.SocketPath);
        await Eventually.Holds("the socket is there again", () => File.Exists(bal.SocketPath));

        Assert.Equal("precious", await File.ReadAllTextAsync(victim));
        Assert.Equal(victim, new FileInfo(bal.PidPath).LinkTarget);
        Posix.Signal(pid, Posix.Terminate);
        await Eventually.Holds("it has ended", () => !ProcFs.IsAlive(pid));
        Assert.Equal("precious", await File.ReadAllTextAsync(victim));
    }
}
