using System.Globalization;

namespace Bal.EndToEnd.Servers;

/// <summary>
/// A PostgreSQL primary and a standby that follows it (streaming replication), in a temporary directory. The standby
/// logs every connection that it gets.
/// </summary>
internal sealed class PostgresPair : IAsyncDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("bal-e2e-pgpair-").FullName;

    public int Primary { get; } = Ports.Free();

    public int Standby { get; } = Ports.Free();

    public static async Task<PostgresPair> Start()
    {
        var pair = new PostgresPair();
        try
        {
            await pair.Begin();
        }
        catch
        {
            await pair.DisposeAsync();
            throw;
        }

        return pair;
    }

    /// <summary>Stops the primary in order: what it has committed reaches the standby first.</summary>
    public async Task StopPrimary() => (await Control("primary", "stop", "-m", "fast")).Succeeds();

    /// <summary>Makes the standby accept writes.</summary>
    public async Task Promote() => (await Control("standby", "promote")).Succeeds();

    /// <summary>Starts the standby again, with a setting more, without waiting for it to accept clients.</summary>
    public async Task RestartStandby(string setting)
    {
        (await Control("standby", "stop", "-m", "fast")).Succeeds();
        await Control("standby", "start", "-W", "-l", LogOf("standby"), "-o", $"{Options(Standby)} -c {setting}");
    }

    /// <summary>
    /// When connections came to the standby over TCP, by its log; the server's own programs use its unix socket.
    /// </summary>
    public DateTime[] ConnectionsToStandby() => [.. File.ReadAllLines(LogOf("standby"))
        .Where(line => line.Contains("connection received: host=127.0.0.1", StringComparison.Ordinal))
        .Select(line => DateTime.Parse(
            line[..line.IndexOf(" UTC", StringComparison.Ordinal)], CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal))];

    public async ValueTask DisposeAsync()
    {
        foreach (var name in new[] { "primary", "standby" })
            await Control(name, "stop", "-m", "immediate");
        Directory.Delete(_directory, recursive: true);
    }

    private async Task Begin()
    {
        if (Posix.IsRoot)
            (await Command.Run("chown", "postgres", _directory)).Succeeds();
        (await PostgresServer.AsOwner("initdb", "-D", DataOf("primary"), "-A", "trust", "-U", "bal", "--no-sync"))
            .Succeeds();
        await Run("primary", Primary);
        (await PostgresServer.Client("psql", Primary, "-c", "CREATE TABLE rows (client int, number bigint)"))
            .Succeeds();
        (await PostgresServer.AsOwner(
            "pg_basebackup", "-h", "127.0.0.1", "-p", $"{Primary}", "-U", "bal", "-D", DataOf("standby"),
            "-R", "-X", "stream", "--checkpoint=fast", "--no-sync")).Succeeds();
        await Run("standby", Standby);
        await Eventually.See("the standby follows", () => PostgresServer.Client(
            "psql", Primary, "-At", "-c", "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"),
            answer => answer.Succeeds().Out.Trim() == "1");
    }

    private async Task Run(string name, int port) =>
        (await Control(name, "start", "-l", LogOf(name), "-o", Options(port))).Succeeds();

    private string Options(int port) =>
        $"-p {port} -c listen_addresses=127.0.0.1,127.0.0.2 -c unix_socket_directories={_directory} -c fsync=off "
            + "-c max_connections=60 -c log_connections=on -c log_timezone=UTC -c log_line_prefix='%m '";

    private Task<Finished> Control(string name, params string[] arguments) =>
        PostgresServer.AsOwner("pg_ctl", ["-D", DataOf(name), "-w", "-t", "60", .. arguments]);

    private string DataOf(string name) => Path.Combine(_directory, name);

    private string LogOf(string name) => Path.Combine(_directory, name + ".log");
}
