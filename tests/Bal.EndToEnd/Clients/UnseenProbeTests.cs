using System.Globalization;
using Bal.EndToEnd.Servers;

namespace Bal.EndToEnd.Clients;

/// <summary>
/// Real servers that count or log every connection which says nothing: the default health check is no such connection,
/// and <c>tcp_full</c>, which shows that they would notice, is.
/// </summary>
public sealed class UnseenProbeTests(ITestOutputHelper output)
{
    private const int Probes = 12;

    [Theory]
    [InlineData(null, false)]
    [InlineData("tcp_full", true)]
    public async Task MariaDB_counts_no_probe_and_blocks_nobody(string? check, bool counts)
    {
        await using var server = await MariaDbServer.Start(maxConnectErrors: 10);
        await using var bal = new BalInstance(output, Often(server.Port, check, MariaDbServer.Address));
        await server.Space.StartBal(bal);
        await ProbesOf(bal);

        if (counts)
            await Eventually.See("probes are counted", () => Aborted(server, bal), seen => seen > 0);
        else
            Assert.Equal(0, await Aborted(server, bal));
    }

    // What a server that blocks bal says is an answer, too.
    private static async Task<long> Aborted(MariaDbServer server, BalInstance bal)
    {
        var answer = await server.Query(bal.File.Port, "SHOW GLOBAL STATUS LIKE 'Aborted_connects'");
        return answer.Error.Contains("1129", StringComparison.Ordinal)
            ? long.MaxValue
            : long.Parse(answer.Succeeds().Out.Split('\t')[1], CultureInfo.InvariantCulture);
    }

    [Theory]
    [InlineData(null, false)]
    [InlineData("tcp_full", true)]
    public async Task Mosquitto_logs_no_line_for_a_probe(string? check, bool logs)
    {
        var port = Ports.Free();
        var directory = Directory.CreateTempSubdirectory("bal-e2e-mosquitto-").FullName;
        var file = Path.Combine(directory, "mosquitto.conf");
        await File.WriteAllTextAsync(file,
            $"listener {port} 127.0.0.1\nallow_anonymous true\nlog_type all\nlog_dest stderr\n"
            + (Posix.IsRoot ? "user root\n" : ""));
        await using var server = Command.Start("mosquitto", ["-c", file]);
        await using var bal = await BalInstance.Healthy(output, Often(port, check));
        await ProbesOf(bal);

        var said = (await server.Stop()).Error;

        Assert.Contains("running", said, StringComparison.Ordinal);
        Assert.Equal(logs, said.Contains("New connection", StringComparison.Ordinal));
        Directory.Delete(directory, recursive: true);
    }

    [Theory]
    [InlineData(null, false)]
    [InlineData("tcp_full", true)]
    public async Task Sshd_logs_no_line_for_a_probe(string? check, bool logs)
    {
        var port = Ports.Free();
        var directory = Directory.CreateTempSubdirectory("bal-e2e-sshd-").FullName;
        (await Command.Run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", $"{directory}/key")).Succeeds();
        // What it separates privileges with; the package's service makes it at each start.
        if (Posix.IsRoot)
            Directory.CreateDirectory("/run/sshd");
        await using var server = Command.Start("/usr/sbin/sshd",
        [
            "-D", "-e", "-f", "/dev/null", "-p", $"{port}", "-h", $"{directory}/key", "-o", "ListenAddress=127.0.0.1",
            "-o", "PidFile=none", "-o", "UsePAM=no", "-o", "LogLevel=VERBOSE",
        ]);
        await using var bal = await BalInstance.Healthy(output, Often(port, check));
        await ProbesOf(bal);

        var said = (await server.Stop()).Error;

        Assert.Contains("listening on 127.0.0.1", said, StringComparison.Ordinal);
        Assert.Equal(logs, said.Contains("Connection from", StringComparison.Ordinal));
        Directory.Delete(directory, recursive: true);
    }

    private static BalFile Often(int port, string? check, string address = "127.0.0.1") =>
        new BalFile(Ports.Free(), $"{address}:{port}") { HealthCheck = check }
        .With("health_check_interval_ms", 10).With("health_check_timeout_ms", 5_000);

    // A check time says that one more probe has ended.
    private static async Task ProbesOf(BalInstance bal)
    {
        var seen = new HashSet<string>();
        await bal.SeeStatus($"{Probes} probes have ended", status =>
            seen.Add(status.Root.GetProperty("last_check_time").GetString()!) && seen.Count >= Probes,
            TimeSpan.FromSeconds(60));
        Assert.Equal(1, (await bal.Status()).Reachable);
    }
}
