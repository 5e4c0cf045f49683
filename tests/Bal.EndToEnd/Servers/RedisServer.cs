namespace Bal.EndToEnd.Servers;

/// <summary>redis-server on a port of its own, with nothing on disk.</summary>
internal sealed class RedisServer : IAsyncDisposable
{
    private readonly Command _process;

    private RedisServer(Command process, int port) => (_process, Port) = (process, port);

    public int Port { get; }

    public static async Task<RedisServer> Start()
    {
        var port = Ports.Free();
        var server = new RedisServer(Command.Start("redis-server",
        [
            "--port", $"{port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no",
        ]), port);
        await Eventually.See("redis answers", () => Cli(port, "PING"), answer => answer.Out == "PONG\n");
        return server;
    }

    public static Task<Finished> Cli(int port, params string[] arguments) =>
        Command.Run("redis-cli", ["-h", "127.0.0.1", "-p", $"{port}", .. arguments]);

    public ValueTask DisposeAsync() => _process.DisposeAsync();
}
