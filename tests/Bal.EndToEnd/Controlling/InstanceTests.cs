using System.Text.Json;

namespace Bal.EndToEnd.Controlling;

/// <summary>A command is about the instance that its user means, or says which one it could be about.</summary>
public sealed class InstanceTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_command_that_names_a_file_is_only_for_the_instance_that_serves_it()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));
        var other = Path.Combine(bal.Home, "other.yaml");
        File.Copy(bal.ConfigPath, other);

        foreach (var words in (string[])
            ["status", "status --json", "explain", "explain backend 1", "graceful", "graceful --dry-run", "reload",
                "upgrade", "stop", "ready"])
        {
            var refused = (await bal.Run([.. words.Split(' '), "-c", other])).FailsWith(1);
            Assert.Contains(other, refused.Out + refused.Error, StringComparison.Ordinal);
            Assert.Contains(bal.ConfigPath, refused.Out + refused.Error, StringComparison.Ordinal);
            if (words != "ready")
                Assert.Contains("do_this_now: ", refused.Out + refused.Error, StringComparison.Ordinal);
        }

        await bal.Exchange();
        Assert.Equal(1, (await bal.Status()).ConfigVersion);
    }

    [Fact]
    public async Task The_same_file_by_another_path_is_the_same_file()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));
        var link = Path.Combine(bal.Home, "link.yaml");
        File.CreateSymbolicLink(link, bal.ConfigPath);

        (await bal.Run("status", "-c", link)).Succeeds();
        (await bal.Run("reload", "-c", link)).Succeeds();
        (await bal.Run("ready", "-c", bal.ConfigPath)).Succeeds();
        // Also while there is no file at all, as between the steps of a careless editor.
        var aside = bal.ConfigPath + ".aside";
        File.Delete(link);
        File.Move(bal.ConfigPath, aside);
        (await bal.Run("status", "-c", bal.ConfigPath)).Succeeds();
        File.Move(aside, bal.ConfigPath);
        (await bal.Run("stop", "-c", bal.ConfigPath)).Succeeds();
    }

    [Fact]
    public async Task Not_running_names_where_it_looked_and_what_runs_elsewhere()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));
        await using var stopped = new BalInstance(output, BalFile.For(backend));

        foreach (var command in (string[])["stop", "graceful", "upgrade", "explain", "status", "status --json"])
        {
            var run = await stopped.Run(command.Split(' '));
            var said = run.Out + run.Error;
            Assert.Contains($"BAL_HOME={bal.Home} (pid={bal.Pid})", said, StringComparison.Ordinal);
            Assert.Contains(stopped.Home, said, StringComparison.Ordinal);
        }

        var status = (await stopped.Run("status")).Succeeds().Out;
        Assert.StartsWith("overall: STOPPED\n", status, StringComparison.Ordinal);
        Assert.Contains("backends: unknown (1 configured)\n", status, StringComparison.Ordinal);
        (await stopped.Run("status", "--exit-code")).FailsWith(2);
    }

    [Fact]
    public async Task Where_BAL_HOME_is_unset_the_system_service_is_meant_if_nothing_else_runs()
    {
        await using var backend = Serving.Echo();
        await using var bal = new BalInstance(output, BalFile.For(backend));
        var unshare = Posix.IsRoot ? "unshare -m" : "unshare -rm";
        var script = $"""
            mount -t tmpfs tmpfs /var/lib && mkdir -m 0700 /var/lib/bal && cp {bal.ConfigPath} /var/lib/bal/ || exit 99
            BAL_HOME=/var/lib/bal "$BAL" start -d 2>/dev/null || exit 98
            unset BAL_HOME
            export HOME={bal.Home}/user
            for command in status explain graceful doctor "ready"; do
              "$BAL" $command >/dev/null 2>{bal.Home}/said || exit 97
              grep -q "system service, BAL_HOME=/var/lib/bal" {bal.Home}/said || exit 96
            done
            env -u HOME "$BAL" status | grep -q "daemon: running" || exit 95
            BAL_HOME=$HOME "$BAL" status | grep -q "not running" || exit 94
            "$BAL" stop || exit 93
            "$BAL" status | grep -q "not running (BAL_HOME=$HOME/.bal)" || exit 92
            """;

        (await bal.Shell($"exec {unshare} bash -s <<'SCRIPT'\n{script}\nSCRIPT\n")).Succeeds();
    }

    [Fact]
    public async Task The_log_says_who_asked()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));

        (await bal.Run("graceful")).Succeeds();
        await Requested(bal, "reload", "control_socket", pid: null);
        await using var shell = bal.ShellInBackground($"kill -HUP {bal.Pid}; kill -USR1 {bal.Pid}; read -r");
        await Requested(bal, "reload", "SIGHUP", shell.Pid);
        await Requested(bal, "reopen_log", "SIGUSR1", shell.Pid);
        (await bal.Run("explain")).Succeeds();
        (await bal.Run("graceful", "--dry-run")).Succeeds();
        (await bal.Run("stop")).Succeeds();
        await Requested(bal, "stop", "control_socket", pid: null);

        // What changes nothing is not in it.
        Assert.Equal(4, bal.LogLines().Count(l => l.Contains("\"event\":\"requested\"", StringComparison.Ordinal)));
    }

    private static Task Requested(BalInstance bal, string action, string means, int? pid) =>
        Eventually.Holds($"{action} by {means} is in the log", () => bal.LogLines()
            .Select(line => JsonDocument.Parse(line).RootElement)
            .Where(line => line.GetProperty("event").GetString() == "requested")
            .Any(line => line.GetProperty("fields") is var fields
                && fields.GetProperty("action").GetString() == action
                && fields.GetProperty("means").GetString() == means
                && fields.GetProperty("user").GetString() == Environment.UserName
                && fields.GetProperty("pid").GetInt32() is var asker && (pid is null ? asker > 1 : asker == pid)
                && line.GetProperty("message").GetString()!.Contains(
                    $" by {Environment.UserName} (uid=", StringComparison.Ordinal)));
}
