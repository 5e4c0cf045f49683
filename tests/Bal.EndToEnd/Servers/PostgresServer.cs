namespace Bal.EndToEnd.Servers;

/// <summary>A PostgreSQL cluster in a temporary directory. It refuses root, who runs it as its own user.</summary>
public sealed class PostgresServer : IAsyncLifetime
{
    private readonly string _directory = Directory.CreateTempSubdirectory("bal-e2e-pg-").FullName;

    internal int Port { get; } = Ports.Free();

    /// <summary>The path of its Unix socket.</summary>
    internal string Socket => $"{_directory}/.s.PGSQL.{Port}";

    /// <summary>The connections that it takes; three of them are kept for its superusers.</summary>
    internal int MaxConnections { get; init; } = 60;

    public async Task InitializeAsync()
    {
        if (Posix.IsRoot)
            (await Command.Run("chown", "postgres", _directory)).Succeeds();
        (await AsOwner("initdb", "-D", $"{_directory}/data", "-A", "trust", "-U", "bal", "--no-sync")).Succeeds();
        var options = $"-p {Port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={_directory} -c fsync=off " +
            $"-c max_connections={MaxConnections}";
        (await AsOwner("pg_ctl", "-D", $"{_directory}/data", "-w", "-l", $"{_directory}/log", "-o", options, "start"))
            .Succeeds();
        (await Client("psql", Port, "-c", "CREATE TABLE told (line text)")).Succeeds();
        (await Client("pgbench", Port, "--initialize", "--scale", "1", "--quiet")).Succeeds();
    }

    public async Task DisposeAsync()
    {
        await AsOwner("pg_ctl", "-D", $"{_directory}/data", "-m", "immediate", "-w", "stop");
        Directory.Delete(_directory, recursive: true);
    }

    /// <summary>psql or pgbench against a port: the server's, or bal's.</summary>
    internal static Task<Finished> Client(string program, int port, params string[] arguments) =>
        ClientOf("127.0.0.1", program, port, arguments);

    /// <summary>The same at a host, which may be the directory of a Unix socket.</summary>
    internal static async Task<Finished> ClientOf(string host, string program, int port, params string[] arguments)
    {
        await using var command = Command.Start(
            program, [.. arguments, "-h", host, "-p", $"{port}", "-U", "bal", "postgres"],
            ("PGCONNECT_TIMEOUT", "10"));
        return await command.End();
    }

    /// <summary>A program of the server, run by the user that owns its files.</summary>
    internal static async Task<Finished> AsOwner(string program, params string[] arguments)
    {
        // Debian keeps the server's programs out of PATH.
        var found = Directory.Exists("/usr/lib/postgresql")
            ? Directory.GetDirectories("/usr/lib/postgresql")
                .Select(version => Path.Combine(version, "bin", program)).FirstOrDefault(File.Exists)
            : null;
        var path = found ?? program;
        return Posix.IsRoot
            ? await Command.Run("runuser", ["-u", "postgres", "--", path, .. arguments])
            : await Command.Run(path, arguments);
    }
}
