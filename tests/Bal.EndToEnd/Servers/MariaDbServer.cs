namespace Bal.EndToEnd.Servers;

/// <summary>
/// A MariaDB server in a temporary directory that blocks a host after so many connections that said nothing. It counts
/// none from the loopback address and none from a host without a name, so that it has a network of its own.
/// </summary>
internal sealed class MariaDbServer : IAsyncDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("bal-e2e-mariadb-").FullName;
    private Command? _process;
    private NetworkSpace? _space;

    public const string Address = "10.9.9.1";

    public int Port { get; } = Ports.Free();

    public NetworkSpace Space => _space!;

    public static async Task<MariaDbServer> Start(int maxConnectErrors)
    {
        var server = new MariaDbServer();
        // Run by root it changes to the owner of its files.
        var user = Posix.IsRoot ? "--user=mysql" : "--user=root";
        server._space = await NetworkSpace.Open(
            $"127.0.0.1 localhost\n{Address} client\n", $"ip address add {Address}/32 dev lo");
        if (Posix.IsRoot)
            (await Command.Run("chown", "mysql", server._directory)).Succeeds();
        (await Command.Run("mariadb-install-db",
        [
            "--no-defaults", user, $"--datadir={server._directory}/data", "--auth-root-authentication-method=normal",
            "--skip-test-db",
        ])).Succeeds();
        server._process = server.Space.Start(
        [
            "mariadbd",
            "--no-defaults", user, $"--datadir={server._directory}/data", $"--socket={server._directory}/sock",
            $"--port={server.Port}", $"--bind-address={Address}", $"--pid-file={server._directory}/pid",
            $"--max-connect-errors={maxConnectErrors}", "--innodb-flush-log-at-trx-commit=0",
        ]);
        await Eventually.See("MariaDB answers", () => Client($"--socket={server._directory}/sock",
            "-e", "CREATE USER bal@'%'"), answer => answer.ExitCode == 0);
        return server;
    }

    /// <summary>What a query through a port says.</summary>
    public Task<Finished> Query(int port, string sql) => Space.Run(
        "mariadb", "--no-defaults", "-h", "127.0.0.1", "-P", $"{port}", "-u", "bal", "-N", "-B", "-e", sql);

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
            await _process.DisposeAsync();
        if (_space is not null)
            await _space.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    private static Task<Finished> Client(params string[] arguments) =>
        Command.Run("mariadb", ["--no-defaults", "-u", "root", .. arguments]);
}
