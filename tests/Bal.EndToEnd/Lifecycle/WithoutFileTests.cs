using System.Globalization;

namespace Bal.EndToEnd.Lifecycle;

/// <summary>A bal that has its configuration from the command line, and the file that <c>bal init</c> writes.</summary>
public sealed class WithoutFileTests(ITestOutputHelper output)
{
    [Fact]
    public async Task It_serves_declines_reloads_and_an_upgrade_keeps_its_arguments()
    {
        await using var backend = Serving.Echo();
        await using var bal = new BalInstance(output);
        bal.Expect(Ports.Free());
        var listen = $"127.0.0.1:{bal.Endpoint.Port}";
        (await bal.Run("start", "-d", "--listen", listen, "--backend", backend.Address)).Succeeds();

        var status = await bal.SeeStatus("its backend is up", s => s.Backends.All(b => b.State == "up"));
        Assert.Equal(System.Text.Json.JsonValueKind.Null, status.Root.GetProperty("config_path").ValueKind);
        await bal.Exchange();
        foreach (var reload in new string[][] { ["graceful"], ["reload", "--dry-run"], ["reload", "--json"] })
            Assert.Contains("nothing was changed", (await bal.Run(reload)).FailsWith(1).Out, StringComparison.Ordinal);
        Posix.Signal(bal.Pid, Posix.HangUp);
        await Eventually.Holds("the signal is declined in the log", () => File.ReadAllLines(bal.LogPath)
            .Count(line => line.Contains("reload_declined", StringComparison.Ordinal)) == 3);
        // That nobody can reload is not a fault of how it serves.
        await bal.SeeStatus("all is well", s => s.Root.GetProperty("overall").GetString() == "ok");
        await Eventually.See("doctor agrees", () => bal.Run("doctor"), run => run.ExitCode == 0);

        (await bal.Run("upgrade")).Succeeds();

        status = await bal.Status();
        Assert.Equal([backend.Address], status.Backends.Select(b => b.Address));
        await bal.Exchange();
        Assert.Contains("serves the command line", (await bal.Run("-c", "/etc/hosts", "status")).FailsWith(1).Out,
            StringComparison.Ordinal);
        (await bal.Run("stop")).Succeeds();
    }

    [Theory]
    [InlineData("start --listen 127.0.0.1:80")]
    [InlineData("start --backend nowhere")]
    [InlineData("start --listen 80 --backend 127.0.0.1:81")]
    [InlineData("start -c /etc/bal.yaml --backend 127.0.0.1:81")]
    [InlineData("init --backend nowhere")]
    [InlineData("init")]
    public async Task What_cannot_be_meant_is_wrong_usage(string typed)
    {
        await using var bal = new BalInstance(output);
        Assert.NotEqual("", (await bal.Run(typed.Split(' '))).FailsWith(64).Error);
    }

    [Fact]
    public async Task Init_writes_a_file_that_works_and_never_replaces_one()
    {
        await using var backend = Serving.Echo();
        await using var bal = new BalInstance(output);
        bal.Expect(Ports.Free());
        string[] init =
            ["init", "--listen", $"127.0.0.1:{bal.Endpoint.Port}", "--backend", backend.Address];

        (await bal.Run(init)).Succeeds();

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(bal.ConfigPath));
        Assert.Contains("result: OK", (await bal.Run("check")).Succeeds().Out, StringComparison.Ordinal);
        (await bal.Run("start", "-d")).Succeeds();
        await bal.Exchange();
        var written = await File.ReadAllTextAsync(bal.ConfigPath);
        Assert.Contains("there already", (await bal.Run(init)).FailsWith(1).Error, StringComparison.Ordinal);
        Assert.Equal(written, await File.ReadAllTextAsync(bal.ConfigPath));
        // Neither through a link that leads nowhere.
        var link = Path.Combine(bal.Home, "link.yaml");
        File.CreateSymbolicLink(link, Path.Combine(bal.Home, "nowhere.yaml"));
        (await bal.Run([.. init, "-c", link])).FailsWith(1);
        Assert.False(File.Exists(Path.Combine(bal.Home, "nowhere.yaml")));
        (await bal.Run("stop")).Succeeds();
    }

    [Fact]
    public async Task On_a_terminal_init_asks_for_what_is_not_given()
    {
        await using var bal = new BalInstance(output);
        var port = Ports.Free();
        var answers = string.Create(CultureInfo.InvariantCulture,
            $"nonsense\\n127.0.0.1:{port}\\nagain nonsense\\n127.0.0.1:81\\n127.0.0.1:82\\n\\n");

        (await bal.Shell($"printf '{answers}' | script -qec \"$BAL init\" /dev/null")).Succeeds();

        var status = await bal.Run("check", "--verbose");
        Assert.Contains("backends: 2", status.Succeeds().Out, StringComparison.Ordinal);
        Assert.Contains($"port: {port}\n", await File.ReadAllTextAsync(bal.ConfigPath), StringComparison.Ordinal);
    }
}
