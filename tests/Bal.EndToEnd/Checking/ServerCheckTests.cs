using System.Text.RegularExpressions;
using Bal.EndToEnd.Servers;

namespace Bal.EndToEnd.Checking;

/// <summary>Servers of other protocols asked by the samples, with what a check leaves in their logs.</summary>
public sealed class ServerCheckTests(ITestOutputHelper output) : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("bal-e2e-checks-").FullName;

    public void Dispose() => Directory.Delete(directory, recursive: true);

    [Fact]
    public async Task Mosquitto_lets_a_client_in_and_out()
    {
        var port = Ports.Free();
        await File.WriteAllTextAsync($"{directory}/mosquitto.conf",
            $"listener {port} 127.0.0.1\nallow_anonymous true\nlog_type all\nlog_dest stderr\n"
            + (Posix.IsRoot ? "user root\n" : ""));
        await using var server = Command.Start("mosquitto", ["-c", $"{directory}/mosquitto.conf"]);
        await Up("mosquitto", port);

        // The end of bal may cut one check.
        var said = (await server.Stop()).Error;

        Assert.Contains("New client connected", said, StringComparison.Ordinal);
        Assert.Contains("disconnected.", said, StringComparison.Ordinal);
        Assert.InRange(Regex.Count(said, "closed its connection"), 0, 1);
    }

    [Fact]
    public async Task A_broker_that_wants_a_password_is_down_for_an_anonymous_check()
    {
        var port = Ports.Free();
        await File.WriteAllTextAsync($"{directory}/mosquitto.conf",
            $"listener {port} 127.0.0.1\nallow_anonymous false\nlog_dest stderr\n"
            + (Posix.IsRoot ? "user root\n" : ""));
        await using var server = Command.Start("mosquitto", ["-c", $"{directory}/mosquitto.conf"]);
        await using var bal = await BalInstance.Started(output, CheckSample.Of("mosquitto", [$"127.0.0.1:{port}"]));

        await bal.SeeStatus("it answers wrongly", s => s.Backends[0].LastFailure == "wrong_answer");
        Assert.Contains(@"expected  \x02\x00\x00, got  \x02\x00\x05", (await bal.Run("status")).Out,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sshd_greets()
    {
        var port = Ports.Free();
        (await Command.Run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", $"{directory}/key")).Succeeds();
        if (Posix.IsRoot)
            Directory.CreateDirectory("/run/sshd");
        await using var server = Command.Start("/usr/sbin/sshd",
        [
            "-D", "-e", "-f", "/dev/null", "-p", $"{port}", "-h", $"{directory}/key", "-o", "ListenAddress=127.0.0.1",
            "-o", "PidFile=none", "-o", "UsePAM=no", "-o", "MaxStartups=1000",
        ]);
        await Up("ssh", port);

        Assert.Contains("Connection closed by 127.0.0.1", (await server.Stop()).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_mail_server_greets_and_says_goodbye()
    {
        var port = Ports.Free();
        await File.WriteAllTextAsync($"{directory}/exim.conf", $"""
            primary_hostname = mx.example.org
            daemon_smtp_ports = {port}
            local_interfaces = 127.0.0.1
            spool_directory = {directory}/spool
            log_file_path = {directory}/%slog
            log_selector = +smtp_connection
            pid_file_path = {directory}/pid
            tls_advertise_hosts =
            exim_user = root
            exim_group = root
            acl_smtp_connect = accept
            host_lookup =
            rfc1413_query_timeout = 0s
            """ + "\n");
        await using var server = Command.Start("exim4", ["-bdf", "-C", $"{directory}/exim.conf"]);
        await Up("smtp", port);

        var log = await File.ReadAllTextAsync($"{directory}/mainlog");
        Assert.Contains("closed by QUIT", log, StringComparison.Ordinal);
        // The end of bal may cut one check.
        Assert.InRange(Regex.Count(log, @"\blost\b"), 0, 1);
    }

    [Fact]
    public async Task A_web_server_says_how_it_is()
    {
        var port = Ports.Free();
        var broken = $"{directory}/broken";
        await using var nginx = await Nginx.Start("",
            $"server {{ listen 127.0.0.1:{port}; location = /health {{ access_log {directory}/access.log; "
            + $"if (-f {broken}) {{ return 500; }} return 200 well; }} }}", port);
        await using var bal = await BalInstance.Healthy(output, CheckSample.Of("http", [$"127.0.0.1:{port}"]));

        await File.WriteAllTextAsync(broken, "");
        await bal.SeeStatus("it is down", s => s.Backends[0] is { State: "down", LastFailure: "wrong_answer" });
        Assert.Contains("got HTTP/1.1 500 Internal Server Error", (await bal.Run("doctor")).Out,
            StringComparison.Ordinal);
        File.Delete(broken);
        await bal.SeeStatus("it is up", s => s.Backends[0].State == "up");

        Assert.Contains("\"GET /health HTTP/1.1\" 200", await File.ReadAllTextAsync($"{directory}/access.log"),
            StringComparison.Ordinal);
        Assert.DoesNotContain("[error]", nginx.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_sample_is_valid()
    {
        foreach (var file in Directory.GetFiles(Path.Combine(Repository.Root, "sample", "checks")))
            (await Command.Run(BalBinary.Path, "check", "-c", file)).Succeeds();
    }

    private async Task Up(string sample, int port)
    {
        await using var bal = await BalInstance.Started(output, CheckSample.Of(sample, [$"127.0.0.1:{port}"]));
        var seen = new HashSet<string>();
        await bal.SeeStatus("it is up for several checks", s => s.Backends[0].State == "up"
            && seen.Add(s.Root.GetProperty("last_check_time").GetString()!) && seen.Count > 5);
        Assert.Contains(
            "answers its health check", (await bal.Run("doctor", "--verbose")).Out, StringComparison.Ordinal);
    }
}
