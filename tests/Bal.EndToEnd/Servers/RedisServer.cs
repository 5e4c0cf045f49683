namespace Bal.EndToEnd.Servers;

/// <summary>redis-server on a port of its own, with nothing on disk.</summary>
internal sealed class RedisServer : IAsyncDisposable
{
    private Command? _process;

    public int Port { get; } = Ports.Free();

    public static async Task<RedisServer> Start()
    {
        var server = new RedisServer();
        await server.Revive();
        return server;
    }

    public async Task Revive()
    {
        _process = Command.Start("redis-server",
        [
            "--port", $"{Port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no",
        ]);
        await Eventually.See("redis answers", () => Cli(Port, "PING"), answer => answer.Out == "PONG\n");
    }

    public async Task Kill()
    {
        if (_process is not null)
            await _process.DisposeAsync();
        _process = null;
    }

    public static Task<Finished> Cli(int port, params string[] arguments) =>
        Command.Run("redis-cli", ["-h", "127.0.0.1", "-p", $"{port}", .. arguments]);

    public async ValueTask DisposeAsync() => await Kill();
}
