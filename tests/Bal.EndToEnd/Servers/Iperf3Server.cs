namespace Bal.EndToEnd.Servers;

/// <summary>iperf3 as a server. One run at a time, like iperf3 itself.</summary>
internal sealed class Iperf3Server : IAsyncDisposable
{
    private readonly Command _process;

    private Iperf3Server(Command process, int port) => (_process, Port) = (process, port);

    public int Port { get; }

    public static async Task<Iperf3Server> Start()
    {
        var port = Ports.Free();
        var server = new Iperf3Server(
            Command.Start("iperf3", ["--server", "--bind", "127.0.0.1", "--port", $"{port}", "--forceflush"]), port);
        await Eventually.Holds("iperf3 listens", () => Listens(port));
        return server;
    }

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    // Asking the kernel: a connect would be taken for a client, of which iperf3 serves one at a time.
    private static bool Listens(int port) =>
        System.Net.NetworkInformation.IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners()
            .Any(endpoint => endpoint.Port == port);
}
