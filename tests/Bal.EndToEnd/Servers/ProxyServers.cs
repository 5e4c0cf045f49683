namespace Bal.EndToEnd.Servers;

/// <summary>HAProxy in the foreground, logging to its standard error.</summary>
internal sealed class HaProxyServer : IAsyncDisposable
{
    private const string Defaults = """
        global
          maxconn 500
          log stderr format raw local0
        defaults
          mode tcp
          log global
          timeout check 20s
          timeout connect 20s
          timeout client 60s
          timeout server 60s

        """;

    private readonly string _file = Path.GetTempFileName();
    private readonly string _log = Path.GetTempFileName();
    private readonly Command _process;

    private HaProxyServer(string sections)
    {
        File.WriteAllText(_file, Defaults + sections + "\n");
        _process = Command.Start("sh", ["-c", "exec haproxy -f \"$0\" 2>\"$1\"", _file, _log]);
    }

    /// <param name="sections">Its frontends and backends.</param>
    /// <param name="ports">Where it then listens.</param>
    public static async Task<HaProxyServer> Start(string sections, params int[] ports)
    {
        var server = new HaProxyServer(sections);
        await Listening.On(server._process, ports);
        return server;
    }

    /// <summary>What it has logged so far.</summary>
    public string Log => File.ReadAllText(_log);

    /// <summary>What it has logged, once it has ended.</summary>
    public async Task<string> Stop()
    {
        await _process.Stop();
        return Log;
    }

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        File.Delete(_file);
        File.Delete(_log);
    }
}

/// <summary>Asks the kernel who listens: a connect would show in a server's log.</summary>
internal static class Listening
{
    public static async Task On(Command server, params int[] ports)
    {
        await Eventually.Holds("it listens", () => server.HasExited || ports.All(port =>
            System.Net.NetworkInformation.IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners()
                .Any(endpoint => endpoint.Port == port)));
        if (server.HasExited)
            Assert.Fail($"{await server.End()}");
    }
}
